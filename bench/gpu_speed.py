"""nin beside PyTorch on one CUDA device, in turn, round after round."""

import json
import random
import statistics
import struct
import subprocess
import tempfile
from pathlib import Path

PEER = Path(__file__).resolve().parent / "peers" / "pytorch_cuda.py"
ROWS = (("train", 128), ("train", 512), ("infer", 512))
MATHS = ("bf16", "tf32", "float32")
ROUNDS = 3
SECONDS = 3  # of a run of PyTorch's
TRAIN_EXAMPLES = 76800  # of a run of nin's


class Skipped(Exception):
    """What is not there to be measured."""


def can_run(python):
    """Why this Python cannot take part, or nothing."""
    try:
        subprocess.run([python, "-c", "import torch; assert torch.cuda.is_available()"],
                       capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return f"{python} has no PyTorch that sees the device"
    return ""


class Peer:
    """PyTorch in a process of its own, compiled once and measured on request."""

    def __init__(self, python, mode, batch):
        self.process = subprocess.Popen(
            [python, str(PEER), "nin", mode, str(batch)], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.version = self.answer()["version"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Skipped("PyTorch ended before it answered")
        return json.loads(line)

    def measure(self):
        self.process.stdin.write(f"{SECONDS}\n")
        self.process.stdin.flush()
        return self.answer()["examples_per_s"]

    def close(self):
        self.process.kill()
        self.process.communicate()


def run_nin(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Skipped(done.stderr.strip())
    return done.stdout


def write_pictures(folder):
    """A data set of random pictures of the size and number of Fashion-MNIST's."""
    side = 28
    for name, count in (("train", 60_000), ("t10k", 1000)):
        pixels = random.Random(1).randbytes(count * side * side)
        labels = bytes(i % 10 for i in range(count))
        (folder / f"{name}-images-idx3-ubyte").write_bytes(
            struct.pack(">4I", 0x803, count, side, side) + pixels)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, count) + labels)


def train(nin, batch, math, data, out):
    """Examples a second of nin train: pictures are chosen, mirrored, resized and learnt on the
    device; the health watch looks."""
    run_nin([nin, "train", "--model", "nin", "--recipe", "steady", "--resize", "224", "--data",
             data, "--device", "cuda", "--math", math, "--batch", batch, "--epochs", "10",
             "--max-steps", TRAIN_EXAMPLES // batch, "--flip", "--quiet", "--out", out])
    last = (out / "log.jsonl").read_text().splitlines()[-1]
    return json.loads(last)["examples_per_s"]


def infer(nin, batch, math, data, model):
    """Examples a second of nin eval: the logits of pictures that the device holds as bytes."""
    answer = run_nin([nin, "eval", model, "--data", data, "--split", "train", "--device", "cuda",
                      "--math", math, "--batch", batch, "--json", "--quiet"])
    return json.loads(answer.splitlines()[-1])["examples_per_s"]


def measure_nin(nin, mode, batch, math, data):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        if mode == "train":
            return train(nin, batch, math, data, out)
        run_nin([nin, "train", "--model", "nin", "--recipe", "lecture", "--resize", "224", "--data",
                 data, "--limit", "128", "--epochs", "1", "--device", "cuda", "--quiet", "--out",
                 out])
        return infer(nin, batch, math, data, out / "last.safetensors")


def measure_row(nin, python, mode, batch, data):
    """{contestant: examples a second of each round}, and what PyTorch is."""
    runs = {f"nin {math}": [] for math in MATHS}
    peer = Peer(python, mode, batch) if python else None
    try:
        for _ in range(ROUNDS):
            for math in MATHS:
                runs[f"nin {math}"].append(measure_nin(nin, mode, batch, math, data))
            if peer:
                runs.setdefault("PyTorch bf16", []).append(peer.measure())
        return runs, peer.version if peer else ""
    finally:
        if peer:
            peer.close()


def table_row(mode, batch, runs):
    cells = [f"nin, {mode}, batch {batch}"]
    for name in [f"nin {math}" for math in MATHS] + ["PyTorch bf16"]:
        values = runs.get(name)
        cells.append(f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"
                     if values else "")
    ratio = ""
    if runs.get("PyTorch bf16"):
        own, other = (statistics.median(runs[name]) for name in ("nin bf16", "PyTorch bf16"))
        ratio = f"{own / other:.2f}"
    return "| " + " | ".join([*cells, ratio]) + " |"


def measure(nin, python):
    """measure_on, with pictures of its own."""
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(Path(folder))
        return measure_on(nin, python, folder)


def measure_on(nin, python, data):
    """The table as lines of Markdown, and what was left out and why. TimeoutError, from an alarm of
    the caller, cuts it off; PyTorch may take a minute to compile a row."""
    missing = can_run(python)
    lines = ["| examples a second | nin bf16 | nin tf32 | nin float32 | PyTorch bf16 | ratio |",
             "|---|---:|---:|---:|---:|---:|"]
    told = [f"without PyTorch: {missing}"] if missing else []
    version = ""
    for mode, batch in ROWS:
        try:
            runs, found = measure_row(nin, None if missing else python, mode, batch, data)
        except Skipped as reason:
            told.append(f"{mode} {batch}: {reason}")
            continue
        except TimeoutError:
            told.append(f"cut in {mode} {batch}")
            break
        version = found or version
        lines.append(table_row(mode, batch, runs))
    if version:
        lines += ["", f"{version}; channels_last, bfloat16 by autocast, torch.compile with "
                      "max-autotune, one batch of floats that lies on the device. nin trains as "
                      "`nin train` does, which chooses, mirrors and resizes pictures in every step, "
                      "and infers as `nin eval` does, which resizes them. Medians of "
                      f"{ROUNDS} rounds in turn, with the range."]
    return lines, "; ".join(told) or "all rows measured"
