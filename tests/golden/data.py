#!/usr/bin/env python3
"""Writes data.safetensors: what pictures become before a net learns from them, and the loss of mixed
pictures, as NumPy and PyTorch compute them in float64.

data.py [OUT]      needs torch, numpy and safetensors
"""

import pathlib
import sys

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


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("data.safetensors")
    generator = torch.Generator().manual_seed(5)
    tensors = mixed_loss(generator)
    save_file({name: value.float().contiguous() for name, value in tensors.items()}, out)


if __name__ == "__main__":
    main()
