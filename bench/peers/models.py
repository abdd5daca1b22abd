"""The nets of the comparison, built with PyTorch."""

from torch import nn


def nin_block(channels, widths, kernel, stride=1, padding=0):
    layers = []
    for i, width in enumerate(widths):
        layers += [nn.Conv2d(channels, width, kernel if i == 0 else 1,
                             stride if i == 0 else 1, padding if i == 0 else 0), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers)


def nin():
    return nn.Sequential(
        nin_block(1, [96] * 3, 11, stride=4), nn.MaxPool2d(3, 2),
        nin_block(96, [256] * 3, 5, padding=2), nn.MaxPool2d(3, 2),
        nin_block(256, [384] * 3, 3, padding=1), nn.MaxPool2d(3, 2), nn.Dropout(0.5),
        nin_block(384, [10] * 3, 3, padding=1), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())


def nin_cifar10():
    return nn.Sequential(
        nin_block(3, [192, 160, 96], 5, padding=2), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Dropout(0.5), nin_block(96, [192] * 3, 5, padding=2),
        nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout(0.5),
        nin_block(192, [192, 192, 10], 3, padding=1), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2, 2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2, 2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))


def dense_head(features):
    return [nn.Flatten(), nn.Linear(features, 4096), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 10)]


def alexnet():
    return nn.Sequential(
        nn.Conv2d(1, 96, 11, 4, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), *dense_head(6400))


def vgg11(divisor=1):
    layers, channels = [], 1
    for convolutions, width in ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)):
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, width // divisor, 3, padding=1), nn.ReLU()]
            channels = width // divisor
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers, *dense_head(channels * 49))


MODELS = {
    "nin": (nin, (1, 224, 224)),
    "nin-cifar10": (nin_cifar10, (3, 32, 32)),
    "lenet": (lenet, (1, 28, 28)),
    "alexnet": (alexnet, (1, 224, 224)),
    "vgg11": (vgg11, (1, 224, 224)),
    "vgg11-small": (lambda: vgg11(4), (1, 224, 224)),
}
