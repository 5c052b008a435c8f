"""Writes in place, through views and through detached tensors: recorded, and compared as what they are."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.graph import Value
from neutral.store import Store
from neutral_to_torch import build, load_into
from neutral_to_torch.trace import trace

EXAMPLE = torch.from_numpy(np.random.default_rng(2).normal(size=(4, 6)).astype(np.float32))


def stored(scale: float | None = None) -> Store:
    g = GraphBuilder()
    x = g.linear(g.input(shape=(None, 6)), 6, features=6, name="fc0")
    x = x if scale is None else g.node("multiply", x, scale)
    return g.store(g.linear(g.relu(x), 6, features=6, name="fc1"))


class Net(nn.Module):
    """Two layers, and something done to what is between."""

    def __init__(self, between: Callable[[torch.Tensor], Any], names: tuple[str, str] = ("fc0", "fc1")) -> None:
        super().__init__()
        self.add_module(names[0], nn.Linear(6, 6))
        self.add_module(names[1], nn.Linear(6, 6))
        self.names, self.between = names, between

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        y = getattr(self, self.names[0])(data)
        result = self.between(y)
        return getattr(self, self.names[1])(F.relu(y if result is None else result))


def nothing(y: torch.Tensor) -> None: ...


def through_data(y: torch.Tensor) -> None:
    y.data.mul_(2)


def through_detached(y: torch.Tensor) -> None:
    y.detach().mul_(2)


def through_view(y: torch.Tensor) -> None:
    y.view(-1).mul_(2)


def through_transposed(y: torch.Tensor) -> None:
    y.T.mul_(2)


def through_halves(y: torch.Tensor) -> None:
    for half in y.chunk(2, dim=1):
        half.mul_(2)


def through_two_aliases(y: torch.Tensor) -> torch.Tensor:
    alias = y.detach()[:]
    y.mul_(2)
    return alias


def to_out(y: torch.Tensor) -> torch.Tensor:
    other = torch.empty_like(y)
    torch.mul(y, 2, out=other)
    return other


def to_itself(y: torch.Tensor) -> None:
    torch.add(y, y, out=y)


def by_swapping(y: torch.Tensor) -> None:
    y.data = y.data * 2


DOUBLINGS = [
    through_data, through_detached, through_view, through_transposed, through_halves, through_two_aliases, to_out,
    to_itself, by_swapping,
]  # fmt: skip


@pytest.mark.parametrize("between", DOUBLINGS)
@pytest.mark.parametrize("names", [("fc0", "fc1"), ("b", "a")])
@pytest.mark.parametrize("example", [EXAMPLE, None], ids=["example", "no example"])
def test_a_write_is_seen(between: Any, names: Any, example: Any) -> None:
    with pytest.raises(MatchError):
        load_into(Net(between, names), stored(), example=example)


@pytest.mark.parametrize("between", DOUBLINGS[:-1])
def test_a_write_that_the_store_has_too_is_equal(between: Any) -> None:
    module, store = Net(between), stored(2.0)
    load_into(module, store, example=EXAMPLE)
    with torch.no_grad():
        torch.testing.assert_close(module(EXAMPLE), build(store)(EXAMPLE))


def zero_column(y: torch.Tensor) -> None:
    y[:, 3] = 0


def masked(y: torch.Tensor) -> None:
    y.data[y > 1] = 0


def filled_part(y: torch.Tensor) -> None:
    y.detach().view(-1)[7:9].zero_()


def copied(y: torch.Tensor) -> None:
    y[1:].copy_(y[:-1].clone())


@pytest.mark.parametrize("between", [zero_column, masked, filled_part, copied])
@pytest.mark.parametrize("names", [("fc0", "fc1"), ("b", "a")])
@pytest.mark.parametrize("example", [EXAMPLE, None], ids=["example", "no example"])
def test_a_write_into_a_part_is_seen(between: Any, names: Any, example: Any) -> None:
    with pytest.raises(MatchError):
        load_into(Net(between, names), stored(), example=example)


def in_another_part(y: torch.Tensor) -> torch.Tensor:
    """Writes to the copy do not change the original."""
    other = y.clone()
    other[:, 0] = 0
    return y


def back_and_forth(y: torch.Tensor) -> None:
    y.data.mul_(2)
    y.mul_(0.5)


@pytest.mark.parametrize("between", [nothing, in_another_part, back_and_forth])
def test_a_write_without_effect_is_none(between: Any) -> None:
    module, store = Net(between), stored()
    load_into(module, store, example=EXAMPLE)
    with torch.no_grad():
        torch.testing.assert_close(module(EXAMPLE), build(store)(EXAMPLE))


def test_a_weight_that_is_written_is_no_weight() -> None:
    class Scaled(Net):
        def forward(self, data: torch.Tensor) -> torch.Tensor:
            weight = self.fc1.weight.data
            y = F.relu(self.fc0(data))
            weight.mul_(2)
            result = F.linear(y, self.fc1.weight, self.fc1.bias)
            weight.mul_(0.5)
            return result

    module = Scaled(nothing)
    before = module.fc1.weight.clone()
    with pytest.raises(MatchError):
        load_into(module, stored(), example=EXAMPLE)
    assert torch.equal(module.fc1.weight, before)


def evaluate(module: nn.Module, *args: torch.Tensor) -> torch.Tensor:
    """Compute the output from the record alone."""
    record = trace(module, args, {}).record
    values = {Value(item.name): value for item, value in zip(record.graph.inputs, args)}
    for node in record.graph.nodes:
        if node.kind == "constant":
            values[Value(node.name)] = record.examples[node.name]
        else:
            for index, output in enumerate(record.calls[node.name].run(values)):
                values[Value(node.name, index)] = output
    return values[record.graph.outputs[0]]


STEPS: list[Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = [
    lambda a, b: a.data,
    lambda a, b: a[1:],
    lambda a, b: a.T,
    lambda a, b: a[:, ::2],
    lambda a, b: a.mul_(1.5),
    lambda a, b: a.copy_(b.reshape(-1)[0] + a * 2),
    lambda a, b: a.detach().add_(b.sum() * 0.1),
    lambda a, b: a + 0,
]


@pytest.mark.parametrize("seed", range(30))
def test_any_sequence_of_writes_is_recorded(seed: int) -> None:
    """The record, run again on other numbers, gives what the module gives."""
    random = np.random.default_rng(seed)
    steps = [tuple(random.integers(0, 8, 3)) for _ in range(8)]

    class Writes(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tensors = [x.clone(), x + 1]
            for step, first, second in steps:
                a, b = tensors[first % len(tensors)], tensors[second % len(tensors)]
                tensors.append(STEPS[step](a, b))
            return torch.cat([tensor.reshape(-1) for tensor in tensors])

    x = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(evaluate(Writes(), x), Writes()(x))
