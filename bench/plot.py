#!/usr/bin/env python3
"""Draws results: plot.py CPU.json OUTDIR. Needs matplotlib."""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
# pylint: disable=wrong-import-position
from matplotlib import pyplot
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from report import done, fastest_peer, median, names_of, ratio
from rows import TABLE, growth
from store import Store

COLOURS = {"nin": "#d1495b", "PyTorch": "#2e6f95", "ONNX Runtime": "#5b8c5a", "OpenVINO": "#b58b2a"}
MARKS = {"nin": "o", "PyTorch": "s", "ONNX Runtime": "^", "OpenVINO": "D"}
INK, GRID = "#333333", "#dddddd"

pyplot.rcParams.update({
    "font.family": "DejaVu Sans", "font.size": 10, "axes.edgecolor": "#999999",
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white",
    "savefig.dpi": 150, "axes.titlesize": 11})


def plain(value, _=None):
    return f"{value:g}"


def times(axis, ticks):
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(plain))


def draw_speed(store, path):
    """A line a row of the table: everybody's speed beside that of the fastest peer."""
    measured = [(row, runs) for row, runs in done(store, TABLE) if ratio(runs)]
    figure, axes = pyplot.subplots(figsize=(9, 1.6 + 0.42 * len(measured)))
    for y, (row, runs) in enumerate(reversed(measured)):
        unit = median(runs[fastest_peer(runs)])
        for name in names_of([(row, runs)])[::-1]:
            axes.plot(median(runs[name]) / unit, y, MARKS[name], color=COLOURS[name],
                      markersize=9 if name == "nin" else 6.5, zorder=4 if name == "nin" else 3)
        axes.hlines(y, 1, ratio(runs), color=COLOURS["nin"], linewidth=2, alpha=0.35, zorder=2)
        axes.annotate(f"{ratio(runs):.2f}", (ratio(runs), y), (0, 7), ha="center", fontsize=8.5,
                      textcoords="offset points", color=COLOURS["nin"])
        if row.goal:
            axes.plot(row.goal, y, "|", color=INK, markersize=13, markeredgewidth=1.6, zorder=1)
    axes.set_yticks(range(len(measured)), [row.title for row, _ in reversed(measured)])
    axes.set_ylim(-0.7, len(measured) - 0.3)
    axes.axvline(1, color="#888888", linewidth=1, zorder=1)
    axes.set_xscale("log")
    times(axes.xaxis, [0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20])
    axes.grid(axis="x", color=GRID, zorder=0)
    axes.set_xlabel("times the speed of the fastest peer")
    handles = [pyplot.Line2D([], [], marker=MARKS[name], color=COLOURS[name], linestyle="",
                             markersize=7, label=name) for name in names_of(measured)]
    handles.append(pyplot.Line2D([], [], marker="|", color=INK, linestyle="", markersize=12,
                                 markeredgewidth=1.6, label="goal"))
    figure.legend(handles=handles, ncol=len(handles), frameon=False, loc="upper left",
                  bbox_to_anchor=(0.01, 0.99))
    figure.text(0.015, 0.012, about_text(store, TABLE), fontsize=7, color="#777777")
    figure.tight_layout(rect=(0, 0.02, 1, 0.95))
    figure.savefig(path)
    pyplot.close(figure)


def about_text(store, rows):
    about = store.about
    return (f"{about['machine']}; {about['threads']} threads; nin {about['commit']}; medians of at "
            f"least {store.rounds(rows)} rounds; {about['date']}")


def draw_curve(axes, store, curve, key, scale):
    for name in ("nin", "PyTorch"):
        points = [(x, median(runs[name], key) * scale) for x, row in curve
                  if name in (runs := store.runs(row))]
        if points:
            axes.plot(*zip(*points), marker=MARKS[name], color=COLOURS[name], markersize=5,
                      linewidth=1.6, label=name)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    times(axes.xaxis, [x for x, _ in curve])
    times(axes.yaxis, [f * 10**e for e in range(-3, 6) for f in (1, 2, 5)])
    axes.grid(color=GRID)


def draw_growth(store, path):
    """Columns: what grows. Rows: time to train and to predict, and memory."""
    curves = growth(store.about["threads"])
    names = {"batch": "pictures a batch", "size": "height and width of a picture (batch 32)",
             "threads": "threads (batch 32)"}
    lines = [("train", "ms_per_example", 1, "training: ms an example"),
             ("infer", "ms_per_example", 1, "prediction: ms an example"),
             ("train", "peak_rss_bytes", 1e-6, "training: peak memory, MB"),
             ("infer", "peak_rss_bytes", 1e-6, "prediction: peak memory, MB")]
    figure, all_axes = pyplot.subplots(len(lines), len(names), figsize=(11, 13), sharey="row",
                                       sharex="col", width_ratios=[3, 2.4, 1])
    for (mode, key, scale, label), row in zip(lines, all_axes):
        for axes, grows in zip(row, names):
            draw_curve(axes, store, curves[grows, mode], key, scale)
        row[0].set_ylabel(label)
    for axes, label in zip(all_axes[-1], names.values()):
        axes.set_xlabel(label)
    all_axes[0][0].legend(frameon=False)
    figure.suptitle("NiN: how time and memory grow", x=0.02, ha="left", fontsize=13)
    rows = [row for curve in curves.values() for _, row in curve]
    figure.text(0.015, 0.008, about_text(store, rows), fontsize=7, color="#777777")
    figure.tight_layout(rect=(0, 0.015, 1, 0.985))
    figure.savefig(path)
    pyplot.close(figure)


def draw(results, folder):
    """Draws what there are results of. Gives the pictures' paths."""
    store = Store.read(results)
    drawn = []
    if any(ratio(runs) for _, runs in done(store, TABLE)):
        drawn.append(folder / "speed.png")
        draw_speed(store, drawn[-1])
    rows = [row for curve in growth(store.about["threads"]).values() for _, row in curve]
    if len(done(store, rows)) == len({row.name for row in rows}):
        drawn.append(folder / "growth.png")
        draw_growth(store, drawn[-1])
    return drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    for path in draw(options.results, options.folder):
        print(path)


if __name__ == "__main__":
    main()
