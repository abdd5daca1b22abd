#!/usr/bin/env python3
"""Runs nin and its peers in turn on the rows of rows.py and writes a table of medians and ratios.

Needs the release build (make) and a Python with the peers: `make bench` sees to both.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from rows import ROWS

HERE = Path(__file__).resolve().parent
TUNED_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "8000000000",
                   "MALLOC_TRIM_THRESHOLD_": "16000000000"}


def run_json(command, environment=None):
    done = subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, **(environment or {})})
    return json.loads(done.stdout.strip().splitlines()[-1])


def run_nin(options, row):
    return run_json([options.nin, "bench", "--json", "--model", row.model, "--mode", row.mode,
                     "--batch", str(row.batch), "--threads", str(options.threads),
                     "--seconds", str(options.seconds)])


def run_peer(options, row, script):
    return run_json([options.python, str(HERE / "peers" / script), row.model, row.mode,
                     str(row.batch), str(options.threads), str(options.seconds)],
                    TUNED_ALLOCATOR)


# name, what it can do, how it runs
CONTESTANTS = [
    ("nin", ("train", "infer"), run_nin),
    ("PyTorch", ("train", "infer"), lambda o, r: run_peer(o, r, "pytorch.py")),
    ("ONNX Runtime", ("infer",), lambda o, r: run_peer(o, r, "onnx_runtime.py")),
    ("OpenVINO", ("infer",), lambda o, r: run_peer(o, r, "openvino_runtime.py")),
]


def measure(options, row):
    """Rounds of one run of every contestant; nobody always goes first. {name: [result]}"""
    able = [(name, run) for name, modes, run in CONTESTANTS
            if row.mode in modes and name not in options.without]
    results = {name: [] for name, _ in able}
    for turn in range(options.rounds):
        start = turn % len(able)
        for name, run in able[start:] + able[:start]:
            results[name].append(run(options, row))
        speeds = ", ".join(f"{n} {r[-1]['examples_per_s']:.1f}" for n, r in results.items())
        print(f"{row.name}: round {turn + 1}: {speeds} examples/s", file=sys.stderr)
    return results


def speed(results):
    return statistics.median(r["examples_per_s"] for r in results)


def speed_text(results):
    speeds = [r["examples_per_s"] for r in results]
    return f"{speed(results):,.1f} ({min(speeds):,.1f} to {max(speeds):,.1f})"


def fastest_peer(results):
    return max((name for name in results if name != "nin"), key=lambda n: speed(results[n]))


def ratio(results):
    """Of nin's median to that of the fastest peer."""
    return speed(results["nin"]) / speed(results[fastest_peer(results)])


def memory_text(results):
    return f"{statistics.median(r['peak_rss_bytes'] for r in results) / 1e6:,.0f} MB"


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def table(options, measured):
    versions = sorted({r[0]["version"] for row in measured.values()
                       for name, r in row.items() if name != "nin"})
    isa = next(iter(measured.values()))["nin"][0]["isa"]
    lines = [
        "# nin beside its peers", "",
        f"{datetime.date.today().isoformat()}; {processor()}, {options.threads} threads; nin on "
        f"{isa}; {', '.join(versions)}; PyTorch in channels_last with an allocator that keeps its "
        f"pages. Examples a second: median of {options.rounds} interleaved rounds of "
        f"{options.seconds} s (range).", "",
        "    " + options.command, "",
        "| work | nin | fastest peer | ratio | other peers | peak memory: nin | that peer |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row, results in measured.items():
        best = fastest_peer(results)
        others = "; ".join(f"{name} {speed(r):,.1f}" for name, r in results.items()
                           if name not in ("nin", best))
        lines.append(f"| {row.model}, {row.mode}, batch {row.batch} | "
                     f"{speed_text(results['nin'])} | {best} {speed_text(results[best])} | "
                     f"{ratio(results):.2f} | {others} | {memory_text(results['nin'])} | "
                     f"{memory_text(results[best])} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nin", default=str(HERE.parent / "build" / "release" / "nin"))
    parser.add_argument("--python", default=sys.executable, help="with the peers installed")
    parser.add_argument("--rows", default="", help="only rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of every run")
    parser.add_argument("--without", nargs="*", default=[], help="contestants to leave out")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", default=str(HERE / "results" / "cpu.md"))
    options = parser.parse_args()
    options.command = "bench/run.py " + " ".join(sys.argv[1:])
    measured = {row: measure(options, row) for row in ROWS if options.rows in row.name}
    if not measured:
        parser.error(f"no row contains {options.rows!r}")
    text = table(options, measured)
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    Path(options.out).write_text(text)
    print(text)


if __name__ == "__main__":
    main()
