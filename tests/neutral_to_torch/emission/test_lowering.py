"""The passes of lowering: what is fused, hoisted, computed once and left out."""

from __future__ import annotations

import pytest

from checks import source_of
from graphs import GraphBuilder
from neutral_to_torch.emission.lowering.pipeline import GRAPH_PASSES, PROGRAM_PASSES, lower


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [("l2_normalize", {"over": "sample", "eps": 1e-10}), ("log_gamma", {}), ("gamma", {})],
)
def test_equal_expressions_are_computed_once_whatever_words_their_names_hold(
    kind: str, attributes: dict[str, object]
) -> None:
    g = GraphBuilder()
    x = g.input("x", (None, 3))
    first, second = g.node(kind, x, **attributes), g.node(kind, x, **attributes)
    program = lower(g.store(g.node("add", first, second)))
    assert [statement.kind for statement in program.statements].count(kind) == 1


def test_random_numbers_are_drawn_as_often_as_the_graph_does() -> None:
    g = GraphBuilder()
    x = g.input("x", (None, 3))
    attributes = {"shape": None, "place": "whole", "dtype": None}
    draws = [g.node("random_normal", 0.0, 1.0, x, **attributes) for _ in range(2)]
    assert source_of(g.store(g.node("add", *draws))).count("torch.randn_like(x)") == 2


def test_products_of_shared_products_are_lowered_in_linear_time() -> None:
    """Without a limit the search for the factors of a GELU takes as many steps as the Fibonacci number of the node."""
    g = GraphBuilder()
    x = g.input("x", (2,))
    values = [x, g.node("relu", x)]
    for _ in range(80):
        values.append(g.node("multiply", values[-1], values[-2]))
    assert len(lower(g.store(values[-1])).statements) == 81


def test_passes_have_names_and_summaries() -> None:
    for each in (*GRAPH_PASSES, *PROGRAM_PASSES):
        assert each.name.isidentifier() and each.summary.endswith(".")
