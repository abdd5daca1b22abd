#!/usr/bin/env python3
"""Makes PNG files of every colour type, bit depth and interlacing, and what Pillow reads in them:
python3 tests/golden/png/make.py

expected.txt holds one file a line: name, width, height, channels, the pixels in hex. Pillow cannot
write most of these kinds, so the files are put together here.
"""

import io
import pathlib
import struct
import zlib

from PIL import Image

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 11, 9
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
NAMES = {
    GREY: "grey",
    RGB: "rgb",
    PALETTE: "palette",
    GREY_ALPHA: "grey-alpha",
    RGB_ALPHA: "rgb-alpha",
}
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
# The passes of interlacing: first column and row, steps between columns and rows.
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def generator(seed):
    state = seed
    while True:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        yield state >> 16


def pack_row(values, depth):
    """Samples of 1 to 16 bits, most significant first, the last byte filled with zeros."""
    bits = "".join(format(value, f"0{depth}b") for value in values)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def filtered(rows, bytes_per_pixel):
    """Rows with filters 0, 1 and 2 (none, left, up) in turn."""
    out = b""
    above = bytes(len(rows[0]))
    for number, row in enumerate(rows):
        kind = number % 3
        left = (bytes(bytes_per_pixel) + row)[: len(row)]
        before = (bytes(len(row)), left, above)[kind]
        out += bytes([kind]) + bytes((a - b) & 255 for a, b in zip(row, before))
        above = row
    return out


def make(colour, depth, interlaced, colours=0, transparency=b""):
    samples = SAMPLES[colour]
    numbers = generator(colour * 100 + depth)
    limit = colours if colour == PALETTE else 1 << depth
    pixels = [
        [[next(numbers) % limit for _ in range(samples)] for _ in range(WIDTH)]
        for _ in range(HEIGHT)
    ]
    bytes_per_pixel = max(1, samples * depth // 8)
    data = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else ((0, 0, 1, 1),):
        rows = [
            pack_row([value for x in range(x0, WIDTH, dx) for value in pixels[y][x]], depth)
            for y in range(y0, HEIGHT, dy)
        ]
        if rows and rows[0]:
            data += filtered(rows, bytes_per_pixel)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, int(interlaced))
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    if colours:
        file += chunk(b"PLTE", bytes(next(numbers) & 255 for _ in range(3 * colours)))
    if transparency:
        file += chunk(b"tRNS", transparency)
    file += chunk(b"tEXt", b"Comment\0a chunk that is skipped")
    data = zlib.compress(data)
    half = len(data) // 2
    file += chunk(b"IDAT", data[:half]) + chunk(b"IDAT", data[half:])
    return file + chunk(b"IEND", b""), pixels


def expected(file, colour, depth, pixels):
    """Pillow's pixels. Of 16-bit grey Pillow keeps 16 bits, and clips them on conversion; the high
    byte is what it takes of all other 16-bit kinds."""
    if colour == GREY and depth == 16:
        return 1, bytes(value >> 8 for row in pixels for pixel in row for value in pixel)
    mode = "L" if colour in (GREY, GREY_ALPHA) else "RGB"
    return len(mode), Image.open(io.BytesIO(file)).convert(mode).tobytes()


def main():
    # Colour type, bit depth, colours of the palette, transparency.
    kinds = [(GREY, depth, 0, b"") for depth in (1, 2, 4, 8, 16)]
    for colour in (RGB, GREY_ALPHA, RGB_ALPHA):
        kinds += [(colour, depth, 0, b"") for depth in (8, 16)]
    kinds += [(PALETTE, depth, colours, b"") for depth, colours in ((1, 2), (2, 3), (4, 13), (8, 200))]
    kinds += [(PALETTE, 8, 7, bytes([0, 128, 255]))]
    kinds += [(GREY, 8, 0, bytes([0, 5])), (RGB, 8, 0, bytes(6))]
    lines = []
    for colour, depth, colours, transparency in kinds:
        for interlaced in (False, True):
            file, pixels = make(colour, depth, interlaced, colours, transparency)
            name = f"{NAMES[colour]}-{depth}"
            name += "-transparent" if transparency else ""
            name += "-interlaced.png" if interlaced else ".png"
            (HERE / name).write_bytes(file)
            channels, values = expected(file, colour, depth, pixels)
            lines.append(f"{name} {WIDTH} {HEIGHT} {channels} {values.hex()}")
    (HERE / "expected.txt").write_text("\n".join(lines) + "\n")


main()
