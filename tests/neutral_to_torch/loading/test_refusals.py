"""Refusals: short whatever the network, in order of execution, complete in the error, and without an effect."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.store import Store
from neutral_to_torch import load_into, make_plan


def deep(count: int, width: int = 4) -> Store:
    g = GraphBuilder()
    x = g.input(shape=(None, width))
    for index in range(count):
        x = g.relu(g.linear(x, width, features=width, name=f"stage{index}_dense"))
    return g.store(x)


class Deep(nn.Module):
    def __init__(self, count: int, width: int = 4, prefix: str = "stage") -> None:
        super().__init__()
        self.names = [f"{prefix}{index}_dense" for index in range(count)]
        for name in reversed(self.names):
            self.add_module(name, nn.Linear(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in self.names:
            x = getattr(self, name)(x).relu()
        return x


def refusal(module: nn.Module, store: Store, **options: Any) -> MatchError:
    with pytest.raises(MatchError) as caught:
        load_into(module, store, **options)
    return caught.value


@pytest.mark.parametrize("example", [torch.randn(2, 8), None])
def test_a_refusal_is_short_and_the_error_has_the_rest(example: torch.Tensor | None) -> None:
    error = refusal(Deep(60, 8, "layer.block.with.a.long.name".replace(".", "_")), deep(60), example=example)
    lines = str(error).splitlines()
    assert len(lines) <= 12 and len(str(error)) < 2500
    counts = "0 of 60 stored layers matched, 60 not used, 120 tensors of the module not filled"
    assert f"  In all: {counts}" in lines
    assert len(error.problems) >= 1 and any("stage59_dense" in problem for problem in error.problems)


def test_problems_come_in_order_of_execution() -> None:
    module = Deep(8)
    for index in (6, 2, 4, 5):
        setattr(module, f"stage{index}_dense", nn.Linear(4, 4, bias=False))
    store = deep(8)
    lines = str(refusal(module, store, example=torch.randn(2, 4))).splitlines()
    shown = [line.split()[3] for line in lines if line.startswith("  - stored layer")]
    assert shown == sorted(shown) and shown[0] == "stage2_dense"


def test_attributes_that_change_results_are_refused_together() -> None:
    g = GraphBuilder()
    x = g.input(shape=(None, 3, 8, 8))
    for index in range(5):
        x = g.bn(x, name=f"bn{index}", eps=1e-3)
    module, store = nn.Sequential(*(nn.BatchNorm2d(3) for _ in range(5))), g.store(x)
    error = refusal(module, store)
    text = "0, 1, 2 and 2 more: eps is 0.001 in the store and 1e-05 in the module: changes the results"
    assert f"  - {text}" in str(error).splitlines()
    assert "set_attributes (--set-attributes)" in str(error) and "--allow-attributes" in str(error)
    assert load_into(module, store, set_attributes=True, require_proof=True).grade.is_proven
    other = nn.Sequential(*(nn.BatchNorm2d(3) for _ in range(5)))
    refusal(other, store, allow_attributes=["bn[0-3].eps", "stride"])
    with pytest.warns(UserWarning, match="changes the results"):
        plan = load_into(other, store, allow_attributes=["bn[0-3].eps", "4.eps"])
    assert not plan.grade.is_proven
    with pytest.warns(UserWarning, match="changes the results"):
        load_into(nn.Sequential(*(nn.BatchNorm2d(3) for _ in range(5))), store, plan)  # a plan keeps its allowances


@pytest.mark.parametrize(
    "change", [parametrizations.weight_norm, parametrizations.spectral_norm, nn.utils.spectral_norm]
)
def test_a_reparametrized_weight_is_to_be_removed_first(change: Any) -> None:
    module = Deep(3)
    change(module.stage1_dense)
    text = str(refusal(module, deep(3), example=torch.randn(2, 4)))
    assert "remove" in text and "stage1_dense" in text and len(text.splitlines()) <= 12


def test_a_layer_of_an_output_that_the_module_lacks_is_not_called_unused() -> None:
    g = GraphBuilder()
    x = g.input(shape=(None, 4))
    first = g.linear(x, 4, features=4, name="first")
    store = g.store(g.linear(first, 4, features=4, name="one"), g.linear(g.relu(first), 5, features=4, name="two"))
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    error = refusal(module, store, example=torch.randn(2, 4))
    assert not any("no output of the stored graph depends on it" in problem for problem in error.problems)


class Restless(nn.Module):
    """A module whose forward changes everything that a forward can change."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4, max_norm=0.1)
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 6)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.calls: list[int] = []
        self.hooked = 0
        self.first.register_forward_hook(self._note)

    def _note(self, *_: Any) -> None:
        self.hooked += 1

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        self.count += 1
        self.calls = [*self.calls, len(data)]
        x = self.norm.train()(self.embed(data.long()).float())
        random.random(), np.random.rand(), torch.rand(1)
        return self.second(self.first(self.drop.train()(x)).relu())


def restless_store() -> Store:
    g = GraphBuilder()
    x = g.input(shape=(None,))
    x = g.node("embedding", x, name="embed", arrays={"weight": g.values(10, 4)}, num_embeddings=10, embedding_dim=4)
    g.channels[x] = 4
    x = g.linear(g.bn(x, name="norm"), 4, features=4, name="first")
    return g.store(g.linear(g.relu(x), 5, features=4, name="second"))  # the module has 6


@pytest.mark.parametrize("example", [torch.arange(5), None])
@pytest.mark.parametrize("strict", [True, False])
def test_after_a_refusal_the_module_and_all_generators_are_as_before(example: Any, strict: bool) -> None:
    module = Restless()
    module.norm.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    modes = [child.training for child in module.modules()]
    hooks = [len(child._forward_hooks) for child in module.modules()]
    states = torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    parameters = [(name, id(value), value.requires_grad) for name, value in module.named_parameters()]
    if strict:
        refusal(module, restless_store(), example=example)
    else:
        make_plan(module, restless_store(), example=example, strict=False)
    after = module.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert [child.training for child in module.modules()] == modes
    assert [len(child._forward_hooks) for child in module.modules()] == hooks
    assert module.calls == [] and module.hooked == 0 and int(module.count) == 0
    assert torch.equal(torch.random.get_rng_state(), states[0]) and random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]
    assert [(name, id(value), value.requires_grad) for name, value in module.named_parameters()] == parameters


@pytest.mark.parametrize("example", [torch.randn(1, 3, 8, 8), None])
@pytest.mark.parametrize(
    ("kind", "attributes", "norm"),
    [
        ("instance_norm", {"eps": 1e-5}, lambda: nn.InstanceNorm2d(4)),
        ("group_norm", {"eps": 1e-5, "groups": 2}, lambda: nn.GroupNorm(2, 4, affine=False)),
        ("layer_norm", {"eps": 1e-5, "axis": -1}, lambda: nn.LayerNorm(4, elementwise_affine=False)),
    ],
)
def test_a_norm_without_weights_takes_no_stored_ones(kind: str, attributes: Any, norm: Any, example: Any) -> None:
    g = GraphBuilder()
    x = g.conv(g.input(shape=(None, 3, 8, 4)), 4, padding=1, bias=True, name="conv")
    x = g.node(kind, x, name="norm", arrays={"weight": g.values(4), "bias": g.values(4)}, **attributes)
    module = nn.Sequential()
    module.add_module("conv", nn.Conv2d(3, 4, 3, padding=1))
    module.add_module("norm", norm())
    with pytest.raises(MatchError, match="stored norm"):
        load_into(module, g.store(x), example=None if example is None else example[..., :4])
