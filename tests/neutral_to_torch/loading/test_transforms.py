"""Modules that call their layers and functions through transforms of torch.func: traced, and compared by running."""

from __future__ import annotations

from typing import Any, Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graphs import GraphBuilder
from mutants.sequential import flat
from neutral.errors import MatchError
from neutral.store import Store
from neutral_to_torch import build, load_into

Forward = Callable[[Any, torch.Tensor], Any]


def stored() -> Store:
    g = GraphBuilder(seed=2)
    return g.store(flat(g, g.relu(flat(g, g.input(shape=(None, 4)), 4, 4, "first")), 4, 4, "second"))


class Two(nn.Module):
    """Two layers of one shape, registered in the other order, with a forward of the test."""

    def __init__(self, forward: Forward, names: tuple[str, str]) -> None:
        super().__init__()
        self.add_module(names[1], nn.Linear(4, 4))
        self.add_module(names[0], nn.Linear(4, 4))
        self.names, self.written = names, forward

    @property
    def layers(self) -> tuple[nn.Linear, nn.Linear]:
        one, two = (getattr(self, name) for name in self.names)
        return one, two

    def forward(self, data: torch.Tensor) -> Any:
        return self.written(self, data)


def both(m: Any, row: torch.Tensor) -> torch.Tensor:
    one, two = m.layers
    result: torch.Tensor = two(one(row).relu())
    return result


def called(layer: nn.Module, row: torch.Tensor) -> Any:
    return torch.func.functional_call(layer, dict(layer.named_parameters()), (row,))


RIGHT: dict[str, Forward] = {
    "a layer": lambda m, x: m.layers[1](torch.vmap(m.layers[0])(x).relu()),
    "both layers": lambda m, x: torch.vmap(lambda row: both(m, row))(x),
    "a function": lambda m, x: torch.vmap(lambda row: F.linear(row, m.layers[1].weight, m.layers[1].bias))(
        m.layers[0](x).relu()
    ),
    "a product": lambda m, x: torch.vmap(lambda row: m.layers[1].weight @ row + m.layers[1].bias)(
        m.layers[0](x).relu()
    ),
    "a functional call": lambda m, x: torch.vmap(lambda row: called(m.layers[1], row))(m.layers[0](x).relu()),
    "nested": lambda m, x: torch.vmap(torch.vmap(lambda row: both(m, row)))(x[None])[0],
    "the value of a derivative": lambda m, x: torch.func.jvp(lambda value: both(m, value), (x,), (x,))[0],
}
WRONG: dict[str, Forward] = {
    "another activation": lambda m, x: torch.vmap(lambda row: m.layers[1](m.layers[0](row).tanh()))(x),
    "a softmax": lambda m, x: torch.vmap(lambda row: both(m, row).softmax(0))(x),
    "scaled inside": lambda m, x: torch.vmap(lambda row: both(m, row * 1.01))(x),
    "scaled outside": lambda m, x: torch.vmap(lambda row: both(m, row))(x) * 1.001,
    "dropout": lambda m, x: torch.vmap(lambda row: both(m, F.dropout(row, 0.1, True)), randomness="different")(x),
    "the derivative": lambda m, x: torch.func.jvp(lambda value: both(m, value), (x,), (x,))[1],
    "the gradient": lambda m, x: torch.func.grad(lambda value: both(m, value).sum())(x),
    "once": lambda m, x: torch.vmap(lambda row: m.layers[1](m.layers[1](row).relu()))(x),
}
NAMES = {"equal": ("first", "second"), "other": ("b", "a")}
EXAMPLES = {"example": torch.zeros(2, 4), "none": None}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_module_is_proven(name: str, example: str, names: str) -> None:
    store, module = stored(), Two(RIGHT[name], NAMES[names])
    load_into(module, store, example=EXAMPLES[example], require_proof=True)
    data = torch.randn(3, 4)
    with torch.no_grad():
        torch.testing.assert_close(module(data), build(store)(data))


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("name", WRONG)
def test_another_function_is_refused(name: str, example: str, names: str) -> None:
    with pytest.raises(MatchError):
        load_into(Two(WRONG[name], NAMES[names]), stored(), example=EXAMPLES[example])


def test_rows_that_are_returned_as_columns_are_unproven() -> None:
    module = Two(lambda m, x: torch.vmap(lambda row: both(m, row), out_dims=1)(x), NAMES["equal"])
    with pytest.raises(MatchError, match="another order"):
        load_into(module, stored(), require_proof=True)
