"""Stores whose layers count from 0 and modules that count from 1: no weight lands in the next layer."""

from __future__ import annotations

import warnings
from typing import Any, Callable

import pytest
import torch
from torch import nn

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.matching.grade import UnprovenWarning
from neutral.store import Store
from neutral_to_torch import build, load_into

EXAMPLE = torch.randn(2, 4)
KINDS = ("relu", "tanh", "sigmoid")


def dense(sizes: tuple[int, ...] = (4, 4, 4, 4)) -> Store:
    """Return a store of three layers dense0, dense1, dense2 with activations."""
    g = GraphBuilder()
    x = g.input(shape=(None, sizes[0]))
    for index, kind in enumerate(KINDS):
        x = g.node(kind, g.linear(x, sizes[index + 1], features=sizes[index], name=f"dense{index}"))
    return g.store(x)


class Chain(nn.Module):
    """The same network under other names, registered in the order of ``registered``."""

    def __init__(self, names: tuple[str, ...], sizes: tuple[int, ...] = (4, 4, 4, 4), shuffled: bool = False) -> None:
        super().__init__()
        self.names = names
        for index in (2, 0, 1) if shuffled else range(3):
            self.add_module(names[index], nn.Linear(sizes[index], sizes[index + 1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name, function in zip(self.names, (torch.relu, torch.tanh, torch.sigmoid)):
            x = function(getattr(self, name)(x))
        return x


class Untraceable(Chain):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) != 7:
            raise ValueError("a batch of 7 is expected")
        return super().forward(x)


def loaded(module: nn.Module, store: Store, example: Any) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnprovenWarning)
        load_into(module, store, example=example)
    return module


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("has_graph", [True, False])
@pytest.mark.parametrize("example", [EXAMPLE, None])
@pytest.mark.parametrize("kind", [Chain, Untraceable])
def test_a_module_that_counts_from_1_takes_a_store_that_counts_from_0(
    kind: Callable[..., nn.Module], example: torch.Tensor | None, has_graph: bool, shuffled: bool
) -> None:
    store = dense()
    given = store if has_graph else Store(store.layers, store.tensors)
    if kind is Untraceable and example is not None:
        example = torch.randn(7, 4)
    module = loaded(kind(("fc1", "fc2", "fc3"), shuffled=shuffled), given, example)
    x = torch.randn(7, 4)
    with torch.no_grad():
        torch.testing.assert_close(module(x), build(store)(x))


@pytest.mark.parametrize("names", [("fc1", "fc2", "out"), ("stem", "fc1", "fc2"), ("fc1", "fc2", "fc4")])
def test_names_that_agree_in_part_are_refused_where_nothing_else_decides(names: tuple[str, ...]) -> None:
    store, module = dense(), Chain(names)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for given in (Store(store.layers, store.tensors), store):
        with pytest.raises(MatchError, match="numbered from 0 on one side and from 1 on the other"):
            loaded(Untraceable(names), given, None)
    with pytest.raises(MatchError):
        loaded(module, Store(store.layers, store.tensors), None)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize("names", [("fc1", "fc2", "out"), ("stem", "fc1", "fc2")])
def test_the_dataflow_decides_where_it_is_known(names: tuple[str, ...]) -> None:
    module = loaded(Chain(names), dense(), EXAMPLE)
    with torch.no_grad():
        torch.testing.assert_close(module(EXAMPLE), build(dense())(EXAMPLE))


def test_shapes_decide_without_a_graph() -> None:
    sizes = (4, 5, 6, 7)
    store = dense(sizes)
    module = loaded(Chain(("fc1", "fc2", "out"), sizes), Store(store.layers, store.tensors), None)
    with torch.no_grad():
        torch.testing.assert_close(module(EXAMPLE), build(store)(EXAMPLE))
