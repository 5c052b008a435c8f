"""Modules of the class that Neutral emits take their own store, without their weights file."""

from __future__ import annotations

import warnings
from typing import Any, Callable, cast

import pytest
import torch
from torch import nn

import networks
from graphs import GraphBuilder
from mutants import convolutional, mixed, sequential
from neutral.errors import MatchError
from neutral.matching.grade import UnprovenWarning
from neutral.store import Store
from neutral_to_torch import load_into, make_plan
from neutral_to_torch.adapters.state import COUNTER
from neutral_to_torch.emission.build import import_source, load
from neutral_to_torch.emission.compose import compose


def permuted() -> Store:
    """Return a store whose layers are used in another order than they are numbered, all of one shape."""
    g = GraphBuilder(seed=5)
    x = g.input("data", (None, 4))
    for number in (2, 0, 1):
        x = g.relu(g.linear(x, 4, features=4, name=f"dense{number}"))
    return cast(Store, g.store(x))


def with_constants() -> Store:
    """Return a store whose model computes constants: positions that are added to its input."""
    g = GraphBuilder()
    positions = g.node("arange", start=0.0, step=1.0, count=6, repeat=1, dtype="float32", name="positions")
    return cast(Store, g.store(g.add(g.linear(g.input("data", (2, 3)), 6, features=3, name="fc"), positions)))


STORES: dict[str, Callable[[], Store]] = {
    "resnet": lambda: networks.resnet((1, 2)),
    "resnet_v2": lambda: networks.resnet_v2((1, 1)),
    "vgg": networks.vgg,
    "densenet": lambda: networks.densenet((2, 2)),
    "inception": lambda: networks.inception(1),
    "transformer": lambda: networks.transformer(1),
    **{item.name: item.store for item in (*convolutional.NETWORKS, *sequential.NETWORKS, *mixed.NETWORKS)},
    "permuted": permuted,
    "constants": with_constants,
}


def fresh(store: Store, device: str = "cpu", change: Callable[[str], str] = str) -> nn.Module:
    """Return an instance of the emitted class with weights of its own."""
    emission = compose(store)
    with torch.device(device):
        module: nn.Module = getattr(import_source(change(emission.source)), emission.class_name)()
    return module.eval()


def state_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.state_dict().items() if not name.endswith(COUNTER)}


@pytest.mark.parametrize(
    ("name", "device"),
    [*((name, ("cpu", "meta")[index % 2]) for index, name in enumerate(STORES)), ("constants", "cpu")],
)
def test_an_emitted_module_takes_its_store(name: str, device: str) -> None:
    store = STORES[name]()
    module = fresh(store, device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnprovenWarning)
        plan = load_into(module, store)
    expected = state_of(load(compose(store), store, None, None))
    assert list(state_of(module)) == list(expected)
    assert all(torch.equal(value, expected[key]) for key, value in state_of(module).items())
    assert plan.pairs and {pair.detail for pair in plan.pairs} == {"emitted source"}
    assert plan.grade.is_proven


def test_an_example_keeps_the_emitters_plan() -> None:
    store = networks.resnet_v2((1, 1))
    plan = make_plan(fresh(store), store, example=torch.randn(2, 3, 32, 32), require_proof=True)
    assert {pair.detail for pair in plan.pairs} == {"emitted source"}


def test_saved_plans_of_emitted_modules_load_again(tmp_path: Any) -> None:
    store = with_constants()
    make_plan(fresh(store), store).save(tmp_path / "plan.toml")
    module = fresh(store)
    assert load_into(module, store, tmp_path / "plan.toml").grade.is_proven


def test_an_emitted_module_that_was_edited_is_matched_like_any_other() -> None:
    store = permuted()

    def swap(source: str) -> str:
        lines = source.splitlines(keepends=True)
        calls = [index for index, line in enumerate(lines) if "=nn.Linear" in line]
        assert len(calls) == 3, source
        one, two = calls[:2]
        lines[one], lines[two] = lines[two], lines[one]
        return "".join(lines)

    edited = fresh(store, change=swap)
    names = {pair.layer: pair.module for pair in make_plan(fresh(store), store).pairs}
    plan = make_plan(edited, store, example=torch.randn(2, 4), require_proof=True)
    assert {pair.layer: pair.module for pair in plan.pairs} != names


def test_a_changed_stride_is_refused() -> None:
    store = networks.mobilenet()
    edited = fresh(store, change=lambda source: source.replace("stride=2", "stride=1", 1))
    with pytest.raises(MatchError, match="stride"):
        make_plan(edited, store)


def test_a_module_that_draws_random_numbers_takes_its_own_store_unproven() -> None:
    g = GraphBuilder()
    x = g.linear(g.input("data", (2, 3)), 6, features=3, name="fc")
    noise = g.node("random_normal", 0.0, 1.0, x, shape=None, place="whole", dtype=None, name="noise")
    store = g.store(g.add(x, noise))
    emission = compose(store)
    module = getattr(import_source(emission.source), emission.class_name)()
    with pytest.warns(UnprovenWarning, match="draws random numbers"):
        plan = load_into(module, store)
    assert plan.grade.reasons == (
        "the stored graph draws random numbers (noise (random_normal)), which no two runs have in common",
    )
    assert torch.equal(module.fc.weight, load(emission, store, None, None).fc.weight)
