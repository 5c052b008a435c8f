"""Golden files of arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from neutral.store.safetensors import write_tensors
from neutral.tensor import from_numpy


def write_golden(
    path: Path,
    inputs: dict[str, np.ndarray],
    internals: dict[str, np.ndarray],
    outputs: list[str] | dict[str, np.ndarray],
    labels: tuple[str, ...] = (),
) -> Path:
    """``outputs`` are nodes of ``internals``, or arrays of their own."""
    tensors = {f"inputs.{name}": array for name, array in inputs.items()}
    tensors.update({f"internals.{name}_output": array for name, array in internals.items()})
    if isinstance(outputs, dict):
        keys = [f"outputs.{name}" for name in outputs]
        tensors.update(zip(keys, outputs.values()))
    else:
        keys = [f"internals.{name}_output" for name in outputs]
    description = {
        "version": 1,
        "framework": "mxnet",
        "framework_version": "1.9.1",
        "inputs": [{"name": name, "key": f"inputs.{name}", "label": name in labels} for name in inputs],
        "outputs": keys,
        "internals": [{"node": name, "index": 0, "key": f"internals.{name}_output"} for name in internals],
        "notes": [],
    }
    write_tensors({k: from_numpy(a) for k, a in tensors.items()}, path, {"golden": json.dumps(description)})
    return path
