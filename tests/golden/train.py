#!/usr/bin/env python3
"""Writes train.safetensors: losses, updates and learning rates as PyTorch computes them in float64.

train.py [OUT]      needs torch, numpy and safetensors
"""

import pathlib
import sys

import numpy
import torch
from safetensors.torch import save_file

STEPS = 5
# The parameters of the net in tests/unit/test_train_sgd.c, in its order; True: weight decay applies.
SHAPES = [((2, 3, 3, 3), True), ((2,), False), ((3, 8), True), ((3,), False)]
# name: lr, momentum, nesterov, weight decay, decay all, largest norm (0: no clipping)
UPDATES = {
    "plain": (0.1, 0, False, 0, False, 0),
    "momentum": (0.1, 0.9, False, 0, False, 0),
    "nesterov": (0.1, 0.9, True, 0, False, 0),
    "decay": (0.1, 0, False, 0.01, False, 0),
    "decay_all": (0.1, 0.9, False, 0.01, True, 0),
    "everything": (0.05, 0.8, True, 0.05, False, 2),
    "clip": (0.1, 0, False, 0, False, 1.5),
    "clip_idle": (0.1, 0, False, 0, False, 1000),
}


def losses(generator):
    logits = torch.randn(8, 10, generator=generator, dtype=torch.float32).double() * 3
    logits[1] *= 30  # far apart
    logits[2] = 0  # all equal: the first wins
    logits[3, 4] = logits[3, 7] = 9  # a tie of two
    logits[4] += 1e4
    labels = torch.tensor([3, 1, 0, 4, 2, 9, 5, 7])
    out = {"loss.logits": logits.float(), "loss.labels": labels}
    for name, smoothing in (("plain", 0.0), ("smoothed", 0.1)):
        x = logits.float().double().requires_grad_()
        loss = torch.nn.functional.cross_entropy(x, labels, label_smoothing=smoothing)
        loss.backward()
        out[f"loss.{name}"] = loss.detach().reshape(1)
        out[f"loss.{name}.gradient"] = x.grad
    out["loss.correct"] = (logits.argmax(1) == labels).sum().reshape(1)
    out["loss.softmax"] = logits.float().double().softmax(1)
    return out


def updates(generator):
    count = sum(torch.Size(shape).numel() for shape, _ in SHAPES)
    start = torch.randn(count, generator=generator, dtype=torch.float32)
    gradients = torch.randn(STEPS, count, generator=generator, dtype=torch.float32)
    out = {"sgd.start": start, "sgd.gradients": gradients}
    for name, (lr, momentum, nesterov, decay, decay_all, largest) in UPDATES.items():
        sizes = [torch.Size(shape).numel() for shape, _ in SHAPES]
        tensors = [
            part.reshape(shape).clone().requires_grad_()
            for part, (shape, _) in zip(start.double().split(sizes), SHAPES, strict=True)
        ]
        groups = [
            {"params": [tensor], "weight_decay": decay if decays or decay_all else 0}
            for tensor, (_, decays) in zip(tensors, SHAPES, strict=True)
        ]
        optimizer = torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov)
        after = []
        for step in range(STEPS):
            for tensor, part in zip(tensors, gradients[step].double().split(sizes), strict=True):
                tensor.grad = part.reshape(tensor.shape).clone()
            if largest:
                torch.nn.utils.clip_grad_norm_(tensors, largest)
            optimizer.step()
            after.append(torch.cat([tensor.detach().flatten() for tensor in tensors]))
        out[f"sgd.{name}"] = torch.stack(after)
    return out


def rates(make, steps):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    scheduler = make(optimizer)
    out = []
    for _ in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(out) < steps:
            scheduler.step()
    return torch.tensor(out, dtype=torch.float64)


def schedules():
    kinds = torch.optim.lr_scheduler

    def one_cycle(steps, final_factor):
        return lambda optimizer: kinds.OneCycleLR(
            optimizer, max_lr=0.4, total_steps=steps, cycle_momentum=False,
            final_div_factor=1 / (25 * final_factor) if final_factor else numpy.inf,
        )

    return {
        "schedule.one_cycle": rates(one_cycle(100, 0), 100),
        "schedule.one_cycle_final": rates(one_cycle(37, 0.01), 37),
        "schedule.one_cycle_short": rates(one_cycle(4, 0), 4),
        "schedule.cosine": rates(lambda o: kinds.CosineAnnealingLR(o, 60, eta_min=0.04), 60),
        "schedule.step": rates(lambda o: kinds.StepLR(o, 2 * 12, gamma=0.1), 96),
    }


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("train.safetensors")
    generator = torch.Generator().manual_seed(1)
    tensors = losses(generator) | updates(generator) | schedules()
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, out)


if __name__ == "__main__":
    main()
