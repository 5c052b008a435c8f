"""Modules that mix rows, or agree at some sizes only, which an example of one row or of even sizes does not show."""

from __future__ import annotations

import warnings
from typing import Any, Callable, cast

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral_to_torch import load_into

WINDOW = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "rounding": "down", "layout": "channels_first"}
ONE = torch.randn(1, 3, 16, 16)


def stored(rows: int | None = None, end: Callable[[GraphBuilder, Any], Any] = lambda g, y: y) -> Store:
    g = GraphBuilder()
    x = g.relu(g.conv(g.input(shape=(rows, 3, None, None)), 4, bias=True, name="first"))
    x = g.conv(g.node("max_pool", x, **WINDOW), 4, bias=True, name="second")
    x = g.node("global_average_pool", x, layout="channels_first")
    return cast(Store, g.store(end(g, g.linear(x, 3, features=4, name="head"))))


class Net(nn.Module):
    def __init__(
        self,
        end: Callable[[torch.Tensor], torch.Tensor] = lambda y: y,
        pool: Callable[[torch.Tensor], torch.Tensor] = nn.MaxPool2d(2),
        mean: Callable[[torch.Tensor], torch.Tensor] = lambda x: x.mean((2, 3)),
        names: tuple[str, ...] = ("first", "second", "head"),
    ) -> None:
        super().__init__()
        layers = (nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3))
        for name, layer in zip(names, layers):
            self.add_module(name, layer)
        self.names, self.end, self.pool, self.mean = names, end, pool, mean

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        first, second, head = (getattr(self, name) for name in self.names)
        return self.end(head(self.mean(second(self.pool(first(data).relu())))))


def load(module: nn.Module, store: Store, example: Any = ONE) -> Plan:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_into(module, store, example=example)


@pytest.mark.parametrize("names", [("first", "second", "head"), ("c", "a", "b")])
@pytest.mark.parametrize("rows", [None, 1])
def test_one_row_suffices_for_a_right_module(names: tuple[str, ...], rows: int | None) -> None:
    plan = load(Net(names=names), stored(rows))
    assert plan.grade.proven_by == ("store",) and not plan.notes


@pytest.mark.parametrize("names", [("first", "second", "head"), ("c", "a", "b")])
@pytest.mark.parametrize(
    "end",
    [
        lambda y: y.roll(1, 0),
        lambda y: y.flip(0),
        lambda y: y.cumsum(0),
        lambda y: y * len(y),
        lambda y: y.mean(0, keepdim=True) + 0 * y,
        lambda y: y.reshape(3, -1).t().reshape(-1, 3),
    ],
)
def test_a_module_that_mixes_rows_is_refused_though_the_example_has_one(end: Any, names: tuple[str, ...]) -> None:
    with pytest.raises(MatchError, match=r"agree on a batch of one, and differ by .* on 2 rows|output 0 is"):
        load(Net(end, names=names), stored())


@pytest.mark.parametrize("end", [lambda y: y[0], lambda y: y.reshape(1, -1)])
def test_a_module_for_one_row_that_drops_or_joins_the_others_is_unproven(end: Any) -> None:
    plan = load(Net(end), stored())
    assert not plan.grade.is_proven
    assert "differ in their shapes on 2 rows" in str(plan.grade)


def test_a_module_that_runs_on_one_row_only_is_compared_on_it() -> None:
    plan = load(Net(mean=lambda x: x.mean((2, 3)).view(1, 4)), stored())
    assert plan.grade.is_proven
    assert plan.notes == ("compared on a batch of one: the module cannot be run on 2 rows",)


def test_a_graph_that_mixes_rows_itself_is_compared_on_one() -> None:
    def end(g: GraphBuilder, y: Any) -> Any:
        return g.node("reshape", y, shape=(1, -1), from_end=False)

    assert load(Net(lambda y: y.reshape(1, -1)), stored(end=end)).grade.is_proven


def test_the_batch_of_sequences_may_be_the_second_axis() -> None:
    g = GraphBuilder()
    store = g.store(g.linear(g.input(shape=(7, None, 4)), 3, features=4, flatten=False, name="head"))

    class Rows(nn.Module):
        def __init__(self, end: Callable[[torch.Tensor], torch.Tensor]) -> None:
            super().__init__()
            self.head, self.end = nn.Linear(4, 3), end

        def forward(self, data: torch.Tensor) -> torch.Tensor:
            return self.end(self.head(data))

    example = torch.randn(7, 1, 4)
    assert load(Rows(lambda y: y), store, example).grade.is_proven
    with pytest.raises(MatchError):
        load(Rows(lambda y: y.flip(1)), store, example)


@pytest.mark.parametrize(
    "options",
    [
        {"pool": nn.MaxPool2d(2, ceil_mode=True)},
        {"pool": nn.AdaptiveMaxPool2d(32)},
        {"mean": lambda x: F.avg_pool2d(x, 32).flatten(1)},
        {"pool": lambda x: F.max_pool2d(x[..., :64, :64], 2)},
    ],
)
def test_without_an_example_a_module_that_agrees_at_some_sizes_only_is_unproven(options: dict[str, Any]) -> None:
    assert load(Net(), stored(), None).grade.is_proven
    plan = load(Net(**options), stored(), None)
    assert "agree for some shapes of the inputs, and not for (2, 3, 75, 75)" in str(plan.grade)
    even = torch.randn(2, 3, 64, 64)
    assert load(Net(**options), stored(), even).grade.is_proven
