"""Recurrent layers of one side that are cells in a loop on the other: the proof decides, or the load is refused."""

from __future__ import annotations

from typing import Any, Iterable

import pytest
import torch
from torch import nn

from graphs import GraphBuilder
from mutants.recurrent import recurrent, times_first
from mutants.sequential import flat
from neutral.errors import MatchError
from neutral.graph import Value
from neutral.store import Store
from neutral_to_torch import build, load_into

CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}
LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def whole(kind: str, layers: int = 1, both: bool = False) -> Store:
    """Return a store of one recurrent layer and a linear one."""
    g = GraphBuilder(seed=3)
    x = times_first(g, g.input(shape=(None, 4, 5)))
    x = times_first(g, recurrent(g, kind, x, 5, 6, layers, both))
    return g.store(flat(g, x, 3, 12 if both else 6, "head"))


def unrolled() -> Store:
    """Return a store of a GRU cell that is used four times, and a linear layer."""
    g = GraphBuilder(seed=4)
    x = g.input(shape=(2, 4, 5))
    shapes = {"weight_ih": (18, 5), "weight_hh": (18, 6), "bias_ih": (18,), "bias_hh": (18,)}
    g.layer("cell", "gru_cell", {role: g.values(*shape) for role, shape in shapes.items()}, {"hidden_size": 6})
    states: list[Value] = []
    for step in range(4):
        row = g.node("slice", x, axes=(1,), starts=(step,), ends=(step + 1,), steps=(1,))
        row = g.node("squeeze", row, axes=(1,), at_least_1d=False)
        states.append(g.node("gru_cell", row, *states[-1:], name=f"cell{step}", layer="cell", hidden_size=6))
    return g.store(flat(g, g.node("stack", *states, axis=1), 3, 6, "head"))


class Loop(nn.Module):
    """Cells in a loop, one after the other at each step."""

    def __init__(self, kind: str, layers: int = 1, order: int = 1) -> None:
        super().__init__()
        self.last = nn.Linear(6, 3)
        self.cells = nn.ModuleList(CELLS[kind](5 if index == 0 else 6, 6) for index in range(layers))
        self.order = order

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        outputs: list[torch.Tensor] = []
        states: list[Any] = [None] * len(self.cells)
        for row in data.unbind(1)[:: self.order]:
            for index, cell in enumerate(self.cells):
                states[index] = cell(row, states[index])
                row = states[index][0] if isinstance(states[index], tuple) else states[index]
            outputs.append(row)
        result: torch.Tensor = self.last(torch.stack(outputs, 1))
        return result


class Fused(nn.Module):
    def __init__(self, forward: Any = lambda x: x) -> None:
        super().__init__()
        self.rnn, self.last = nn.GRU(5, 6, batch_first=True), nn.Linear(6, 3)
        self.change = forward

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.last(self.change(self.rnn(data)[0]))
        return result


EXAMPLES = (torch.zeros(2, 4, 5), None)


def assert_equal(module: nn.Module, store: Store) -> None:
    data = torch.randn(2, 4, 5)
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(data), build(store)(data))


@pytest.mark.parametrize("example", EXAMPLES, ids=["example", "none"])
@pytest.mark.parametrize(("kind", "layers"), [("lstm", 1), ("gru", 1), ("rnn", 1), ("lstm", 2)])
def test_cells_in_a_loop_take_a_whole_layer(kind: str, layers: int, example: Any) -> None:
    store, module = whole(kind, layers), Loop(kind, layers)
    plan = load_into(module, store, example=example, require_proof=True)
    assert any("cells in a loop" in note for note in plan.notes)
    assert_equal(module, store)


def test_a_whole_layer_takes_cells_in_a_loop() -> None:
    store, module = unrolled(), Fused()
    load_into(module, store, example=torch.zeros(2, 4, 5), require_proof=True)
    assert_equal(module, store)


def changed() -> Iterable[Any]:
    yield pytest.param(Loop("gru", order=2), whole("gru"), id="every second step")
    yield pytest.param(Loop("lstm"), whole("gru"), id="another kind")
    yield pytest.param(Loop("rnn", 2), whole("rnn"), id="a cell too many")
    yield pytest.param(Loop("rnn"), whole("rnn", both=True), id="one direction")
    yield pytest.param(Fused(torch.relu), unrolled(), id="rectified")


@pytest.mark.parametrize("example", EXAMPLES, ids=["example", "none"])
@pytest.mark.parametrize(("module", "store"), list(changed()))
def test_another_loop_is_refused(module: nn.Module, store: Store, example: Any) -> None:
    with pytest.raises(MatchError, match=r"not filled|not used|differs|has shape"):
        load_into(module, store, example=example)
