#!/usr/bin/env python3
"""Checks that models go both ways between nin and the safetensors and torch packages.

safetensors_check.py PROGRAM      PROGRAM is test_format_model, which writes and reads for us
safetensors_check.py --make       writes reference.safetensors beside this script

Ends with 77 (skipped) where numpy and safetensors are not installed; what needs torch is left out
where that is not.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import safetensors.numpy
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed")
    sys.exit(77)
try:
    import safetensors.torch
    import torch
except ImportError:
    torch = None

# The net in test_format_model.c, as PyTorch names and shapes its tensors.
SHAPES = {
    "0.0.weight": (4, 1, 3, 3), "0.0.bias": (4,), "0.1.weight": (4,), "0.1.bias": (4,),
    "0.3.weight": (4, 4, 1, 1), "0.3.bias": (4,), "0.4.weight": (4,), "0.4.bias": (4,),
    "0.6.weight": (4, 4, 1, 1), "0.6.bias": (4,), "0.7.weight": (4,), "0.7.bias": (4,),
    "2.weight": (3, 100), "2.bias": (3,),
    "0.1.running_mean": (4,), "0.1.running_var": (4,), "0.4.running_mean": (4,),
    "0.4.running_var": (4,), "0.7.running_mean": (4,), "0.7.running_var": (4,),
}  # fmt: skip


def values(number, shape):
    """What test_format_model.c puts into its tensor of this number; exact in every type."""
    index = numpy.arange(math.prod(shape))
    return (((7919 * number + 104729 * index) % 201 - 100) / 32).reshape(shape)


def expected():
    return {name: values(number, shape) for number, (name, shape) in enumerate(SHAPES.items())}


def check_written(program, path):
    """safetensors reads what nin wrote, and would have written its tensors so, too."""
    subprocess.run([program, "--write", path], check=True)
    with safetensors.safe_open(path, framework="np") as file:
        metadata = file.metadata()
    assert json.loads(metadata["nin.classes"]) == ["cat", "dog", "na\u00efve"], metadata
    assert set(json.loads(metadata["nin.digest"])) == set(SHAPES) | {"__metadata__"}, metadata
    loaded = safetensors.numpy.load_file(path)
    assert loaded.keys() == SHAPES.keys(), loaded.keys()
    for name, tensor in expected().items():
        assert loaded[name].dtype == numpy.float32, name
        assert numpy.array_equal(loaded[name], tensor), name
    ours = path.read_bytes()
    theirs = safetensors.numpy.save(loaded, metadata)
    for file in (ours, theirs):
        assert int.from_bytes(file[:8], "little") % 8 == 0
    start = 8 + int.from_bytes(ours[:8], "little")
    header = json.loads(ours[8:start])
    theirs_start = 8 + int.from_bytes(theirs[:8], "little")
    assert header == json.loads(theirs[8:theirs_start])
    assert ours[start:] == theirs[theirs_start:]


def check_read(program, path):
    """nin reads what safetensors wrote, in every type that weights have."""
    for dtype in (numpy.float32, numpy.float64, numpy.float16):
        tensors = {name: tensor.astype(dtype) for name, tensor in expected().items()}
        safetensors.numpy.save_file(tensors, path)
        subprocess.run([program, "--read", path], check=True)


def check_torch(program, path):
    """The same through torch, with bfloat16 and PyTorch's counters of batches."""
    subprocess.run([program, "--write", path], check=True)
    loaded = safetensors.torch.load_file(path)
    for name, tensor in expected().items():
        assert torch.equal(loaded[name], torch.from_numpy(tensor).float()), name
    for dtype in (torch.float32, torch.bfloat16):
        tensors = {name: torch.from_numpy(tensor).to(dtype) for name, tensor in expected().items()}
        for name in ("0.1", "0.4", "0.7"):
            tensors[f"{name}.num_batches_tracked"] = torch.tensor(3)
        safetensors.torch.save_file(tensors, path)
        subprocess.run([program, "--read", path], check=True)


def make():
    """The file that test_format_safetensors.c knows by heart."""
    tensors = {
        "f32": torch.tensor([[1.5, -2.0, 3.25], [1e-45, -0.0, 3.4028234663852886e38]]),
        "f16": torch.tensor([1.0, -2.5, 2.0**-24, 65504.0, math.inf, -0.0, 2.0**-14 * 1.5]).half(),
        "bf16": torch.tensor([1.0, -3.140625, math.nan]).bfloat16(),
        "f64": torch.tensor(0.1, dtype=torch.float64),
        "i64": torch.tensor([3, -(2**40)]),
        "none": torch.zeros(0, 3),
        "u8": torch.tensor([1, 2, 3], dtype=torch.uint8),
    }
    path = pathlib.Path(__file__).with_name("reference.safetensors")
    safetensors.torch.save_file(tensors, path, {"made by": "safetensors", "key": "v\u00e4lue"})
    path.chmod(0o644)


def main():
    if sys.argv[1:] == ["--make"]:
        make()
        return
    program = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="nin-safetensors-") as directory:
        path = pathlib.Path(directory) / "model.safetensors"
        check_written(program, path)
        check_read(program, path)
        if torch:
            check_torch(program, path)
    beside = f"torch {torch.__version__}" if torch else "without torch"
    print(f"passed with safetensors {safetensors.__version__}, {beside}")


if __name__ == "__main__":
    main()
