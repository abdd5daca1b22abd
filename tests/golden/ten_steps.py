#!/usr/bin/env python3
"""Writes ten_steps.safetensors: ten steps of training as PyTorch does them in float64.

ten_steps.py [OUT]      needs torch, numpy and safetensors

Weights and pictures come from a hash that the test computes too, so the file holds only what comes
out: the losses of all steps, and of the first step the norm and some values of each gradient. What
float32 makes of the same steps in PyTorch is printed, to compare the test's bounds with.
"""

import collections
import math
import pathlib
import sys

import numpy
import torch
from safetensors.torch import save_file
from torch import nn

STEPS = 10
SAMPLES = 32
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4  # of weights, not of biases and batch norm

# Name: batch, learning rate, the description, its input, PyTorch's modules. The rates are such that
# float32 stays close to float64 for ten steps.
Case = collections.namedtuple("Case", "batch lr text shape module")


def nin_block(inputs, width, kernel, stride=1, padding=0, batch_norm=False):
    modules = []
    for channels, *rest in ((inputs, kernel, stride, padding), (width, 1), (width, 1)):
        modules.append(nn.Conv2d(channels, width, *rest))
        if batch_norm:
            modules.append(nn.BatchNorm2d(width))
        modules.append(nn.ReLU())
    return nn.Sequential(*modules)


def head():
    return nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()


