#!/usr/bin/env python3
"""Writes layers.txt: what PyTorch computes for every kind of layer, forward and backward, in float64.

Run with PyTorch installed: python3 tests/golden/layers.py > tests/golden/layers.txt
The tests read layers.txt; PyTorch is needed only to make it again.
"""

import math
import sys

import torch
from torch import nn

torch.set_default_dtype(torch.float64)

NAN = math.nan

# Line of a description, input shape (of one example), batch, PyTorch's module.
CASES = [
    ("conv2d 3 kernel=3 padding=1", (2, 4, 3), 2, nn.Conv2d(2, 3, 3, padding=1)),
    ("conv2d 2 kernel=4 stride=3", (1, 8, 7), 1, nn.Conv2d(1, 2, 4, 3)),
    ("conv2d 2 kernel=3 stride=2 padding=3", (2, 2, 3), 1, nn.Conv2d(2, 2, 3, 2, 3)),
    ("conv2d 4 kernel=1", (3, 2, 2), 2, nn.Conv2d(3, 4, 1)),
    ("relu", (2, 3, 2), 2, nn.ReLU()),
    ("sigmoid", (2, 3, 2), 2, nn.Sigmoid()),
    ("max_pool kernel=3 stride=2", (2, 7, 6), 1, nn.MaxPool2d(3, 2)),
    ("max_pool kernel=3 stride=2 ceil_mode", (2, 6, 6), 1, nn.MaxPool2d(3, 2, ceil_mode=True)),
    ("max_pool kernel=3 stride=2 ceil_mode", (1, 2, 2), 1, nn.MaxPool2d(3, 2, ceil_mode=True)),
    ("max_pool kernel=2", (2, 5, 4), 2, nn.MaxPool2d(2)),
    ("max_pool kernel=3 stride=2 padding=1", (2, 5, 6), 1, nn.MaxPool2d(3, 2, 1)),
    ("max_pool kernel=2 stride=3 padding=1 ceil_mode", (1, 6, 7), 1,
     nn.MaxPool2d(2, 3, 1, ceil_mode=True)),
    ("max_pool kernel=4 stride=1 padding=2", (1, 4, 3), 1, nn.MaxPool2d(4, 1, 2)),
    ("avg_pool kernel=2 stride=2", (2, 5, 4), 2, nn.AvgPool2d(2)),
    ("avg_pool kernel=3 stride=2 padding=1", (1, 5, 6), 1, nn.AvgPool2d(3, 2, 1)),
    ("avg_pool kernel=3 stride=2 padding=1 count_include_pad=false", (1, 5, 6), 1,
     nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
    ("avg_pool kernel=3 stride=2 ceil_mode", (1, 6, 6), 1, nn.AvgPool2d(3, 2, ceil_mode=True)),
    ("avg_pool kernel=4 stride=3 padding=2 ceil_mode", (1, 6, 7), 1,
     nn.AvgPool2d(4, 3, 2, ceil_mode=True)),
    ("avg_pool kernel=4 stride=3 padding=2 ceil_mode count_include_pad=false", (1, 6, 7), 1,
     nn.AvgPool2d(4, 3, 2, ceil_mode=True, count_include_pad=False)),
    ("adaptive_avg_pool 3", (2, 5, 7), 1, nn.AdaptiveAvgPool2d(3)),
    ("adaptive_avg_pool 2x5", (1, 3, 4), 2, nn.AdaptiveAvgPool2d((2, 5))),
    ("global_avg_pool", (3, 3, 2), 2, nn.AdaptiveAvgPool2d((1, 1))),
    ("dropout 0.5", (2, 2, 2), 2, nn.Dropout(0.5).eval()),
    ("flatten", (2, 3, 2), 2, nn.Flatten()),
    ("linear 3", (5,), 2, nn.Linear(5, 3)),
    ("batch_norm", (2, 3, 2), 3, nn.BatchNorm2d(2)),
    ("batch_norm epsilon=1e-3 momentum=0.25", (3, 1, 2), 2, nn.BatchNorm2d(3, 1e-3, 0.25)),
    ("batch_norm", (2, 2, 2), 2, nn.BatchNorm2d(2).eval()),
]

# The same with values given, row-major: ties, infinities, NaN.
SPECIAL = [
    ("relu", (1, 1, 5), [NAN, -math.inf, math.inf, -0.0, 1.0], nn.ReLU()),
    ("sigmoid", (1, 1, 6), [NAN, -math.inf, math.inf, -800.0, 800.0, -30.0], nn.Sigmoid()),
    ("max_pool kernel=2 stride=1", (1, 3, 3), [1, 2, 2, 2, 2, 1, 0, 2, 2], nn.MaxPool2d(2, 1)),
    ("max_pool kernel=2 stride=1", (1, 3, 3), [NAN, 2, 3, 4, NAN, 6, NAN, 8, 9],
     nn.MaxPool2d(2, 1)),
    ("max_pool kernel=2 stride=1 padding=1", (1, 2, 2), [-math.inf] * 4, nn.MaxPool2d(2, 1, 1)),
]


class Values:
    """Multiples of 1/64 between -2 and 2, the same on every machine."""

    def __init__(self):
        self.state = 1

    def draw(self, shape):
        def one():
            self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
            return ((self.state >> 40) % 257 - 128) / 64

        count = math.prod(shape)
        return torch.tensor([one() for _ in range(count)]).reshape(shape)


def put(name, tensor):
    numbers = " ".join(f"{v:.17g}" for v in tensor.detach().flatten().tolist())
    print(f"{name} {tensor.numel()} {numbers}")


def run(line, shape, module, x, values):
    print(f"layer {line}")
    text = "x".join(str(n) for n in shape)
    print(f"input {text} batch {x.shape[0]} {'training' if module.training else 'evaluation'}")
    put("x", x)
    tensors = list(module.parameters()) + [b for b in module.buffers() if b.dim()]
    with torch.no_grad():
        for number, tensor in enumerate(tensors):
            tensor.copy_(values.draw(tensor.shape))
            if number == 3:  # a running variance
                tensor.abs_().add_(0.5)
            put(f"tensor{number}", tensor)
    x.requires_grad_(True)
    y = module(x)
    dy = values.draw(y.shape)
    y.backward(dy)
    put("y", y)
    put("dy", dy)
    put("dx", x.grad)
    for number, tensor in enumerate(tensors):
        if tensor.grad is None:
            put(f"after{number}", tensor)
        else:
            put(f"gradient{number}", tensor.grad)
    print("end")


def main():
    values = Values()
    print(f"# Made by tests/golden/layers.py with PyTorch {torch.__version__.split('+')[0]}.")
    for line, shape, batch, module in CASES:
        run(line, shape, module, values.draw((batch, *shape)), values)
    for line, shape, numbers, module in SPECIAL:
        x = torch.tensor(numbers, dtype=torch.float64).reshape((1, *shape))
        run(line, shape, module, x, values)


if __name__ == "__main__":
    sys.exit(main())
