#!/usr/bin/env python3
"""Keeps the options in the manual pages equal to those of --help.

options.py --nin PROGRAM [--check]

Between the lines `.\\" options` and `.\\" end of options` of man/nin-COMMAND.1 stands what
`nin COMMAND --help` says. Without --check these parts are written anew. With --check nothing is
written; the pages that differ are named and the exit code is 1.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

PART = re.compile(r'(\.\\" options\n)(.*?)(\.\\" end of options\n)', re.DOTALL)
OPTION = re.compile(r"\s+((?:-\w, )?--\S+)\s{2,}(\S.*)")
HEADING = re.compile(r" (\S.*):")


def roff(text):
    """Text as roff takes it literally."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return r"\&" + text if text[:1] in (".", "'") else text


def option_head(text):
    """`-m, --model=NAME` with names in bold and values in italics."""
    parts = []
    for part in text.split(", "):
        name, mark, value = re.fullmatch(r"(--?[\w-]+)(\[?=)?(.*)", part).groups()
        shown = rf"\fB{roff(name)}\fR"
        if mark:
            shown += rf"{mark}\fI{roff(value.rstrip(']'))}\fR" + ("]" if mark == "[=" else "")
        parts.append(shown)
    return ", ".join(parts)


def options_of(program, command):
    """The options of a command as roff, from its --help."""
    environment = dict(os.environ, ARGP_HELP_FMT="rmargin=400,opt-doc-col=60,no-dup-args-note")
    shown = subprocess.run(
        [program, command, "--help"], env=environment, capture_output=True, text=True, check=True
    ).stdout
    lines = []
    for line in shown.splitlines():
        option = OPTION.fullmatch(line)
        heading = HEADING.fullmatch(line)
        if option:
            lines += [".TP", option_head(option.group(1)), roff(option.group(2))]
        elif heading:
            lines += [f".SS {roff(heading.group(1))}"]
    if not lines:
        sys.exit(f"options.py: nin {command} --help shows no options")
    return "".join(line + "\n" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nin", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if pages differ")
    arguments = parser.parse_args()

    differing = []
    for page in sorted(HERE.glob("nin-*.1")):
        text = page.read_text(encoding="utf-8")
        options = options_of(arguments.nin.resolve(), page.stem.removeprefix("nin-"))
        renewed, count = PART.subn(lambda match: match[1] + options + match[3], text)
        if count != 1:
            sys.exit(f"options.py: {page.name} has no part for the options")
        if renewed != text:
            differing.append(page.name)
            if not arguments.check:
                page.write_text(renewed, encoding="utf-8")
    for name in differing:
        print(f"man/{name}: " + ("differs from --help" if arguments.check else "written anew"))
    return 1 if differing and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
