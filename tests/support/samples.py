"""Stores that the tests write, and ways to run code in a new process."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Mapping

from neutral.graph import Graph, Input, Layer, LayerSource, Node, Origin, Value
from neutral.source import Piece
from neutral.store import SourceFile, Store, StoreSource
from neutral.tensor import FileRange, Tensor

ROOT = Path(__file__).resolve().parents[2]


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def in_memory(dtype: str, shape: tuple[int, ...], data: bytes) -> Tensor:
    """A tensor whose bytes are made when they are asked for, in two parts."""
    return Tensor(dtype, shape, lambda: (data[:3], memoryview(data)[3:]))


SYMBOL = '{"nodes": ["σύμβολο \\ud83d\\ude00"]}\n'


def sample_store(folder: Path) -> Store:
    """A linear layer and a PReLU with a graph, made from two files that it writes into ``folder``.

    The parameter file holds: a head of 5 bytes, the weight transposed, 3 bytes, the two halves of the bias, a tail.
    """
    weight = floats(1, 2, 3, 4, 5, 6)  # (2, 3)
    bias = floats(7, float("nan"))
    slope = floats(0.25)
    parts = [b"HEAD\0", floats(1, 4, 2, 5, 3, 6), b"...", bias[:4], bias[4:], slope, b"tail"]
    source = folder / "net-0000.params"
    source.write_bytes(b"".join(parts))
    symbol = folder / "net-symbol.json"
    symbol.write_bytes(SYMBOL.encode())
    tensors = {
        "fc.weight": in_memory("F32", (2, 3), weight),
        "fc.bias": Tensor("F32", (2,), (FileRange(str(source), 32, 4), FileRange(str(source), 36, 4))),
        "act.weight": Tensor("F32", (1,), (FileRange(str(source), 40, 4),)),
    }
    layers = (
        Layer(
            "fc",
            "linear",
            {"out_features": 2, "flatten": True},
            {"weight": "fc.weight", "bias": "fc.bias"},
            LayerSource(
                "fc_fwd",
                "FullyConnected",
                {
                    "weight": Origin(("arg:fc_weight",), "transpose"),
                    "bias": Origin(("arg:b0", "arg:b1"), "concatenate"),
                },
            ),
        ),
        Layer("act", "prelu", {}, {"weight": "act.weight"}, LayerSource("act", "LeakyReLU", {})),
    )
    graph = Graph(
        inputs=(Input("data", (None, 3), "float32"),),
        nodes=(
            Node("fc_fwd", "linear", (Value("data"),), {"out_features": 2, "flatten": True}, layer="fc"),
            Node("act", "prelu", (Value("fc_fwd"),), {}, layer="act"),
        ),
        outputs=(Value("act"),),
    )
    files = (
        SourceFile(
            name=source.name,
            role="parameters",
            format="mxnet-ndarray-list",
            size=source.stat().st_size,
            pieces=(
                5,
                Piece("fc.weight", (1, 0)),
                3,
                Piece("fc.bias", start=0, nbytes=4),
                Piece("fc.bias", start=4, nbytes=4),
                Piece("act.weight"),
                4,
            ),
            skeleton=b"HEAD\0...tail",
            location=FileRange(str(source), 0, source.stat().st_size),
        ),
        SourceFile(symbol.name, "symbol", "mxnet-symbol-json", len(SYMBOL.encode()), text=SYMBOL),
    )
    return Store(
        layers={layer.name: layer for layer in layers},
        tensors=tensors,
        graph=graph,
        source=StoreSource("mxnet", "1.9.1", files),
        notes=("the activation's slope is one for all channels",),
    )


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run_python(
    script: str, *arguments: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script in a new interpreter in which ``samples`` can be imported."""
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "support", ROOT / "writers")))
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
        cwd=cwd,
    )
