"""Times PyTorch: MODEL train|infer BATCH THREADS SECONDS [SIZE]"""

import sys

import torch
from torch import nn

from models import MODELS
from timing import Work, report


def make_step(net, images, labels, mode):
    if mode == "infer":
        net.eval()

        def infer():
            with torch.inference_mode():
                net(images)
        return infer
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    loss = nn.CrossEntropyLoss()

    def train():
        optimizer.zero_grad()
        loss(net(images), labels).backward()
        optimizer.step()
    return train


def main():
    work = Work(sys.argv[1:])
    torch.set_num_threads(work.threads)
    torch.manual_seed(0)
    build, shape = MODELS[work.model]
    net = build().to(memory_format=torch.channels_last)
    if work.size:
        shape = (shape[0], work.size, work.size)
    images = torch.rand(work.batch, *shape).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (work.batch,))
    report(work, make_step(net, images, labels, work.mode), "PyTorch " + torch.__version__)


if __name__ == "__main__":
    main()
