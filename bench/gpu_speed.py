"""nin beside PyTorch on one CUDA device, in turn, round after round."""

import json
import statistics
import subprocess
from pathlib import Path

PEER = Path(__file__).resolve().parent / "peers" / "pytorch_cuda.py"
ROWS = (("train", 128), ("train", 512), ("infer", 512))
MATHS = ("bf16", "tf32", "float32")
ROUNDS = 3
SECONDS = 3  # of a run


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


def nin_bench(nin, mode, batch, math):
    done = subprocess.run(
        [nin, "bench", "--json", "--quiet", "--device", "cuda", "--model", "nin", "--mode", mode,
         "--batch", str(batch), "--math", math, "--seconds", str(SECONDS)],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skipped(done.stderr.strip())
    return json.loads(done.stdout)["examples_per_s"]


def measure_row(nin, python, mode, batch):
    """{contestant: examples a second of each round}, and what PyTorch is."""
    runs = {f"nin {math}": [] for math in MATHS}
    peer = Peer(python, mode, batch) if python else None
    try:
        for _ in range(ROUNDS):
            for math in MATHS:
                runs[f"nin {math}"].append(nin_bench(nin, mode, batch, math))
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
    """The table as lines of Markdown, and what was left out and why. TimeoutError, from an alarm of
    the caller, cuts it off; PyTorch may take a minute to compile a row."""
    missing = can_run(python)
    lines = ["| examples a second | nin bf16 | nin tf32 | nin float32 | PyTorch bf16 | ratio |",
             "|---|---:|---:|---:|---:|---:|"]
    told = [f"without PyTorch: {missing}"] if missing else []
    version = ""
    for mode, batch in ROWS:
        try:
            runs, found = measure_row(nin, None if missing else python, mode, batch)
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
                      "max-autotune, the batch on the device. nin takes the batch from the "
                      f"processor's memory in every step. Medians of {ROUNDS} rounds in turn, "
                      "with the range."]
    return lines, "; ".join(told) or "all rows measured"
