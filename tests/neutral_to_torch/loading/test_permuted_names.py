"""Modules whose names are those of the store, but for other layers: the dataflow decides, and the plan says so."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from torch import nn

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.store import Store
from neutral_to_torch import build, load_into

NAMES = ("fc0", "fc1", "fc2")


def chain() -> Store:
    g = GraphBuilder()
    x = g.input(shape=(None, 6))
    for name, kind in zip(NAMES, ("relu", "tanh", "sigmoid")):
        x = g.node(kind, g.linear(x, 6, features=6, name=name))
    return g.store(x)


class Chain(nn.Module):
    def __init__(self, order: tuple[str, ...]) -> None:
        super().__init__()
        for name in NAMES:
            self.add_module(name, nn.Linear(6, 6))
        self.order = order

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name, function in zip(self.order, (torch.relu, torch.tanh, torch.sigmoid)):
            x = function(getattr(self, name)(x))
        return x


@pytest.mark.parametrize("order", list(permutations(NAMES)))
@pytest.mark.parametrize("example", [torch.randn(2, 6), torch.randn(1, 6), None])
def test_the_dataflow_decides(order: tuple[str, ...], example: torch.Tensor | None) -> None:
    module, store = Chain(order), chain()
    plan = load_into(module, store, example=example)
    x = torch.randn(4, 6)
    with torch.no_grad():
        torch.testing.assert_close(module(x), build(store)(x))
    assert any("matched against their names" in note for note in plan.notes) == (order != NAMES)


def test_where_the_dataflow_differs_too_it_decides_nothing() -> None:
    class Other(Chain):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(2 * x)

    with pytest.raises(MatchError):
        load_into(Other(("fc1", "fc0", "fc2")), chain(), example=torch.randn(2, 6))
