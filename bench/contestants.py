"""Who is measured, and how each is run: one process a run, which prints one line of JSON in the
form of `nin bench --json`."""

import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import machine

PEERS = Path(__file__).resolve().parent / "peers"
TUNED_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "8000000000",
                   "MALLOC_TRIM_THRESHOLD_": "16000000000"}
# oneDNN and ATen use no later instruction set than this.
ONLY = {"auto": {}, "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}}


class Broken(Exception):
    """A contestant failed: what it said."""


def output_of(command, environment=None):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        raise Broken(f"{' '.join(command)}\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def run_json(command, environment=None):
    return json.loads(output_of(command, environment).strip().splitlines()[-1])


def threads_of(options, row):
    return row.threads or options.threads


def nin_bench(options, row, *more):
    command = [options.nin, "bench", "--json", "--model", row.model, "--mode", row.mode,
               "--batch", str(row.batch), "--threads", str(threads_of(options, row)),
               "--seconds", str(options.seconds), "--device", "cpu", "--isa", row.isa, "--quiet",
               *more]
    return run_json(command + (["--resize", str(row.size)] if row.size else []))


def peer(options, row, script):
    command = [options.python, str(PEERS / script), row.model, row.mode, str(row.batch),
               str(threads_of(options, row)), str(options.seconds), str(row.size)]
    return run_json(command, {**TUNED_ALLOCATOR, **ONLY[row.isa]})


# From the start of a process to its first prediction.


def work_folder():
    folder = Path(tempfile.gettempdir()) / f"nin-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def first_picture(options):
    path = work_folder() / "one.png"
    if not path.exists():
        output_of([options.python, str(PEERS / "picture.py"), str(path)])
    return str(path)


def trained(options, row):
    """A model that this build made, of so few pictures that it knows nothing."""
    run = work_folder() / f"{row.model}-{machine.digest(options.nin)}"
    model = run / "last.safetensors"
    if not model.exists():
        output_of([options.nin, "train", "--model", row.model, "--data", "drawn", "--limit", "32",
                   "--batch", "8", "--max-steps", "1", "--epochs", "1", "--device", "cpu",
                   "--quiet", "--out", str(run)])
    return str(model)


def exported(options, row):
    path = work_folder() / f"{row.model}-first.onnx"
    if not path.exists():
        output_of([options.python, str(PEERS / "export.py"), row.model, "1", str(path)])
    return str(path)


def time_starts(options, command, version):
    """The median of many starts, after two that fill the page cache."""
    times, end = [], None
    while len(times) < 7 or time.perf_counter() < end:
        start = time.perf_counter()
        output_of(command)
        times.append(time.perf_counter() - start)
        end = end or time.perf_counter() + options.seconds
    median = statistics.median(times[2:])
    return {"examples_per_s": 1 / median, "ms_per_example": 1e3 * median, "version": version}


def nin_first(options, row):
    command = [options.nin, "predict", trained(options, row), first_picture(options),
               "--device", "cpu", "--threads", str(threads_of(options, row))]
    return time_starts(options, command, "nin")


def onnx_first(options, row):
    command = [options.python, str(PEERS / "first_prediction.py"), exported(options, row),
               first_picture(options), str(threads_of(options, row))]
    version = output_of([options.python, "-c",
                         "import onnxruntime as o; print('ONNX Runtime', o.__version__)"])
    return time_starts(options, command, version.strip())


class Contestant:
    """modes: {mode: function of options and row}; everywhere: it takes more than the rows with a
    goal: other instruction sets, and what the curves are drawn of."""

    def __init__(self, name, modes, everywhere):
        self.name, self.modes, self.everywhere = name, modes, everywhere

    def can(self, row):
        return row.mode in self.modes and (row.goal > 0 or self.everywhere)

    def run(self, options, row):
        return self.modes[row.mode](options, row)


def by_script(script):
    return lambda options, row: peer(options, row, script)


CONTESTANTS = [
    Contestant("nin", {"train": nin_bench, "infer": nin_bench, "first": nin_first}, True),
    Contestant("PyTorch", {"train": by_script("pytorch.py"), "infer": by_script("pytorch.py")},
               True),
    Contestant("ONNX Runtime", {"infer": by_script("onnx_runtime.py"), "first": onnx_first}, False),
    Contestant("OpenVINO", {"infer": by_script("openvino_runtime.py")}, False),
]
