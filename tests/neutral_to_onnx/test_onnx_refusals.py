"""Graphs that contradict themselves are refused by name, before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import pytest

pytest.importorskip("onnx")

from neutral.errors import UnsupportedError
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store
from neutral_to_onnx import write

POOLING = {
    "kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "rounding": "down", "layout": "channels_first",
}  # fmt: skip
CONTRADICTION = "its attributes and its operands' shapes contradict each other"
PRIOR = {"sizes": (0.5,), "ratios": (1.0,), "steps": None, "offsets": (0.5, 0.5), "clip": False}


@pytest.mark.parametrize(
    ("kind", "attributes", "shape", "reason"),
    [
        ("max_pool", POOLING, (1, 3, 8), "kind max_pool: its operand has 3 dimensions; expected 4"),
        ("multibox_prior", PRIOR, (1, 3, 0, 4), f"kind multibox_prior: {CONTRADICTION}"),
        ("reshape", {"shape": (0, 0, -1), "from_end": False}, (6,), f"kind reshape: {CONTRADICTION}"),
    ],
)
def test_operands_that_an_operator_cannot_have(
    tmp_path: Path, kind: str, attributes: Mapping[str, Any], shape: tuple[int, ...], reason: str
) -> None:
    graph = Graph((Input("x", shape),), (Node("y", kind, (Value("x"),), attributes),), (Value("y"),))
    with pytest.raises(UnsupportedError) as refused:
        write(Store({}, {}, graph), tmp_path / "net.onnx")
    assert refused.value.problems == (f"{reason} (1 node: y)",)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "node"), [("", "y"), ("x", "")])
def test_an_empty_name(tmp_path: Path, name: str, node: str) -> None:
    graph = Graph((Input(name, (2,)),), (Node(node, "relu", (Value(name),), {}),), (Value(node),))
    with pytest.raises(UnsupportedError, match="an empty name, which in ONNX stands for an absent value"):
        write(Store({}, {}, graph), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())
