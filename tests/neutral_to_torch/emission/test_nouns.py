"""Names of values after their use."""

from __future__ import annotations

from typing import Any

import numpy as np

from checks import source_of
from graphs import GraphBuilder
from neutral_to_torch.emission.lowering.pipeline import lower
from neutral_to_torch.emission.printing.nouns import nouns


def named(g: GraphBuilder, *outputs: Any) -> dict[str, str]:
    return {value.node: name for value, name in nouns(lower(g.store(*outputs)).statements).items()}


def test_values_are_called_after_the_parameter_of_the_helper() -> None:
    g = GraphBuilder()
    scores, length = g.node("relu", g.input("data", (None, None, 8))), g.input("valid", (None, None))
    assert named(g, g.node("softmax", scores, length, axis=-1)) == {"valid": "length"}


def test_layout_changes_keep_the_name_and_several_uses_take_it() -> None:
    g = GraphBuilder()
    scores, length = g.input("data", (None, None, 8)), g.node("exp", g.input("valid", (None, None)), name="given")
    moved = g.node("transpose", length, axes=(1, 0), name="moved")
    result = g.node("softmax", scores, moved, axis=-1)
    assert named(g, result) == {"given": "length", "moved": "length"}
    assert named(g, result, g.node("add", moved, np.float32(1).item())) == {}


def test_no_variable_is_called_after_a_builtin() -> None:
    g = GraphBuilder()
    x = g.node("flatten", g.input("data", (None, 3, 2)), name="input0")
    y = g.node("tanh", x, name="filter0")
    source = source_of(g.store(g.add(g.add(x, y), g.node("exp", x)), g.node("exp", y)))
    assert "        flattened = data.flatten(1)\n" in source
    assert "        filter_ = torch.tanh(flattened)\n" in source