CASES = {
    "nin": Case(
        4,
        0.01,
        """input 1x67x67
nin_block 32 kernel=11 stride=4
max_pool kernel=3 stride=2
nin_block 48 kernel=5 padding=2
max_pool kernel=3 stride=2
nin_block 64 kernel=3 padding=1
nin_block classes kernel=3 padding=1
global_avg_pool
flatten
""",
        (1, 67, 67),
        lambda: nn.Sequential(
            nin_block(1, 32, 11, 4), nn.MaxPool2d(3, 2), nin_block(32, 48, 5, 1, 2),
            nn.MaxPool2d(3, 2), nin_block(48, 64, 3, 1, 1), nin_block(64, 10, 3, 1, 1), *head(),
        ),
    ),
    "lenet": Case(
        8,
        0.01,
        """input 1x28x28
conv2d 6 kernel=5 padding=2
sigmoid
avg_pool kernel=2 stride=2
conv2d 16 kernel=5
sigmoid
avg_pool kernel=2 stride=2
flatten
linear 120
sigmoid
linear 84
sigmoid
linear classes
""",
        (1, 28, 28),
        lambda: nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2, 2), nn.Conv2d(6, 16, 5),
            nn.Sigmoid(), nn.AvgPool2d(2, 2), nn.Flatten(), nn.Linear(400, 120), nn.Sigmoid(),
            nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
        ),
    ),
    "alexnet": Case(
        5,
        0.01,
        """input 1x95x95
conv2d 24 kernel=11 stride=4 padding=1
relu
max_pool kernel=3 stride=2
conv2d 40 kernel=5 padding=2
relu
max_pool kernel=3 stride=2
conv2d 48 kernel=3 padding=1
relu
conv2d 48 kernel=3 padding=1
relu
conv2d 33 kernel=3 padding=1
relu
max_pool kernel=3 stride=2
flatten
linear 100
relu
linear 64
relu
linear classes
""",
        (1, 95, 95),
        lambda: nn.Sequential(
            nn.Conv2d(1, 24, 11, 4, 1), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(24, 40, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(40, 48, 3, padding=1), nn.ReLU(), nn.Conv2d(48, 48, 3, padding=1), nn.ReLU(),
            nn.Conv2d(48, 33, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(),
            nn.Linear(33, 100), nn.ReLU(), nn.Linear(100, 64), nn.ReLU(), nn.Linear(64, 10),
        ),
    ),
    "nin_bn": Case(
        6,
        0.05,
        """input 3x35x35
nin_block 24 kernel=5 stride=2 batch_norm
max_pool kernel=3 stride=2
nin_block 40 kernel=3 padding=1 batch_norm
max_pool kernel=3 stride=2
nin_block classes kernel=3 padding=1
global_avg_pool
flatten
""",
        (3, 35, 35),
        lambda: nn.Sequential(
            nin_block(3, 24, 5, 2, 0, True), nn.MaxPool2d(3, 2), nin_block(24, 40, 3, 1, 1, True),
            nn.MaxPool2d(3, 2), nin_block(40, 10, 3, 1, 1), *head(),
        ),
    ),
}  # fmt: skip


def uniform(stream, count):
    """`count` numbers in [0, 1) with 24 bits, from a hash of their place."""
    x = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(2654435761)
    x += numpy.uint32((stream + 1) * 2246822519 % 2**32)
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        x = (x ^ (x >> numpy.uint32(shift))) * numpy.uint32(factor)
    x ^= x >> numpy.uint32(16)
    return (x >> numpy.uint32(8)) * 2.0**-24


def fill(module):
    """Weights within He's uniform bound, small biases, batch norm near 1; all float32 numbers."""
    for number, (name, tensor) in enumerate(module.named_parameters()):
        u = uniform(number, tensor.numel())
        if tensor.dim() > 1:
            values = (2 * u - 1) * math.sqrt(6 / (tensor.numel() // tensor.shape[0]))
        elif name.endswith("weight"):
            values = 0.5 + u
        else:
            values = 0.2 * u
        tensor.data = torch.from_numpy(values.astype(numpy.float32)).reshape(tensor.shape)


def batch_of(case):
    count = math.prod(case.shape)
    images = [uniform(1000 + i, count).astype(numpy.float32) for i in range(case.batch)]
    labels = [(7 * i + 3) % 10 for i in range(case.batch)]
    return torch.from_numpy(numpy.stack(images)).reshape(-1, *case.shape), torch.tensor(labels)


def train(case, dtype):
    """The losses of all steps, and the gradients of the first."""
    module = case.module()
    fill(module)
    module.to(dtype).train()
    images, labels = batch_of(case)
    tensors = list(module.parameters())
    optimizer = torch.optim.SGD(
        [{"params": [t], "weight_decay": WEIGHT_DECAY if t.dim() > 1 else 0} for t in tensors],
        lr=case.lr,
        momentum=MOMENTUM,
    )
    losses = []
    gradients = None
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(images.to(dtype)), labels)
        loss.backward()
        if gradients is None:
            gradients = [tensor.grad.double().flatten().clone() for tensor in tensors]
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64), gradients


def main():
    default = pathlib.Path(__file__).with_name("ten_steps.safetensors")
    out = sys.argv[1] if len(sys.argv) > 1 else default
    tensors = {}
    metadata = {}
    for name, case in CASES.items():
        losses, gradients = train(case, torch.float64)
        single, single_gradients = train(case, torch.float32)
        places = [[k * (g.numel() - 1) // (SAMPLES - 1) for k in range(SAMPLES)] for g in gradients]
        tensors[f"{name}.losses"] = losses
        tensors[f"{name}.norms"] = torch.stack([g.norm() for g in gradients])
        tensors[f"{name}.samples"] = torch.stack([g[p] for g, p in zip(gradients, places)])
        metadata[f"{name}.net"] = case.text
        metadata[f"{name}.batch"] = str(case.batch)
        metadata[f"{name}.lr"] = str(case.lr)
        errors = [((a - b).norm() / b.norm()).item() for a, b in zip(single_gradients, gradients)]
        print(
            f"{name}: losses {losses[0]:.4f} to {losses[-1]:.4f}; float32 differs by up to"
            f" {(single - losses).abs().max():.1e} in the losses and by a factor of up to"
            f" {max(errors):.1e} in the gradients (median {sorted(errors)[len(errors) // 2]:.1e})"
        )
    save_file(tensors, out, metadata)
    pathlib.Path(out).chmod(0o644)


if __name__ == "__main__":
    main()
