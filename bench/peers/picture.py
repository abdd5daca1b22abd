"""Writes a grey picture of 28 x 28 pixels of noise: picture.py FILE.png"""

import sys

import numpy
from PIL import Image

pixels = numpy.random.default_rng(0).integers(0, 256, (28, 28), dtype=numpy.uint8)
Image.fromarray(pixels).save(sys.argv[1])
