"""Small stores made in memory, and the command line called as a user calls it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from neutral.graph import Graph, Input, Layer, LayerSource, Node, Origin, Value
from neutral.source import Piece
from neutral.store import SourceFile, Store, StoreSource
from neutral.store.safetensors import write_tensors
from neutral.tensor import from_numpy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]

Install = Callable[[str, str], None]
"""Puts a distribution with these entry points and this module on the path."""


def run_process(*words: object, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """``neutral`` with these words, in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "neutral", *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, **options)


def install_example(example: Path, module: str, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay an example package out as pip would: its module and the entry points of its ``pyproject.toml``."""
    project = tomllib.loads((example / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = module[: -len(".py")]
    info = site / f"{name}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
    info.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n")
    shutil.copy(example / module, site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, name, raising=False)


PARTS = b"".join(array.tobytes() for array in (np.arange(6, dtype="<f4"), np.array([1, -1], "<f4"), np.zeros(4, "<i8")))
"""The bytes of the three tensors of :func:`linear_store`."""


def linear_store(name: str = "fc1", notes: tuple[str, ...] = ()) -> Store:
    """data (N, 3) -> linear ``name`` -> (N, 2), and an array that no layer uses, from a file ``parts.bin``."""
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
        inputs=(Input("data", (None, 3), "float32"),),
        nodes=(Node(name, "linear", (Value("data"),), layer.attributes, layer=name),),
        outputs=(Value(name),),
    )
    pieces = (4, Piece(f"{name}.weight"), Piece(f"{name}.bias"), Piece("spare"))
    file = SourceFile("parts.bin", "parameters", "parts", 4 + 24 + 8 + 32, pieces=pieces, skeleton=b"head")
    return Store({name: layer}, tensors, graph, StoreSource("mxnet", "1.9.1", (file,)), notes)


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


MODULE = """
import torch
from torch import nn

print("a line of the user's own")


class Net(nn.Module):
    def __init__(self, name="fc1", bias=True):
        super().__init__()
        self.add_module(name, nn.Linear(3, 2, bias))
        self.first = name

    def forward(self, data):
        return getattr(self, self.first)(data)


class Twins(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, data):
        return self.left(data) + self.right(data)


class Failing(nn.Module):
    def __init__(self):
        raise ValueError("no weights\\x1b[2J today")


constant = 3
"""
"""Modules for ``--into``; ``Net`` fits :func:`linear_store`, and each half of ``Twins`` would."""


def write_golden(path: Path, factor: float = 1.0) -> None:
    """What MXNet would have recorded of :func:`linear_store`, its outputs times ``factor``."""
    data = np.array([[1, 2, 3], [-1, 0, 1]], np.float32)
    output = (data @ np.arange(6, dtype=np.float32).reshape(2, 3).T + np.array([1, -1], np.float32)) * np.float32(
        factor
    )
    description = {
        "version": 1,
        "framework": "mxnet",
        "framework_version": "1.9.1",
        "inputs": [{"name": "data", "key": "inputs.data", "label": False}],
        "outputs": ["internals.fc1_output"],
        "internals": [{"node": "fc1", "index": 0, "key": "internals.fc1_output"}],
        "notes": [],
    }
    tensors = {"inputs.data": from_numpy(data), "internals.fc1_output": from_numpy(output)}
    write_tensors(tensors, path, {"golden": json.dumps(description)})
