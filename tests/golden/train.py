#!/usr/bin/env python3
"""Writes train.safetensors: losses, updates and learning rates as PyTorch computes them in float64.

train.py [OUT]      needs torch, numpy and safetensors
"""

import pathlib
import sys

import numpy
import torch
from safetensors.torch import save_file

STEPS = 10
# The parameters of the net in tests/unit/test_train_optimizer.c, in its order; True: weight decay applies.
SHAPES = [((2, 3, 3, 3), True), ((2,), False), ((3, 8), True), ((3,), False)]
# What is not said is off; `scales` multiply the learning rates and decays of the four tensors.
UPDATES = {
    "sgd.plain": {"lr": 0.1},
    "sgd.momentum": {"lr": 0.1, "momentum": 0.9},
    "sgd.nesterov": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "sgd.decay": {"lr": 0.1, "decay": 0.01},
    "sgd.decay_all": {"lr": 0.1, "momentum": 0.9, "decay": 0.01, "decay_all": True},
    "sgd.everything": {"lr": 0.05, "momentum": 0.8, "nesterov": True, "decay": 0.05, "clip": 2},
    "sgd.clip": {"lr": 0.1, "clip": 1.5},
    "sgd.clip_idle": {"lr": 0.1, "clip": 1000},
    "sgd.scaled": {
        "lr": 0.1, "momentum": 0.9, "decay": 0.05, "scales": ([1, 2, 0.1, 0.2], [0.5, 1, 1, 1]),
    },
    "adam.plain": {"lr": 0.01},
    "adam.decay": {"lr": 0.01, "decay": 0.1},
    "adam.betas": {"lr": 0.05, "betas": (0.8, 0.95), "epsilon": 1e-3, "clip": 2},
    "adamw.plain": {"lr": 0.01},
    "adamw.decay": {"lr": 0.01, "decay": 0.1},
    "adamw.decay_all": {"lr": 0.05, "decay": 0.5, "decay_all": True},
    "adamw.scaled": {"lr": 0.05, "decay": 0.5, "scales": ([1, 2, 0.1, 0.2], [0.5, 1, 1, 1])},
}  # fmt: skip
KINDS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
AVERAGE_DECAY = 0.4  # from the sixth step on below (1 + t) / (10 + t)


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


def groups_of(tensors, how):
    """A parameter group a tensor, with its learning rate and decay."""
    lr_scales, decay_scales = how.get("scales", ([1] * len(tensors),) * 2)
    return [
        {
            "params": [tensor],
            "lr": how["lr"] * lr_scale,
            "weight_decay": how.get("decay", 0) * decay_scale * (decays or "decay_all" in how),
        }
        for tensor, (_, decays), lr_scale, decay_scale in zip(
            tensors, SHAPES, lr_scales, decay_scales, strict=True
        )
    ]


def update(name, how, start, gradients):
    """All weights after each step."""
    sizes = [torch.Size(shape).numel() for shape, _ in SHAPES]
    tensors = [
        part.reshape(shape).clone().requires_grad_()
        for part, (shape, _) in zip(start.double().split(sizes), SHAPES, strict=True)
    ]
    kind = name.split(".")[0]
    if kind == "sgd":
        own = {"momentum": how.get("momentum", 0), "nesterov": how.get("nesterov", False)}
    else:
        own = {"betas": how.get("betas", (0.9, 0.999)), "eps": how.get("epsilon", 1e-8)}
    optimizer = KINDS[kind](groups_of(tensors, how), **own)
    after = []
    for gradient in gradients:
        for tensor, part in zip(tensors, gradient.double().split(sizes), strict=True):
            tensor.grad = part.reshape(tensor.shape).clone()
        if "clip" in how:
            torch.nn.utils.clip_grad_norm_(tensors, how["clip"])
        optimizer.step()
        after.append(torch.cat([tensor.detach().flatten() for tensor in tensors]))
    return torch.stack(after)


def average(start, values):
    """The moving averages of weights after each step, with TensorFlow's warm-up."""

    def mix(averaged, value, step):
        decay = min(AVERAGE_DECAY, (1 + step) / (10 + step))
        return decay * averaged + (1 - decay) * value

    module = torch.nn.Module()
    module.weights = torch.nn.Parameter(start.double())
    averaged = torch.optim.swa_utils.AveragedModel(module, avg_fn=mix, use_buffers=True)
    averaged.n_averaged += 1  # the average starts as the weights, which are not to be copied again
    after = []
    for value in values:
        module.weights.data = value.clone()
        averaged.update_parameters(module)
        after.append(averaged.module.weights.detach().clone())
    return torch.stack(after)


def updates(generator):
    count = sum(torch.Size(shape).numel() for shape, _ in SHAPES)
    start = torch.randn(count, generator=generator, dtype=torch.float32)
    gradients = torch.randn(STEPS, count, generator=generator, dtype=torch.float32)
    out = {"update.start": start, "update.gradients": gradients}
    after = {name: update(name, how, start, gradients) for name, how in UPDATES.items()}
    out |= {name: values.float() for name, values in after.items()}
    out["average"] = average(start, after["sgd.plain"].float().double()).float()
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
    pathlib.Path(out).chmod(0o644)


if __name__ == "__main__":
    main()
