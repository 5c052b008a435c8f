"""Modules that pad before a convolution, flatten in another order, or keep masks that the store does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.store import Store
from neutral_to_torch import Plan, build, load_into

SHAPE = (3, 6, 4)


def stored(padding: int = 1) -> Store:
    g = GraphBuilder()
    x = g.conv(g.input(shape=(None, *SHAPE)), 4, padding=padding, bias=True, name="conv0")
    x = g.relu(g.linear(g.relu(x), 7, features=4 * 24, name="dense0"))
    return g.store(g.linear(x, 5, features=7, name="dense1"))


class Net(nn.Module):
    def __init__(
        self,
        order: Callable[[torch.Tensor], torch.Tensor] = lambda y: y,
        pad: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
        padding: int = 1,
        names: tuple[str, str, str] = ("conv0", "dense0", "dense1"),
    ) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, 4, 3, padding=padding), nn.Linear(96, 7), nn.Linear(7, 5)]
        for name, layer in reversed(list(zip(names, layers))):
            self.add_module(name, layer)
        self.names, self.order, self.pad = names, order, pad

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        conv, first, second = (getattr(self, name) for name in self.names)
        y = F.dropout(self.order(torch.relu(conv(self.pad(data)))), 0.5, self.training)
        return second(torch.relu(first(y.flatten(1))))


def assert_equal(module: nn.Module, store: Store, *shape: int) -> None:
    x = torch.from_numpy(np.random.default_rng(3).normal(size=shape).astype(np.float32))
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(x), build(store)(x), rtol=1e-4, atol=1e-5)


MODES = pytest.mark.parametrize(
    ("names", "example"),
    [
        (("conv0", "dense0", "dense1"), torch.randn(2, *SHAPE)),
        (("stem", "neck", "head"), torch.randn(2, *SHAPE)),
        (("stem", "neck", "head"), torch.randn(1, *SHAPE)),
        (("conv0", "dense0", "dense1"), None),
        (("dense", "conv", "other"), None),
    ],
)


@MODES
@pytest.mark.parametrize(
    "order",
    [
        lambda y: y.permute(0, 2, 3, 1),
        lambda y: y.transpose(2, 3),
        lambda y: y.permute(0, 3, 2, 1).contiguous(),
        lambda y: y.transpose(1, 2).reshape(len(y), 6, 4, 4),
    ],
)
def test_columns_are_permuted_as_the_module_flattens(order: Any, names: Any, example: Any) -> None:
    module, store = Net(order, names=names), stored()
    plan = load_into(module, store, example=example)
    assert_equal(module, store, 3, *SHAPE)
    assert any("columns of its weight are permuted" in note for note in plan.notes)
    assert {pair.module: bool(pair.layouts) for pair in plan.pairs} == dict(zip(names, (False, True, False)))


@MODES
@pytest.mark.parametrize(
    "order", [lambda y: y.flip(2), lambda y: y.roll(1, 1), lambda y: y.transpose(0, 1).reshape(y.shape)]
)
def test_other_changes_of_order_are_refused(order: Any, names: Any, example: Any) -> None:
    if example is not None and len(example) == 1 and order(torch.arange(8).reshape(1, 2, 2, 2)).flatten()[1] == 1:
        pytest.skip("a batch of one is not changed")
    with pytest.raises(MatchError):
        load_into(Net(order, names=names), stored(), example=example)


def test_a_plan_file_keeps_the_permutation(tmp_path: Path) -> None:
    store = stored()
    load_into(Net(lambda y: y.transpose(2, 3)), store, example=torch.randn(2, *SHAPE)).save(tmp_path / "plan.toml")
    assert "with columns permuted" in (tmp_path / "plan.toml").read_text()
    module = Net(lambda y: y.transpose(2, 3))
    load_into(module, store, Plan.load(tmp_path / "plan.toml"))
    assert_equal(module, store, 3, *SHAPE)


@MODES
@pytest.mark.parametrize(("pad", "padding"), [(nn.ZeroPad2d(1), 0), (lambda x: F.pad(x, (1, 1, 1, 1)), 0)])
@pytest.mark.parametrize("set_attributes", [False, True])
def test_zeros_before_a_valid_convolution_are_its_padding(
    pad: Any, padding: int, names: Any, example: Any, set_attributes: bool
) -> None:
    module, store = Net(pad=pad, padding=padding, names=names), stored()
    plan = load_into(module, store, example=example, set_attributes=set_attributes)
    assert not plan.differences and any("padded by (1, 1)" in note for note in plan.notes)
    assert_equal(module, store, 3, *SHAPE)


@MODES
@pytest.mark.parametrize(
    ("pad", "padding"),
    [
        (nn.ZeroPad2d((2, 0, 1, 1)), 0),
        (lambda x: F.pad(x, (1, 1, 1, 1), value=1.0), 0),
        (nn.ReflectionPad2d(1), 0),
    ],
)
@pytest.mark.parametrize("set_attributes", [False, True])
def test_other_padding_is_refused(pad: Any, padding: int, names: Any, example: Any, set_attributes: bool) -> None:
    with pytest.raises(MatchError):
        load_into(Net(pad=pad, padding=padding, names=names), stored(), example=example, set_attributes=set_attributes)


def test_padding_of_an_operator_is_not_set() -> None:
    """The convolution would be padded twice."""
    g = GraphBuilder()
    x = g.conv(g.input(shape=(None, 3, 8, 8)), 4, padding=1, bias=True, name="conv0")
    store = g.store(g.relu(g.conv(x, 4, padding=0, bias=True, name="conv1")))

    class Padded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv0, self.conv1 = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.conv1(self.conv0(F.pad(x, (2, 2, 2, 2)))))

    with pytest.raises(MatchError):
        load_into(Padded(), store, example=torch.randn(1, 3, 8, 8), set_attributes=True)


class Masked(nn.Module):
    """Keeps a mask in its state dict, which the store computes."""

    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.register_buffer("mask", mask)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(x)) * self.mask[: x.shape[1]])


def masked() -> Store:
    g = GraphBuilder()
    x = g.node("tanh", g.linear(g.input(shape=(None, 3, 4)), 4, features=4, flatten=False, name="fc0"))
    x = g.node("multiply", x, 2.0)
    return g.store(g.linear(x, 4, features=4, flatten=False, name="fc1"))


@pytest.mark.parametrize("example", [torch.randn(2, 3, 4), None])
def test_a_constant_buffer_keeps_its_value_where_the_store_computes_the_same(example: Any) -> None:
    module, store = Masked(torch.full((5, 1), 2.0)), masked()
    plan = load_into(module, store, example=example)
    assert any("mask: not stored, keeps the value" in note for note in plan.notes)
    assert torch.equal(module.mask, torch.full((5, 1), 2.0))
    assert_equal(module, store, 2, 3, 4)
    with pytest.raises(MatchError):
        load_into(Masked(torch.tensor([[2.0], [2.0], [1.0]])), store, example=example)


def test_whole_numbers_of_a_floating_dtype_fill_an_integer_buffer() -> None:
    class Indexed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("index", torch.zeros(3, dtype=torch.long))

    def indices(*numbers: float) -> Store:
        g = GraphBuilder()
        g.layer("index", "parameter", {"value": np.array(numbers, np.float32)}, {})
        return Store(g.layers, g.tensors, None)

    module = Indexed()
    load_into(module, indices(2, 0, 7))
    assert module.index.tolist() == [2, 0, 7] and module.index.dtype == torch.long
    for numbers in ((0.5, 0, 1), (float("nan"), 0, 1), (1e30, 0, 1)):
        with pytest.raises(MatchError, match="integers cannot hold its values"):
            load_into(Indexed(), indices(*numbers))
