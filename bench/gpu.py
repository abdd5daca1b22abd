#!/usr/bin/env python3
"""Builds, checks and measures the CUDA engine on a machine with a GPU, within ten minutes, and
writes a table to OUT/gpu-DEVICE.md. tools/gpu-check is the way to call it.

Each part has a limit of its own. What took longer, or did not begin, is named in the table. Needs
nothing from the network. The exit code is 0 when all that ran passed, 1 when something failed, 77
when there is no GPU.
"""

import argparse
import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import gpu_speed
import machine

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "gpu"
NIN = BUILD / "nin"
TARGETS = ("nin_program", "nin_cuda_plugin", "gpu_tests", "test_train_ten_steps")
WHOLE = 590  # seconds of all parts together
SANITIZERS = ("memcheck", "racecheck", "initcheck", "synccheck")
NETS = (("lenet",), ("nin-bn", "--resize", "67"))
SKIPPED = 77


def find_device():
    """The name of the first GPU, or nothing, as the driver tells it."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return ""
    count, device = ctypes.c_int(0), ctypes.c_int(0)
    name = ctypes.create_string_buffer(100)
    there = cuda.cuInit(0) == 0 and cuda.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value
    if not there or cuda.cuDeviceGet(ctypes.byref(device), 0) != 0:
        return ""
    return name.value.decode() if cuda.cuDeviceGetName(name, len(name), device) == 0 else ""


@dataclass
class Done:
    """How a command ended: its exit code, or None when it ran into its limit."""

    code: int | None
    output: str

    def last_line(self):
        lines = [line for line in self.output.splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""


class Check:
    """The parts that were run, and the time that is left for more."""

    def __init__(self):
        self.begin = time.monotonic()
        self.rows = []  # (part, result, what was said, seconds)

    def left(self):
        return WHOLE - (time.monotonic() - self.begin)

    def run(self, command, limit):
        """Runs a command and what it starts, for at most so many seconds."""
        limit = min(limit, self.left())
        if limit <= 0:
            return Done(None, "")
        try:
            process = subprocess.Popen([str(word) for word in command], cwd=ROOT, text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       errors="replace", start_new_session=True)
        except OSError as reason:
            return Done(127, str(reason))
        with process:
            try:
                output, _ = process.communicate(timeout=limit)
                return Done(process.returncode, output)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return Done(None, process.communicate()[0])

    def part(self, name, work):
        """`work` gives "passed", "failed", "skipped" or "cut", and what there is to say."""
        start = time.monotonic()
        result, text = work() if self.left() > 0 else ("cut", "no time was left")
        seconds = time.monotonic() - start
        self.rows.append((name, result, text, seconds))
        print(f"{result:8} {name} ({seconds:.0f} s): {text}", flush=True)
        return result == "passed"

    def failed(self):
        return any(result == "failed" for _, result, _, _ in self.rows)


def judge(done):
    """The result of a command that says all in its exit code and its last line."""
    if done.code is None:
        return "cut", "it ran into its limit"
    if done.code == SKIPPED:
        return "skipped", done.last_line()
    return ("passed" if done.code == 0 else "failed"), done.last_line()


def build(check):
    configured = check.run(["cmake", "--preset", "gpu", "-DNIN_TESTS=ON"], 60)
    if configured.code != 0:
        return judge(configured)
    return judge(check.run(["cmake", "--build", "--preset", "gpu", "--parallel",
                            len(os.sched_getaffinity(0)), "--target", *TARGETS], 300))


def kernels(check):
    programs = sorted((BUILD / "gpu-tests").glob("test_cuda_*"))
    for program in programs:
        result, text = judge(check.run([program], 120))
        if result != "passed":
            return ("failed" if result == "skipped" else result), f"{program.name}: {text}"
    return ("passed" if programs else "failed"), f"{len(programs)} programs"


def ten_steps(check):
    result, text = judge(check.run([BUILD / "tests" / "test_train_ten_steps", BUILD], 60))
    return "failed" if result == "skipped" else result, text  # there is a device


def weights_after(check, folder, net, math):
    """A hash of the weights that some steps of training give, or nothing and why."""
    out = Path(tempfile.mkdtemp(dir=folder))
    done = check.run([NIN, "train", "--model", *net, "--data", "drawn", "--limit", "1024",
                      "--batch", "64", "--max-steps", "30", "--device", "cuda", "--math", math,
                      "--deterministic", "--quiet", "--out", out / "run"], 60)
    if done.code is None:
        return "", "it ran into its limit"
    if done.code != 0:
        return "", done.last_line()
    return hashlib.sha256((out / "run" / "last.safetensors").read_bytes()).hexdigest(), ""


def same_bits(check):
    """Two runs each: --deterministic gives the same bits."""
    with tempfile.TemporaryDirectory() as folder:
        for net in NETS:
            for math in ("float32", "bf16"):
                one, why = weights_after(check, folder, net, math)
                two, why_not = weights_after(check, folder, net, math)
                if not one or not two:
                    return "failed", f"{net[0]} in {math}: {why or why_not}"
                if one != two:
                    return "failed", f"{net[0]} in {math}: {one[:16]}, then {two[:16]}"
    return "passed", "lenet and nin-bn, float32 and bf16: the same weights twice"


def sanitize(check, tool):
    program = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    if not os.access(program, os.X_OK):
        return "skipped", "there is no compute-sanitizer"
    for net in NETS:
        with tempfile.TemporaryDirectory() as folder:
            done = check.run([program, "--tool", tool, "--error-exitcode", "9", NIN, "train",
                              "--model", *net, "--data", "drawn", "--limit", "8", "--batch", "3",
                              "--epochs", "1", "--augment", "flip,crop=2,erase=1,mixup=1",
                              "--device", "cuda", "--quiet", "--out", f"{folder}/run"], 40)
        if done.code != 0:
            result, text = judge(done)
            return result, f"{net[0]}: {text}"
    return "passed", "an epoch of eight pictures of lenet and nin-bn"


def driver_lines():
    """What nin doctor says of CUDA."""
    done = subprocess.run([NIN, "doctor", "--json"], capture_output=True, text=True, check=False)
    try:
        checks = json.loads(done.stdout)["checks"]
    except ValueError:
        return ["- nin doctor failed"]
    names = re.compile("cu", re.IGNORECASE)
    return [f"- {entry['check']}: {entry['result']}, {entry['text'].replace(str(BUILD), 'BUILD')}"
            for entry in checks if names.match(entry["check"])]


def measure(check, python, lines):
    def stop(number, frame):
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(max(1, int(check.left())))
    table, told = gpu_speed.measure(str(NIN), python)
    signal.alarm(0)
    lines.extend(table)
    return "passed" if len(table) > 2 else "failed", told


def page(device, check, speed):
    about = machine.describe(ROOT)
    lines = [f"# The CUDA engine on {device}", "",
             f"{about['date']}, commit {about['commit']}, {about['machine']}; by "
             "`tools/gpu-check`.", "", *driver_lines(), "",
             "| part | result | | seconds |", "|---|---|---|---:|"]
    for name, result, text, seconds in check.rows:
        told = text.replace("|", "/")
        lines.append(f"| {name} | {result} | {told} | {seconds:.0f} |")
    return "\n".join([*lines, "", *speed]) + "\n"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="with PyTorch, if there is one")
    parser.add_argument("--no-build", action="store_true", help="take what is in build/gpu")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results")
    return parser.parse_args()


def main():
    options = arguments()
    device = find_device()
    if not device:
        print("gpu-check: there is no NVIDIA GPU here, or no driver for it", file=sys.stderr)
        return SKIPPED
    print(f"on {device}", flush=True)
    check = Check()
    speed = []
    if options.no_build or check.part("build", lambda: build(check)):
        check.part("kernels and nets against the reference", lambda: kernels(check))
        check.part("ten steps beside PyTorch's float64", lambda: ten_steps(check))
        check.part("the same bits twice", lambda: same_bits(check))
        for tool in SANITIZERS:
            check.part(f"compute-sanitizer {tool}", lambda tool=tool: sanitize(check, tool))

        check.part("speed", lambda: measure(check, options.python, speed))
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"gpu-{re.sub('[^A-Za-z0-9]+', '-', device)}.md"
    text = page(device, check, speed)
    path.write_text(text)
    print(f"\n{text}\n{path}")
    return 1 if check.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
