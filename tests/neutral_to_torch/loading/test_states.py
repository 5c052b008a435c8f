"""Stores whose recurrent layers take their states as inputs, and modules that take them or begin with zeros."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import nn

from graphs import GraphBuilder
from mutants.recurrent import recurrent
from neutral.errors import MatchError
from neutral.graph import Value
from neutral.store import Store
from neutral_to_torch import build, load_into

TIME, INPUTS, HIDDEN = 7, 5, 4


def stored(kind: str, is_stacked: bool = False, is_used: bool = False) -> Store:
    """Return a store with the states as inputs: as the layer takes them, or one by one, and perhaps used elsewhere."""
    g = GraphBuilder(seed=3)
    x = g.input("data", (TIME, None, INPUTS))
    names = ("h0", "c0")[: 2 if kind == "lstm" else 1]
    states = [g.input(name, (None, HIDDEN) if is_stacked else (1, None, HIDDEN)) for name in names]
    given = [g.node("stack", state, axis=0) for state in states] if is_stacked else states
    y = recurrent(g, kind, x, INPUTS, HIDDEN, 1, False, given)
    if is_used:
        y = g.node("add", y, g.node("multiply", states[0], 2.0))
    return cast(Store, g.store(g.linear(y, 3, features=HIDDEN, flatten=False, name="head"), Value("rnn", 1)))


class Net(nn.Module):
    scale = 1.0

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.part = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind](INPUTS, HIDDEN)
        self.last = nn.Linear(HIDDEN, 3)

    def finish(self, y: torch.Tensor, states: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return self.last(y * self.scale), states[0] if isinstance(states, tuple) else states


class WithoutStates(Net):
    def forward(self, sequence: torch.Tensor) -> Any:
        return self.finish(*self.part(sequence))


class WithStates(Net):
    def forward(self, data: torch.Tensor, h0: torch.Tensor, c0: Any = None) -> Any:
        return self.finish(*self.part(data, h0 if c0 is None else (h0, c0)))


class Exchanged(Net):
    def forward(self, data: torch.Tensor, h0: torch.Tensor, c0: torch.Tensor) -> Any:
        return self.finish(*self.part(data, (c0, h0)))


def example(batch: int, kind: str) -> tuple[torch.Tensor, ...]:
    states = [torch.randn(1, batch, HIDDEN) for _ in range(2 if kind == "lstm" else 1)]
    return (torch.randn(TIME, batch, INPUTS), *states)


KINDS = pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
GIVEN = pytest.mark.parametrize("is_given", [True, False])


@KINDS
@GIVEN
def test_a_module_takes_the_states_as_the_store_does(kind: str, is_given: bool) -> None:
    module, store, inputs = WithStates(kind), stored(kind), example(2, kind)
    assert load_into(module, store, example=example(1, kind) if is_given else None, require_proof=True).grade.is_proven
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(*inputs), build(store)(*inputs))


@KINDS
@GIVEN
@pytest.mark.parametrize("is_stacked", [False, True])
def test_a_module_without_states_is_compared_with_zeros(kind: str, is_given: bool, is_stacked: bool) -> None:
    module, store = WithoutStates(kind), stored(kind, is_stacked)
    data = example(1, kind)[0] if is_given else None
    plan = load_into(module, store, example=data, require_proof=True)
    assert any(note.startswith("compared with zeros for the stored inputs h0") for note in plan.notes)
    sequence, zeros = torch.randn(TIME, 2, INPUTS), torch.zeros(*(() if is_stacked else (1,)), 2, HIDDEN)
    with torch.no_grad():
        expected = build(store)(sequence, *(zeros,) * (2 if kind == "lstm" else 1))
        torch.testing.assert_close(module.eval()(sequence), expected)


@KINDS
@GIVEN
def test_another_module_without_states_is_refused(kind: str, is_given: bool) -> None:
    module = WithoutStates(kind)
    module.scale = 1.01
    with pytest.raises(MatchError):
        load_into(module, stored(kind), example=example(1, kind)[0] if is_given else None)


def test_states_that_are_used_elsewhere_are_no_zeros() -> None:
    plan = load_into(WithoutStates("gru"), stored("gru", is_used=True), example=example(1, "gru")[0], strict=False)
    assert not plan.grade.is_proven


@GIVEN
def test_exchanged_states_are_refused(is_given: bool) -> None:
    with pytest.raises(MatchError):
        load_into(Exchanged("lstm"), stored("lstm"), example=example(1, "lstm") if is_given else None)
