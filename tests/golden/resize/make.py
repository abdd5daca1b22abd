#!/usr/bin/env python3
"""Makes the goldens of the resize test with Pillow: python3 tests/golden/resize/make.py

The Pillow has to be older than 13, which takes the passes in another order where the height shrinks
a good deal more than the width.

sums.txt holds one resize a line: pattern, channels, width and height before, width and height
after, CRC-32 of the result's bytes. The whole pictures show where a wrong result is wrong. The
inputs are made by the same few lines here and in tests/unit/test_image_resize.c.
"""

import pathlib
import random
import sys
import zlib

from PIL import Image
from PIL import __version__ as pillow_version

HERE = pathlib.Path(__file__).parent


def pattern(name, channels, width, height):
    """The input picture: bytes of a linear congruential generator ("noise"), their top bits as
    black and white ("edges"), or a smooth slope ("slope")."""
    if name == "slope":
        values = [
            (x * 255 // width + y * 3 + c * 40) & 255
            for y in range(height)
            for x in range(width)
            for c in range(channels)
        ]
        return bytes(values)
    state = (width * 65536 + height * 4 + channels) & 0xFFFFFFFF
    values = bytearray()
    for _ in range(width * height * channels):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append(state >> 24 if name == "noise" else 255 * (state >> 31))
    return bytes(values)


def resize(name, channels, before, after):
    mode = "L" if channels == 1 else "RGB"
    picture = Image.frombytes(mode, before, pattern(name, channels, *before))
    return picture.resize(after, Image.Resampling.BILINEAR)


def cases():
    for side in (28, 32, 63, 64, 71, 96, 112, 224, 227):
        yield "noise", 1, (28, 28), (side, side)
        yield "edges", 1, (32, 32), (side, side)
        yield "slope", 3, (300, 201), (side, side)
    for before, after in (
        ((1, 1), (1, 1)),
        ((1, 1), (9, 5)),
        ((2, 1), (1, 7)),
        ((3000, 1), (1, 1)),
        ((1, 5000), (3, 2)),
        ((16384, 1), (1, 1)),
        ((2000, 3), (7, 3)),
        ((5, 2000), (5, 13)),
        ((640, 480), (224, 224)),
    ):
        for name in ("noise", "edges"):
            yield name, 1, before, after
            yield name, 3, before, after
    chosen = random.Random(1312)
    for _ in range(200):
        before = (chosen.randint(1, 90), chosen.randint(1, 90))
        after = (chosen.randint(1, 120), chosen.randint(1, 120))
        yield chosen.choice(("noise", "edges", "slope")), chosen.choice((1, 3)), before, after


def main():
    if int(pillow_version.split(".")[0]) >= 13:
        sys.exit(f"Pillow {pillow_version}: older than 13 is needed")
    lines = [f"# Made by make.py with Pillow {pillow_version}"]
    for name, channels, before, after in cases():
        total = zlib.crc32(resize(name, channels, before, after).tobytes())
        lines.append(f"{name} {channels} {before[0]} {before[1]} {after[0]} {after[1]} {total:08x}")
    (HERE / "sums.txt").write_text("\n".join(lines) + "\n")
    resize("noise", 1, (28, 28), (71, 71)).save(HERE / "up.png", optimize=True)
    resize("noise", 3, (90, 70), (31, 24)).save(HERE / "down.png", optimize=True)


main()
