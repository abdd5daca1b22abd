"""What is measured: one row a piece of work, with the contestants that can do it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    model: str
    mode: str  # "train" or "infer"
    batch: int

    @property
    def name(self):
        return f"{self.model} {self.mode} {self.batch}"


ROWS = [
    Row("nin", "train", 128),
    Row("nin", "train", 64),
    Row("nin", "train", 32),
    Row("nin", "train", 8),
    Row("nin", "train", 1),
    Row("nin", "infer", 32),
    Row("nin", "infer", 1),
    Row("nin-cifar10", "train", 128),
    Row("alexnet", "train", 32),
    Row("vgg11", "train", 8),
    Row("vgg11-small", "train", 64),
    Row("lenet", "train", 256),
    Row("lenet", "infer", 1),
]
