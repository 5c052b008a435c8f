"""Attention without a mask becomes one call of torch's; every other form stays as the source has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from checks import source_of
from graphs import GraphBuilder
from neutral.graph import Value
from neutral_to_torch.emission.build import build

HEADS, SIZE = 2, 4
SELF = ("self_attention_scores", "self_attention_values", [3])
CROSS = ("cross_attention_scores", "cross_attention_values", [1, 2])
PLAIN = ("attention_scores", "attention_values", [1, 1, 1])


def attention(kinds: tuple[str, str, list[int]], dropout: float | None = None, **changes: Any) -> tuple[Any, list[Any]]:
    """Return a store that computes attention, and inputs for it."""
    score_kind, value_kind, parts = kinds
    g = GraphBuilder()
    inputs = [g.input(f"in{k}", (None, None, HEADS * count * SIZE)) for k, count in enumerate(parts)]
    scores = g.node(score_kind, *inputs[:2], heads=HEADS)
    length = [g.input("length", (None, None))] if changes.get("length") else []
    weights = g.node("softmax", scores, *length, axis=changes.get("axis", -1))
    if dropout is not None:
        weights = g.node("dropout", weights, p=dropout, always=changes.get("always", False), shared_axes=())
    result = g.node(value_kind, inputs[-1], weights, heads=changes.get("heads", HEADS))
    outputs: list[Value] = [result, weights] if changes.get("weights_too") else [result]
    random = np.random.default_rng(1)
    arrays = [
        torch.from_numpy(random.normal(size=(3 + k, 2, HEADS * count * SIZE)).astype("f4"))
        for k, count in enumerate(parts[:2])
    ]
    return g.store(*outputs), [*arrays, *arrays[1 : len(parts) - 1]]


@pytest.mark.parametrize("dropout", [None, 0.0, 0.5])
@pytest.mark.parametrize("kinds", [SELF, CROSS, PLAIN])
def test_unmasked_attention_is_one_call(kinds: Any, dropout: float | None) -> None:
    store, inputs = attention(kinds, dropout)
    assert source_of(store).count("F.scaled_dot_product_attention(") == 1
    separate, _ = attention(kinds, dropout, weights_too=True)
    assert "scaled_dot_product" not in source_of(separate)
    module = build(store).eval()
    torch.testing.assert_close(module(*inputs), build(separate).eval()(*inputs)[0], rtol=0, atol=1e-6)
    torch.manual_seed(0)
    changed = not torch.equal(module.train()(*inputs), module.eval()(*inputs))
    assert changed is bool(dropout)


@pytest.mark.parametrize("changes", [{"length": True}, {"axis": 1}, {"always": True}, {"weights_too": True}])
def test_other_forms_stay(changes: dict[str, Any]) -> None:
    source = source_of(attention(SELF, 0.1, **changes)[0])
    assert "scaled_dot_product_attention" not in source and "self_attention_values(" in source


def test_interleaved_projections_of_another_value_stay() -> None:
    g = GraphBuilder()
    first, second = (g.input(name, (None, None, 3 * HEADS * SIZE)) for name in ("first", "second"))
    weights = g.node("softmax", g.node("self_attention_scores", first, heads=HEADS), axis=-1)
    source = source_of(g.store(g.node("self_attention_values", second, weights, heads=HEADS)))
    assert "scaled_dot_product_attention" not in source
