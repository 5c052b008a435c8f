"""Which kinds have a rule, and what a refusal says."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("onnx")

from neutral.errors import UnsupportedError
from neutral.graph import Graph, Input, Node, Value
from neutral.operators import catalogue
from neutral.store import Store
from neutral_to_onnx import write
from neutral_to_onnx.registry import REFUSED, load_rules


def test_every_kind_has_a_rule_or_a_reason() -> None:
    rules = load_rules()
    assert not set(rules) & set(REFUSED)
    kinds = {operator.kind for operator in catalogue if "." not in operator.kind}
    assert set(rules) | set(REFUSED) == kinds - {"opaque"}


def test_all_refusals_are_listed_and_nothing_is_written(tmp_path: Path) -> None:
    opaque = {"operator": "Custom", "attributes": {}, "reason": "its code is not known"}
    nodes = (
        Node("a", "gamma", (Value("x"),), {}),
        Node("b", "relu", (Value("a"),), {}),
        Node("c", "opaque", (Value("b"),), opaque),
        Node("d", "gamma", (Value("c"),), {}),
    )
    store = Store({}, {}, Graph((Input("x", (2, 3)),), nodes, (Value("d"),)))
    with pytest.raises(UnsupportedError) as caught:
        write(store, tmp_path / "net.onnx")
    assert caught.value.problems == (
        "kind gamma: there is no standard operator for it (2 nodes: a, d)",
        "operator Custom: its code is not known (1 node: c)",
    )
    assert list(tmp_path.iterdir()) == []
