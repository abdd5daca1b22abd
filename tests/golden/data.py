#!/usr/bin/env python3
"""Writes data.safetensors: what pictures become before a net learns from them, and the loss of mixed
pictures, as NumPy and PyTorch compute them in float64.

data.py [OUT]      needs torch, numpy and safetensors
"""

import pathlib
import sys

import numpy
import torch
from safetensors.torch import save_file


def mixed_loss(generator):
    logits = torch.randn(8, 10, generator=generator, dtype=torch.float32) * 3
    labels = torch.tensor([3, 1, 0, 4, 2, 9, 5, 7])
    others = torch.tensor([1, 3, 0, 9, 8, 9, 6, 2])  # two are the same class
    shares = torch.tensor([0.75, 0.5, 0.625, 1.0, 0.875, 0.5, 0.9375, 0.51], dtype=torch.float32)
    one, two = (torch.nn.functional.one_hot(which, 10).double() for which in (labels, others))
    weight = shares.double()[:, None]
    targets = weight * one + (1 - weight) * two
    out = {
        "mixed.logits": logits,
        "mixed.labels": labels,
        "mixed.other_labels": others,
        "mixed.shares": shares,
        "mixed.correct": (logits.argmax(1) == labels).sum().reshape(1),
    }
    for name, smoothing in (("plain", 0.0), ("smoothed", 0.1)):
        x = logits.double().requires_grad_()
        loss = torch.nn.functional.cross_entropy(x, targets, label_smoothing=smoothing)
        loss.backward()
        out[f"mixed.{name}"] = loss.detach().reshape(1)
        out[f"mixed.{name}.gradient"] = x.grad
    return out


def contrast_normalized(x, scale, sqrt_bias=0.0, min_divisor=1e-8):
    """global_contrast_normalize of pylearn2/expr/preprocessing.py, with use_std=False."""
    x = x - x.mean(axis=1)[:, None]
    divisors = numpy.sqrt(sqrt_bias + (x**2).sum(axis=1)) / scale
    divisors[divisors < min_divisor] = 1
    return x / divisors[:, None]


def zca(x, filter_bias=0.1):
    """Mean and matrix as ZCA.fit of pylearn2/datasets/preprocessing.py finds them."""
    mean = x.mean(axis=0)
    centred = x - mean
    covariance = centred.T @ centred / len(x) + filter_bias * numpy.identity(x.shape[1])
    values, vectors = numpy.linalg.eigh(covariance)
    return mean, vectors @ numpy.diag(numpy.sqrt(1 / values)) @ vectors.T


def whitening():
    """100 pictures of 7 x 5, smooth as pictures are; one of them of one colour."""
    random = numpy.random.default_rng(7)
    waves = random.normal(size=(100, 4, 4)) / (1 + numpy.arange(4) + numpy.arange(4)[:, None])
    rows = numpy.cos(numpy.arange(7)[:, None] * numpy.arange(4) / 3)
    columns = numpy.cos(numpy.arange(5)[:, None] * numpy.arange(4) / 2)
    smooth = rows @ waves @ columns.T + 0.2 * random.normal(size=(100, 7, 5))
    pictures = numpy.clip(numpy.rint(120 + 60 * smooth), 0, 255).reshape(100, 35)
    pictures[9] = 77
    out = {"zca.pictures": pictures}
    for name, x in (
        ("plain", pictures / 255),
        ("gcn", contrast_normalized((pictures / 255 - 0.25) / 0.5, 6)),
    ):
        mean, matrix = zca(x)
        out |= {f"zca.{name}.mean": mean, f"zca.{name}.matrix": matrix}
        out |= {f"zca.{name}.before": x, f"zca.{name}.after": (x - mean) @ matrix}
    return {key: torch.from_numpy(value) for key, value in out.items()}


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("data.safetensors")
    generator = torch.Generator().manual_seed(5)
    tensors = mixed_loss(generator) | whitening()
    save_file({name: value.float().contiguous() for name, value in tensors.items()}, out)


if __name__ == "__main__":
    main()
