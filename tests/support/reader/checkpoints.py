"""Small checkpoints made without MXNet: a symbol from a few lines, a parameter file from NumPy arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from reader.ndarray_bytes import array_list, dense

CODES = {
    "float32": "F32",
    "float64": "F64",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}


class SymbolBuilder:
    """``conv = symbol.add("Convolution", "conv0", [data, weight], kernel="(3, 3)")``; variables come from names."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []

    def variable(self, name: str, **attributes: str) -> int:
        self.nodes.append({"op": "null", "name": name, "attrs": attributes, "inputs": []})
        return len(self.nodes) - 1

    def add(self, operator: str, name: str, inputs: list[Any], **attributes: str) -> int:
        """Inputs are node indices, (index, output) pairs, or the names of new variables."""
        edges = []
        for source in inputs:
            if isinstance(source, str):
                source = self.variable(source)
            node, output = source if isinstance(source, tuple) else (source, 0)
            edges.append([node, output, 0])
        self.nodes.append({"op": operator, "name": name, "attrs": attributes, "inputs": edges})
        return len(self.nodes) - 1

    def json(self, *heads: int) -> str:
        return json.dumps(
            {
                "nodes": self.nodes,
                "arg_nodes": [i for i, node in enumerate(self.nodes) if node["op"] == "null"],
                "heads": [[head, 0, 0] for head in heads or (len(self.nodes) - 1,)],
                "attrs": {"mxnet_version": ["int", 10901]},
            }
        )


def params_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    records = [dense(a.shape, np.ascontiguousarray(a).tobytes(), CODES[a.dtype.name]) for a in arrays.values()]
    return array_list(records, list(arrays))


def write_checkpoint(folder: Path, symbol: SymbolBuilder, arrays: Mapping[str, np.ndarray]) -> str:
    """Write ``model-symbol.json`` and ``model-0000.params`` and give the prefix."""
    (folder / "model-symbol.json").write_text(symbol.json(), encoding="utf-8")
    (folder / "model-0000.params").write_bytes(params_bytes(arrays))
    return str(folder / "model")


def ramp(*shape: int) -> np.ndarray:
    """Different values everywhere, so that a wrong layout shows."""
    return np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
