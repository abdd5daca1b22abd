#!/usr/bin/env python3
"""Measures nin beside its peers on the rows of rows.py, in turn, round after round, and writes

    OUT/cpu.json   every run, as soon as it is done
    OUT/cpu.md     the tables
    OUT/*.png      the pictures

Needs the release build (make) and a Python with the peers: `make bench` sees to both. It may be
stopped at any moment: --resume goes on.
"""

import argparse
import json
import os
import shlex
import sys
from pathlib import Path

import machine
import report
from contestants import CONTESTANTS, Broken, nin_bench, output_of
from rows import AVX2, STEPS, TABLE, growth
from store import Store

HERE = Path(__file__).resolve().parent
PARTS = ("table", "avx2", "steps", "growth")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nin", default=str(HERE.parent / "build" / "release" / "nin"))
    parser.add_argument("--python", default=sys.executable, help="with the peers installed")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--rows", default="", help="only rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth-rounds", type=int, default=3,
                        help="of the points of curves: there are many")
    parser.add_argument("--seconds", type=int, default=5, help="of every run")
    parser.add_argument("--without", nargs="*", default=[], help="contestants to leave out")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--resume", action="store_true", help="keep what was measured before")
    return parser.parse_args()


def rows_of(options):
    rows = list(TABLE) if "table" in options.parts else []
    rows += AVX2 if "avx2" in options.parts and "avx2" in machine.instruction_sets() else []
    if "growth" in options.parts:
        rows += [row for curve in growth(options.threads).values() for _, row in curve]
    first = {}  # the curves go through some rows of the table
    for row in rows:
        first.setdefault(row.name, row)
    return [row for row in first.values() if options.rows in row.name]


def command(options):
    """How it was called, without where the peers are."""
    words = [word for word in sys.argv[1:] if word not in ("--python", options.python)]
    return shlex.join(["bench/run.py", *words])


def about(options):
    checks = json.loads(output_of([options.nin, "doctor", "--json"]))["checks"]
    built = next(check["text"] for check in checks if check["check"] == "version")
    isa = nin_bench(argparse.Namespace(nin=options.nin, threads=1, seconds=0),
                    next(row for row in TABLE if row.model == "lenet"))["isa"]
    return {**machine.describe(HERE.parent), "program": machine.digest(options.nin),
            "built": built.removeprefix("nin "), "isa": isa, "threads": options.threads,
            "rounds": options.rounds, "seconds": options.seconds,
            "commands": [command(options)], "steps": {}}


def write_page(options, store):
    (options.out / "cpu.md").write_text("\n".join(report.page(store)) + "\n")


def measure(options, store, row):
    """Rounds of one run of every contestant; nobody always goes first."""
    able = [c for c in CONTESTANTS if c.can(row) and c.name not in options.without]
    compared = row in TABLE or row in AVX2
    for turn in range(options.rounds if compared else options.growth_rounds):
        start = turn % len(able)
        for contestant in able[start:] + able[:start]:
            if not store.has(row, contestant.name, turn):
                store.add(row, contestant.name, turn, contestant.run(options, row))
    runs = store.runs(row)
    told = ", ".join(f"{name} {report.median(r):,.1f}" for name, r in runs.items())
    print(f"{row.name}: {told} a second", file=sys.stderr)


def measure_steps(options, store):
    for row in STEPS:
        if row.name not in store.about["steps"] and options.rows in row.name:
            store.about["steps"][row.name] = nin_bench(options, row, "--steps")
            store.save()
            print(f"{row.name}: steps", file=sys.stderr)


def draw(options):
    try:
        import plot  # pylint: disable=import-outside-toplevel
    except ImportError as missing:
        print(f"no pictures: {missing}", file=sys.stderr)
        return
    for path in plot.draw(options.out / "cpu.json", options.out):
        print(path, file=sys.stderr)


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        store = Store(options.out / "cpu.json", about(options), options.resume)
        for row in rows_of(options):
            measure(options, store, row)
            write_page(options, store)
        if "steps" in options.parts:
            measure_steps(options, store)
        write_page(options, store)
    except (Broken, ValueError) as problem:
        sys.exit(f"bench: {problem}")
    except KeyboardInterrupt:
        sys.exit("bench: stopped; --resume goes on")
    draw(options)
    print((options.out / "cpu.md").read_text())


if __name__ == "__main__":
    main()
