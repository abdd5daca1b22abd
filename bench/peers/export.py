"""Exports a net of the comparison with random weights to ONNX: export.py MODEL BATCH FILE"""

import sys

import torch

from models import MODELS


def main():
    model, batch, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    torch.manual_seed(0)
    build, shape = MODELS[model]
    torch.onnx.export(build().eval(), (torch.rand(batch, *shape),), path, dynamo=False,
                      opset_version=17, input_names=["image"], output_names=["logits"])


if __name__ == "__main__":
    main()
