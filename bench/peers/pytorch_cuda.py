"""Times PyTorch on a CUDA device: MODEL train|infer BATCH

PyTorch at its best: channels_last, bfloat16 by autocast, torch.compile with max-autotune, the batch
on the device. Compiles and warms up, says so with a line of JSON, and then answers each number of
seconds that it reads with another one, so that it can be measured in turn with others.
"""

import json
import sys
import time

import torch
from torch import nn

from models import MODELS

STEPS = 10  # between two looks at the clock, for which the device has to be waited for


def make_step(net, images, labels, mode):
    compiled = torch.compile(net, mode="max-autotune")
    if mode == "infer":
        net.eval()

        def infer():
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
                compiled(images)
        return infer
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, fused=True)
    loss = nn.CrossEntropyLoss()

    def train():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16):
            value = loss(compiled(images), labels)
        value.backward()
        optimizer.step()
    return train


def seconds_of(step):
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / STEPS


def median_step(step, seconds):
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        times.append(seconds_of(step))
    return sorted(times)[len(times) // 2]


def say(**values):
    print(json.dumps(values), flush=True)


def main():
    model, mode, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    build, shape = MODELS[model]
    net = build().cuda().to(memory_format=torch.channels_last)
    images = torch.rand(batch, *shape, device="cuda").to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (batch,), device="cuda")
    step = make_step(net, images, labels, mode)
    for _ in range(3):
        seconds_of(step)
    say(version=f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, "
                f"cuDNN {torch.backends.cudnn.version()}")
    for line in sys.stdin:
        say(examples_per_s=batch / median_step(step, float(line)))


if __name__ == "__main__":
    main()
