"""Rules of shape operators without MXNet: the catalogue's operators for MXNet's codes, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mxnet_to_neutral
from neutral.graph import Node
from reader.checkpoints import SymbolBuilder


def nodes_of(folder: Path, operator: str, inputs: int = 1, **attributes: str) -> tuple[Node, ...]:
    symbol = SymbolBuilder()
    symbol.add(operator, "op", [f"x{index}" for index in range(inputs)], **attributes)
    path = folder / "model-symbol.json"
    path.write_text(symbol.json())
    graph = mxnet_to_neutral.read(str(path)).graph
    assert graph is not None
    return graph.nodes


def summary(nodes: tuple[Node, ...]) -> list[tuple[str, dict[str, Any]]]:
    return [(node.kind, dict(node.attributes)) for node in nodes]


@pytest.mark.parametrize(
    ("codes", "reverse", "expected"),
    [
        ("(0, -1)", "False", [("reshape", {"shape": (0, -1), "from_end": False})]),
        ("[-1,0,0]", "1", [("reshape", {"shape": (-1, 0, 0), "from_end": True})]),
        ("(4, 6)", "True", [("reshape", {"shape": (4, 6), "from_end": False})]),
        ("(0, -3, -2)", "False", [("merge_axes", {"axis": 1, "count": 2})]),
        ("(-2, -3)", "True", [("merge_axes", {"axis": -2, "count": 2})]),
        ("(0, -4, -1, 4, -2)", "False", [("split_axis", {"axis": 1, "sizes": (-1, 4)})]),
        ("(-2, 3, 4, -4)", "True", [("split_axis", {"axis": -1, "sizes": (3, 4)})]),
        (
            "(-3, -1)",
            "False",
            [("merge_axes", {"axis": 0, "count": 2}), ("reshape", {"shape": (0, -1), "from_end": False})],
        ),
        ("(0, -2)", "False", [("identity", {})]),
    ],
)
def test_reshape_codes(tmp_path: Path, codes: str, reverse: str, expected: list[Any]) -> None:
    assert summary(nodes_of(tmp_path, "Reshape", shape=codes, reverse=reverse)) == expected


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes", "reason"),
    [
        ("Reshape", 1, {}, "no shape"),
        ("Reshape", 1, {"shape": "(-1, -1)"}, "more than one extent"),
        ("Reshape", 1, {"target_shape": "(0, 0)"}, "more than one extent"),
        ("Reshape", 1, {"shape": "(-2, -1)"}, "the wrong place"),
        ("Reshape", 1, {"shape": "(-4, 2, -1, -1)"}, "the wrong place"),
        ("Reshape", 1, {"shape": "(-2, 0)"}, "behind the last one"),
        ("Reshape", 1, {"shape": "(-4, 2)"}, "two extents"),
        ("Reshape", 1, {"shape": "(-4, -1, -1)"}, "two extents"),
        ("Reshape", 1, {"shape": "(-7, 2)"}, "a code that does not exist"),
        ("slice", 1, {"begin": "(1,)", "end": "(2, 3)"}, "differ in length"),
        ("slice", 1, {"begin": "(1,)", "end": "(2,)", "step": "(0,)"}, "has a 0"),
        ("_split_v2", 1, {"indices": "(1, 2)"}, "do not begin with 0"),
        ("_split_v2", 1, {"indices": "(0, 2)", "squeeze_axis": "True"}, "extent 1"),
        ("_arange", 0, {"start": "0", "stop": "None", "infer_range": "True"}, "infer_range"),
        ("_arange", 0, {"start": "5", "stop": "0"}, "is empty"),
        ("_arange", 0, {"start": "5", "dtype": "bfloat16"}, "dtype bfloat16"),
        ("_zeros", 0, {"shape": "(0, 3)"}, "to be inferred"),
        ("norm", 1, {"ord": "3"}, "ord 3"),
        ("im2col", 1, {"kernel": "(2,)"}, "for images only"),
        ("moments", 1, {}, "no axes"),
    ],
)
def test_inexact_conversions_are_refused(
    tmp_path: Path, operator: str, inputs: int, attributes: dict[str, str], reason: str
) -> None:
    (node,) = nodes_of(tmp_path, operator, inputs, **attributes)
    assert node.kind == "opaque"
    assert reason in node.attributes["reason"]


def test_a_node_keeps_its_name_in_the_symbol(tmp_path: Path) -> None:
    nodes = nodes_of(tmp_path, "topk", ret_typ="both", k="3")
    assert nodes[0].name == "op"
    assert [node.kind for node in nodes] == ["top_k"]


@pytest.mark.parametrize(("number", "dtype"), [("-1", "float32"), ("2", "float16")])
def test_zeros_whose_dtype_is_a_number(tmp_path: Path, number: str, dtype: str) -> None:
    (node,) = nodes_of(tmp_path, "_zeros_without_dtype", 0, shape="(2, 3)", dtype=number)
    assert (node.kind, node.attributes["dtype"]) == ("full", dtype)
