"""Predicts one picture with ONNX Runtime, as a script that does just that:
first_prediction.py MODEL.onnx PICTURE THREADS"""

import sys

import numpy
import onnxruntime
from PIL import Image

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[3])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
_, _, height, width = session.get_inputs()[0].shape
picture = Image.open(sys.argv[2]).convert("L").resize((width, height), Image.Resampling.BILINEAR)
pixels = numpy.asarray(picture, dtype=numpy.float32)[None, None] / 255
logits = session.run(None, {"image": pixels})[0][0]
weights = numpy.exp(logits - logits.max())
for index in (-weights).argsort()[:3]:
    print(f"{index}: {weights[index] / weights.sum():.1%}")
