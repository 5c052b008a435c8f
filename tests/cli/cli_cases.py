"""Small stores made in memory, and the command line called as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np

from neutral.graph import Graph, Input, Layer, LayerSource, Node, Origin, Value
from neutral.store import Store
from neutral.tensor import from_numpy


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


def run_process(*words: object, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """``neutral`` with these words, in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "neutral", *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, **options)


def linear_store(name: str = "fc1", notes: tuple[str, ...] = ()) -> Store:
    """data (1, 3) -> linear ``name`` -> (1, 2), and one array that nothing uses."""
    layer = Layer(
        name=name,
        kind="linear",
        attributes={"out_features": 2, "flatten": False},
        tensors={"weight": f"{name}.weight", "bias": f"{name}.bias"},
        source=LayerSource(name, "FullyConnected", {"weight": Origin((f"arg:{name}_weight",))}),
    )
    tensors = {
        f"{name}.weight": from_numpy(np.arange(6, dtype=np.float32).reshape(2, 3)),
        f"{name}.bias": from_numpy(np.array([1.0, -1.0], np.float32)),
        "spare": from_numpy(np.zeros(4, np.int64)),
    }
    graph = Graph(
        inputs=(Input("data", (None, 3), "F32"),),
        nodes=(Node(name, "linear", (Value("data"),), layer.attributes, layer=name),),
        outputs=(Value(name),),
    )
    return Store({name: layer}, tensors, graph, notes=notes)


def write_checkpoint(prefix: Path) -> None:
    """An MXNet checkpoint of one fully connected layer: ``prefix-symbol.json`` and ``prefix-0000.params``."""
    symbol = {
        "nodes": [
            {"op": "null", "name": "data", "inputs": []},
            {"op": "null", "name": "fc1_weight", "attrs": {"num_hidden": "2"}, "inputs": []},
            {"op": "null", "name": "fc1_bias", "attrs": {"num_hidden": "2"}, "inputs": []},
            {
                "op": "FullyConnected",
                "name": "fc1",
                "attrs": {"num_hidden": "2"},
                "inputs": [[0, 0, 0], [1, 0, 0], [2, 0, 0]],
            },
        ],
        "arg_nodes": [0, 1, 2],
        "node_row_ptr": [0, 1, 2, 3, 4],
        "heads": [[3, 0, 0]],
        "attrs": {"mxnet_version": ["int", 10901]},
    }
    Path(f"{prefix}-symbol.json").write_text(json.dumps(symbol))
    arrays = {"arg:fc1_weight": np.arange(6, dtype="<f4").reshape(2, 3), "arg:fc1_bias": np.array([1, -1], "<f4")}
    Path(f"{prefix}-0000.params").write_bytes(ndarray_list(arrays))


def ndarray_list(arrays: dict[str, np.ndarray]) -> bytes:
    """A ``.params`` file of MXNet 1.x: V2 records of float32 arrays on the CPU, then their names."""
    parts = [_u64(0x112), _u64(0), _u64(len(arrays))]
    for array in arrays.values():
        shape = np.array(array.shape, "<i8").tobytes()
        parts += [_u32(0xF993FAC9), _u32(0), _u32(array.ndim), shape, _u32(1), _u32(0), _u32(0), array.tobytes()]
    parts.append(_u64(len(arrays)))
    for name in arrays:
        parts += [_u64(len(name)), name.encode()]
    return b"".join(parts)


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "little")
