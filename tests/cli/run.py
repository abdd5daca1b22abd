#!/usr/bin/env python3
"""Runs the command-line tests: scripts with expected output.

A case is tests/cli/TOPIC/NAME.sh. It is run by `sh -eu` in an empty directory of its own, with
    $NIN       the program
    $CASES     tests/cli/TOPIC, for files that cases share
    $SOURCE    the root of the source tree
    $EXAMPLES  where the built examples are
    $PLUGINS   where the plug-ins for tests are (tests/plugins)
    $HOME      an empty directory
    $NIN_PLUGIN_PATH  a directory that is not there: no case sees a CUDA device unless it asks for one
and nothing else of the caller's environment but PATH, OMP_WAIT_POLICY and the sanitizers' options.
What it prints and how it ends is compared with
    NAME.sh.stdout, NAME.sh.stderr    (no such file: nothing)
    NAME.sh.exit                      (no such file: 0)
In the expected output
    {NUMBER}  stands for one number,
    {ANY}     for any text within its line,
    {LINES}   on a line of its own, for any number of lines, also none.

run.py --nin PROGRAM [--update] [TOPIC | TOPIC/NAME]...

--update writes what came out into the expected files; lines that match a line with masks keep it.
"""

import argparse
import difflib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

MASKS = {
    "{NUMBER}": r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?",
    "{ANY}": r"[^\n]*?",
}


def line_pattern(line):
    """A regular expression for one expected line."""
    parts = re.split("(" + "|".join(map(re.escape, MASKS)) + ")", line)
    return "".join(MASKS.get(part) or re.escape(part) for part in parts)


def pattern(expected):
    """A regular expression for a whole expected output."""
    lines = expected.splitlines(keepends=True)
    return "".join(
        r"(?:[^\n]*\n)*?" if line.strip() == "{LINES}" else line_pattern(line) for line in lines
    )


def matches(expected, actual):
    return re.fullmatch(pattern(expected), actual) is not None


def merge(expected, actual):
    """The actual output, with the lines of the old expectation that still match in order."""
    if matches(expected, actual):
        return expected
    masked = [line for line in expected.splitlines(keepends=True) if line != "{LINES}\n"]
    merged = []
    for line in actual.splitlines(keepends=True):
        found = next((i for i, old in enumerate(masked) if matches(old, line)), None)
        merged.append(line if found is None else masked[found])
        if found is not None:
            del masked[: found + 1]
    return "".join(merged)


def read(path, default):
    return path.read_text(encoding="utf-8") if path.exists() else default


def write(path, text, default):
    if text == default:
        path.unlink(missing_ok=True)
    else:
        path.write_text(text, encoding="utf-8")


class Case:
    """One script and what is expected of it."""

    def __init__(self, script):
        self.script = script
        self.name = f"{script.parent.name}/{script.stem}"

    def expected_path(self, kind):
        return self.script.with_name(f"{self.script.name}.{kind}")

    def run(self, options):
        """Gives {"stdout", "stderr", "exit"} of the script."""
        with tempfile.TemporaryDirectory(prefix="nin-cli-") as directory:
            work, home = (pathlib.Path(directory) / name for name in ("work", "home"))
            work.mkdir()
            home.mkdir()
            environment = {
                name: value
                for name, value in os.environ.items()
                if name in ("PATH", "OMP_WAIT_POLICY") or name.endswith("SAN_OPTIONS")
            }
            environment.update(
                NIN=str(options.nin),
                CASES=str(self.script.parent),
                SOURCE=str(HERE.parent.parent),
                EXAMPLES=str(options.examples),
                PLUGINS=str(options.plugins),
                NIN_PLUGIN_PATH=str(options.plugins / "none"),
                HOME=str(home),
                LC_ALL="C.UTF-8",
                TERM="dumb",
                TZ="UTC",
            )
            process = subprocess.Popen(
                ["sh", "-eu", str(self.script)],
                cwd=work,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            try:
                out, err = process.communicate(timeout=options.timeout)
                ended = str(process.returncode)
            except subprocess.TimeoutExpired:
                ended = f"still running after {options.timeout} seconds"
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
        return {
            "stdout": out.decode("utf-8", "backslashreplace"),
            "stderr": err.decode("utf-8", "backslashreplace"),
            "exit": ended + "\n",
        }

    DEFAULTS = {"stdout": "", "stderr": "", "exit": "0\n"}

    def check(self, actual):
        """The differences from what is expected, as lines to print; none when it passed."""
        report = []
        for kind, default in self.DEFAULTS.items():
            expected = read(self.expected_path(kind), default)
            if not matches(expected, actual[kind]):
                report += difflib.unified_diff(
                    expected.splitlines(),
                    actual[kind].splitlines(),
                    f"{kind} expected",
                    f"{kind} of this run",
                    lineterm="",
                )
                if not expected.endswith("\n") and expected or not actual[kind].endswith("\n"):
                    report.append(f"({kind}: mind the end of the last line)")
        return report

    def update(self, actual):
        for kind, default in self.DEFAULTS.items():
            path = self.expected_path(kind)
            write(path, merge(read(path, default), actual[kind]), default)


def find(wanted, root):
    """The cases of the topics or names asked for; all when none was."""
    cases = [Case(script) for script in sorted(root.glob("*/*.sh"))]
    if not wanted:
        return cases
    for name in wanted:
        if not any(name in (case.name, case.script.parent.name) for case in cases):
            sys.exit(f"run.py: there is no topic or case {name}")
    return [case for case in cases if case.name in wanted or case.script.parent.name in wanted]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nin", type=pathlib.Path, required=True, help="the program to test")
    parser.add_argument("--examples", type=pathlib.Path, help="where the built examples are")
    parser.add_argument("--plugins", type=pathlib.Path, help="default: tests/plugins beside it")
    parser.add_argument("--root", type=pathlib.Path, default=HERE, help="where the topics are")
    parser.add_argument("--timeout", type=float, default=120, help="seconds a case may take")
    parser.add_argument("--update", action="store_true", help="write the expected files")
    parser.add_argument("wanted", nargs="*", metavar="TOPIC|TOPIC/NAME")
    options = parser.parse_args()
    options.nin = options.nin.resolve()
    options.plugins = options.plugins or options.nin.parent / "tests" / "plugins"
    if not os.access(options.nin, os.X_OK):
        sys.exit(f"run.py: {options.nin} is not a program")

    failed = 0
    cases = find(options.wanted, options.root.resolve())
    for case in cases:
        actual = case.run(options)
        if options.update:
            case.update(actual)
        report = case.check(actual)
        failed += bool(report)
        print(("FAILED  " if report else "passed  ") + case.name)
        for line in report:
            print("    " + line)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
