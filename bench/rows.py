"""What is measured: one row a piece of work."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    model: str
    mode: str  # "train", "infer", or "first": from starting a process to its first prediction
    batch: int
    goal: float = 0.0  # how many times as fast as the fastest peer nin shall be; 0: just measured
    isa: str = "auto"  # "avx2": no contestant uses anything later
    size: int = 0  # height and width of the pictures; 0: the net's own
    threads: int = 0  # 0: all of the comparison

    @property
    def name(self):
        words = [self.model, self.mode, str(self.batch)]
        words += [f"{self.size}x{self.size}"] if self.size else []
        words += [f"{self.threads} threads"] if self.threads else []
        words += [self.isa] if self.isa != "auto" else []
        return " ".join(words)

    @property
    def title(self):
        if self.mode == "first":
            return f"{self.model}, from start to first prediction"
        return f"{self.model}, {self.mode}, batch {self.batch}"


TABLE = [
    Row("nin", "train", 128, 3.5),
    Row("nin", "train", 64, 3.5),
    Row("nin", "train", 32, 3.5),
    Row("nin", "train", 8, 3),
    Row("nin", "train", 1, 2),
    Row("nin", "infer", 32, 2.5),
    Row("nin", "infer", 1, 2),
    Row("nin-cifar10", "train", 128, 2.5),
    Row("alexnet", "train", 32, 3),
    Row("vgg11", "train", 8, 3),
    Row("vgg11-small", "train", 64, 3),
    Row("lenet", "train", 256, 3),
    Row("lenet", "infer", 1, 2),
    Row("nin", "first", 1, 10),
]

# nin's peak memory in training shall be at most this part of the peer's.
MEMORY_GOALS = {"nin train 128": 0.5}

AVX2 = [Row(row.model, row.mode, row.batch, isa="avx2") for row in TABLE if row.mode != "first"]

GROWTH_BATCH = 32  # of the curves over sizes and threads


def growth(threads):
    """Rows of the curves, by what grows: [(x, row)]."""
    batches = [2**i for i in range(9)]
    sizes = [96, 128, 160, 224, 320, 448]
    counts = range(1, threads + 1)
    curves = {}
    for mode in ("train", "infer"):
        curves["batch", mode] = [(n, Row("nin", mode, n)) for n in batches]
        curves["size", mode] = [(n, Row("nin", mode, GROWTH_BATCH, size=n)) for n in sizes]
        curves["threads", mode] = [(n, Row("nin", mode, GROWTH_BATCH, threads=n)) for n in counts]
    return curves


# Where the time of a step goes: nin bench --steps.
STEPS = [Row("nin", "train", 32), Row("nin", "infer", 32), Row("nin", "infer", 1)]
