#!/usr/bin/env python3
"""Writes text files as C arrays: a header declares the type PREFIX and a list PREFIX_KIND of them.

embed.py OUT.c --header HEADER --prefix PREFIX {--list KIND FILE...}...
"""

import argparse
import pathlib
import sys


def byte(value):
    """One element of a char array, whether char is signed or not."""
    return str(value) if value < 128 else f"'\\x{value:02x}'"


def array(kind, number, content):
    """The text of one file, NUL-ended, sixteen bytes a line."""
    elements = [byte(value) for value in content + b"\0"]
    lines = [", ".join(elements[i : i + 16]) for i in range(0, len(elements), 16)]
    body = ",\n    ".join(lines)
    return f"static const char {kind}_{number}[] = {{\n    {body},\n}};\n"


def summary(path, content):
    """The first line, a comment, without its mark."""
    line = content.decode("utf-8").splitlines()[0].lstrip("# ")
    if '"' in line or "\\" in line:
        sys.exit(f"embed.py: {path}: the first line may hold neither a quote nor a backslash")
    return line


def table(prefix, kind, files):
    """The arrays of all files and the list of them."""
    parts, entries = [], []
    for number, path in enumerate(sorted(files, key=lambda path: path.stem)):
        if '"' in path.stem or "\\" in path.stem:
            sys.exit(f"embed.py: {path}: a name may hold neither a quote nor a backslash")
        content = path.read_bytes()
        parts.append(array(kind, number, content))
        entries.append(
            f'    {{"{path.stem}", "{summary(path, content)}", {kind}_{number}, {len(content)}}},\n'
        )
    entries.append("    {NULL, NULL, NULL, 0},\n")
    parts.append(f"const {prefix} {prefix}_{kind}[] = {{\n{''.join(entries)}}};\n")
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--header", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--list", nargs="+", action="append", default=[], metavar="KIND FILE")
    options = parser.parse_args()
    parts = [f'/* Made by tools/embed.py. */\n#include "{options.header}"\n']
    for kind, *files in options.list:
        parts.append(table(options.prefix, kind, [pathlib.Path(file) for file in files]))
    text = "\n".join(parts)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
