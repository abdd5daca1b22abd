"""What the numbers were measured on."""

import datetime
import hashlib
import os
import platform
import subprocess
from pathlib import Path


def processor():
    """Model, family and caches as the kernel names them: hypervisors shorten the model's name."""
    fields = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name", platform.processor())
    family, model = fields.get("cpu family"), fields.get("model")
    return f"{name} (family {family}, model {model})" if family else name


def instruction_sets():
    flags = Path("/proc/cpuinfo").read_text()
    return [name for name in ("avx2", "fma", "avx512f", "avx512bw", "asimd") if f" {name}" in flags]


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def git(root, *words):
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip()


def commit(root):
    """Of the source tree, with a + where files differ from it; results do not count."""
    name = git(root, "rev-parse", "--short", "HEAD") or "unknown"
    return name + ("+" if git(root, "status", "--porcelain", ".", ":!bench/results") else "")


def digest(program):
    """Tells one build from another."""
    return hashlib.sha256(Path(program).read_bytes()).hexdigest()[:16]


def describe(root):
    cores = len(os.sched_getaffinity(0))
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{processor()}, {cores} cores, {memory_gib():.0f} GiB, "
                   f"{'/'.join(instruction_sets())}, Linux {platform.release()}",
        "commit": commit(root),
    }
