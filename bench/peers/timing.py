"""How every peer measures itself: warm-up, then steps for a few seconds, and the median step."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def time_steps(step, seconds):
    """Median duration of a step: two to warm up, then at least five and at least `seconds` long."""
    for _ in range(2):
        step()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def report(work, step, version):
    """Times `step` and prints one line of JSON in the form of `nin bench --json`."""
    median = time_steps(step, work.seconds)
    print(json.dumps({
        "model": work.model, "mode": work.mode, "batch": work.batch, "threads": work.threads,
        "examples_per_s": work.batch / median, "ms_per_example": 1e3 * median / work.batch,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "version": version}))


class Work:
    """The command line that all peers share: MODEL train|infer BATCH THREADS SECONDS [SIZE]"""

    def __init__(self, arguments):
        self.model, self.mode = arguments[0], arguments[1]
        self.batch, self.threads = int(arguments[2]), int(arguments[3])
        self.seconds = float(arguments[4])
        self.size = int(arguments[5]) if len(arguments) > 5 else 0  # of pictures; 0: the net's own


def exported(work):
    """The net as an ONNX file; a process of its own makes it, so that PyTorch's memory is not counted."""
    path = Path(tempfile.gettempdir()) / f"nin-bench-{work.model}-{work.batch}.onnx"
    if not path.exists():
        subprocess.run([sys.executable, str(Path(__file__).with_name("export.py")), work.model,
                        str(work.batch), str(path)], check=True, stdout=sys.stderr)
    return str(path)
