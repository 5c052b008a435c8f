"""Grades of plans: loaded copies of modules run against the stored graph on drawn inputs."""

from __future__ import annotations

import logging
import sys
from typing import Any, cast

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graphs import GraphBuilder
from neutral.errors import MatchError, UsageError
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.matching.grade import UnprovenWarning
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral.tensor import from_numpy
from neutral_to_torch import load_into, make_plan
from neutral_to_torch.emission.build import import_source
from neutral_to_torch.emission.compose import compose
from neutral_to_torch.loading import proof_cost, proof_run


def two_layers(outputs: tuple[str, ...] = ("second",)) -> Store:
    """Return a store of a linear layer, a rectifier and another linear layer."""
    torch.manual_seed(0)
    values = {name: torch.randn(4, 4) for name in ("first.weight", "second.weight")}
    values.update({name: torch.randn(4) for name in ("first.bias", "second.bias")})
    layers = {
        name: Layer(
            name, "linear", {"out_features": 4, "flatten": False}, {"weight": f"{name}.weight", "bias": f"{name}.bias"}
        )
        for name in ("first", "second")
    }
    nodes = (
        Node("first", "linear", (Value("data"),), {"out_features": 4, "flatten": False}, layer="first"),
        Node("act", "relu", (Value("first"),), {}),
        Node("second", "linear", (Value("act"),), {"out_features": 4, "flatten": False}, layer="second"),
    )
    graph = Graph((Input("data", (None, 4)),), nodes, tuple(Value(name) for name in outputs))
    return Store(layers, {name: from_numpy(value.numpy()) for name, value in values.items()}, graph)


class Two(nn.Module):
    """The network of the store, whose forward a test may replace."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, data: torch.Tensor) -> Any:
        return self.second(self.first(data).relu())


class ScaledInput(Two):
    def forward(self, data: torch.Tensor) -> Any:
        return super().forward(data / 255)


class Softmax(Two):
    def forward(self, data: torch.Tensor) -> Any:
        return super().forward(data).softmax(-1)


class Negative(Two):
    def forward(self, data: torch.Tensor) -> Any:
        return -super().forward(data)


class Residual(Two):
    def forward(self, data: torch.Tensor) -> Any:
        return super().forward(data) + data


class Clamped(Two):
    def forward(self, data: torch.Tensor) -> Any:
        return super().forward(data.clamp(-1, 1))


class Both(Two):
    def forward(self, data: torch.Tensor) -> Any:
        first = self.first(data)
        return first, self.second(first.relu())


class Exchanged(Both):
    def forward(self, data: torch.Tensor) -> Any:
        first, second = super().forward(data)
        return second, first


@pytest.mark.parametrize("example", [None, torch.randn(3, 4), torch.zeros(1, 4)])
def test_a_right_module_is_proven_by_the_stores_meaning(example: Any) -> None:
    plan = load_into(Two(), two_layers(), example=example, require_proof=True)
    assert str(plan.grade) == "proven by the store's meaning"
    assert Plan.from_dict(plan.to_dict()).grade == plan.grade


@pytest.mark.parametrize("kind", [ScaledInput, Softmax, Negative, Residual, Clamped])
@pytest.mark.parametrize("example", [None, torch.zeros(1, 4), torch.ones(1, 4)])
def test_a_changed_module_is_refused_whatever_the_example(kind: type[Two], example: Any) -> None:
    module = kind()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(MatchError):
        load_into(module, two_layers(), example=example)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_saved_plan_with_exchanged_lines_is_refused() -> None:
    plan = make_plan(Two(), two_layers())
    mapping = {"first": "second", "second": "first"}
    assert plan.grade.is_proven
    with pytest.raises(MatchError, match="the first layer that differs is second, loaded into first"):
        load_into(Two(), two_layers(), Plan.from_dict(make_plan(Two(), two_layers(), mapping, strict=False).to_dict()))


def test_outputs_in_another_order_are_refused_unless_allowed() -> None:
    store = two_layers(("first", "second"))
    assert load_into(Both(), store).grade.is_proven
    with pytest.raises(MatchError):
        load_into(Exchanged(), store)
    module = Exchanged()
    plan = load_into(module, store, allow_output_order=True)
    assert plan.grade.is_proven
    assert any("outputs in another order" in note for note in plan.notes)


def test_without_a_graph_the_plan_is_unproven() -> None:
    store = two_layers()
    bare = Store(store.layers, store.tensors, None)
    with pytest.warns(UnprovenWarning, match="the store has no graph"):
        load_into(Two(), bare)
    module = Two()
    before = module.first.weight.detach().clone()
    with pytest.raises(MatchError, match="unproven"):
        load_into(module, bare, require_proof=True)
    assert torch.equal(module.first.weight, before)


def test_a_run_leaves_the_module_and_the_random_generator_as_they_were() -> None:
    class Trains(Two):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(4)
            self.runs = 0

        def forward(self, data: torch.Tensor) -> Any:
            self.runs += 1
            self.norm.train()(torch.rand(3, 4))
            return super().forward(data)

    module, store = Trains().train(), two_layers()
    state = torch.random.get_rng_state()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    make_plan(module, store, strict=False)
    assert module.runs == 0 and module.norm.training and torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_run_that_would_cost_too_much_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cost follows from the shapes: nothing is computed."""
    for name, limit, reason in (("MOST_OPERATIONS", 100, "billion operations"), ("MOST_BYTES", 100, "GB of values")):
        with monkeypatch.context() as patch:
            patch.setattr(proof_cost, name, limit)
            patch.setattr(proof_cost, "FEW_PRODUCTS", 0)
            patch.setattr(proof_run, "_run_module", None)
            assert reason in str(make_plan(Two(), two_layers()).grade)


def test_where_the_cost_is_unknown_the_inputs_are_small() -> None:
    def run(inputs: Any) -> Any:
        return inputs[0][: int(inputs[0].sum())]

    proof_cost.require_affordable(run, [torch.ones(4)])
    with pytest.raises(proof_cost.UnprovenError, match="the cost of a run on 4,000,000 numbers is unknown"):
        proof_cost.require_affordable(run, [torch.ones(4_000_000)])


def test_the_size_of_images_follows_from_the_layers_after_them() -> None:
    """The graph flattens before a linear layer, so that it runs with images of one size only."""
    g = GraphBuilder()
    x = g.relu(g.conv(g.input("data", (None, 3, None, None)), 4, 3, name="conv"))
    store = g.store(g.linear(g.node("flatten", x, name="flat"), 5, features=4 * 9 * 9, name="fc"))
    names = {"0": "conv", "3": "fc"}
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(324, 5))
    plan = make_plan(module, store, {stored: name for name, stored in names.items()})
    assert plan.grade.proven_by == ("store",)


def test_a_vector_is_drawn_for_a_linear_layer_that_flattens_its_input() -> None:
    g = GraphBuilder()
    store = g.store(g.linear(g.input("data", None), 5, features=6, name="fc"))
    module = nn.Sequential(nn.Flatten(), nn.Linear(6, 5))
    assert make_plan(module, store, {"fc": "1"}).grade.proven_by == ("store",)


def test_the_proof_of_a_small_network_imports_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch._dynamo", "torch.utils.flop_counter"):
        monkeypatch.setitem(sys.modules, name, None)  # an import fails, and the plan is unproven
    assert make_plan(Two(), two_layers()).grade.proven_by == ("store",)


def test_a_run_without_measurement_stops_at_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_cost, "MOST_BYTES", 100)
    monkeypatch.setattr(proof_run, "_run_module", None)
    assert "GB of values" in str(make_plan(Two(), two_layers()).grade)


def test_measuring_writes_no_log(caplog: pytest.LogCaptureFixture) -> None:
    def run(inputs: Any) -> Any:
        return inputs[0] @ torch.ones(3, 3)

    proof_cost.require_affordable(run, [torch.ones(4, 4)])
    assert not caplog.records and not logging.getLogger("torch._subclasses.fake_tensor").disabled


def test_patterns_of_a_mapping_are_matches() -> None:
    class Renamed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part_first, self.part_second = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, data: torch.Tensor) -> Any:
            return self.part_second(self.part_first(data).relu())

    plan = make_plan(Renamed(), two_layers(), {"(first|second)": "part_$1"})
    assert [(pair.layer, pair.module) for pair in plan.pairs] == [("first", "part_first"), ("second", "part_second")]
    with pytest.raises(UsageError, match=r"the mapping names '\(third\)'"):
        make_plan(Renamed(), two_layers(), {"(third)": "part_$1"})


class Branches(nn.ModuleDict):
    """Two equal branches and two equal heads, under names of no help."""

    def __init__(self) -> None:
        super().__init__({name: nn.Linear(4, 4) for name in "bcdef"})

    def forward(self, data: torch.Tensor) -> Any:
        x = self["d"](data).relu()
        x = self["c"](x).relu() + self["f"](x).relu()
        return self.heads(x)

    def heads(self, x: torch.Tensor) -> Any:
        return self["b"](x), self["e"](x)


def branches() -> Store:
    g = GraphBuilder(seed=2)
    x = g.relu(g.linear(g.input("data", (None, 4)), 4, features=4, name="stem"))
    x = g.add(*(g.relu(g.linear(x, 4, features=4, name=name)) for name in ("left", "right")))
    return cast(Store, g.store(*(g.linear(x, 4, features=4, name=name) for name in ("boxes", "scores"))))


def test_symmetric_branches_and_heads_are_decided_by_the_stores_values() -> None:
    plan = make_plan(Branches(), branches(), example=torch.zeros(2, 4), require_proof=True)
    assert {pair.layer: pair.module for pair in plan.pairs if pair.layer in ("boxes", "scores", "stem")} == {
        "stem": "d",
        "boxes": "b",
        "scores": "e",
    }
    assert {pair.module for pair in plan.pairs if pair.layer in ("left", "right")} == {"c", "f"}


def test_symmetric_branches_with_another_sum_stay_refused() -> None:
    class Difference(Branches):
        def heads(self, x: torch.Tensor) -> Any:
            return self["b"](x), self["e"](x) * 1.001

    with pytest.raises(MatchError):
        make_plan(Difference(), branches(), example=torch.zeros(2, 4))


class WideClamp(Two):
    def forward(self, data: torch.Tensor) -> Any:
        return super().forward(data.clamp(-255, 255))


class Saturating(Two):
    def forward(self, data: torch.Tensor) -> Any:
        return super().forward(data if data.abs().max() < 200 else data / 2)


@pytest.mark.parametrize("changed", [WideClamp, Saturating])
def test_bounds_beyond_the_values_of_images_are_noticed(changed: type[nn.Module]) -> None:
    with pytest.raises(MatchError):
        make_plan(changed(), two_layers(), example=torch.zeros(2, 4))


class Cast(Two):
    """Computes a part in single precision whatever its weights are, as norms in half precision do."""

    factor = 1.0

    def forward(self, data: torch.Tensor) -> Any:
        x = self.first(data).float().relu() * self.factor
        weight = self.second.weight
        return F.linear(x.to(torch.float32), weight, self.second.bias)


class CastAndScaled(Cast):
    factor = 1.0005


@pytest.mark.parametrize("example", [torch.zeros(1, 4), None])
def test_a_module_that_needs_single_precision_is_run_in_it(example: Any) -> None:
    plan = load_into(Cast(), two_layers(), example=example, require_proof=True)
    assert plan.grade.proven_by == ("store",)
    with pytest.raises(MatchError, match=r"differs by|multiply"):
        load_into(CastAndScaled(), two_layers(), example=example)


@pytest.mark.parametrize("low", [3.0, 8.0])
def test_a_difference_above_a_few_units_is_noticed_where_the_network_saturates(low: float) -> None:
    g = GraphBuilder(seed=1)
    x = g.node("tanh", g.linear(g.input("data", (None, 4)), 4, features=4, name="first"))
    store = g.store(g.linear(x, 4, features=4, name="second"))

    class Step(Two):
        step = 0.5

        def forward(self, data: torch.Tensor) -> Any:
            return self.second(torch.tanh(self.first(data + (data > low) * self.step)))

    with pytest.raises(MatchError):
        load_into(Step(), store, example=torch.zeros(2, 4))
    module = Step()
    module.step = 0.0
    assert load_into(module, store, example=torch.zeros(2, 4)).grade.is_proven


class Scaled(nn.Module):
    """A layer and a bare parameter, with which its output is multiplied."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.scale = nn.Conv2d(3, 4, 3, padding=1), nn.Parameter(torch.ones(1, 4, 1, 1))

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.conv(data) * self.scale
        return result


class ScaledTwice(Scaled):
    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return super().forward(data) * self.scale


def test_modules_with_bare_parameters_are_proven() -> None:
    g = GraphBuilder()
    x = g.conv(g.input(shape=(None, 3, 8, 8)), 4, bias=True, name="conv")
    scale = g.node("parameter", name="scale", arrays={"value": g.values(1, 4, 1, 1)})
    store = g.store(g.node("multiply", x, scale))
    assert load_into(Scaled(), store).grade.is_proven
    emission = compose(store)
    assert load_into(getattr(import_source(emission.source), emission.class_name)(), store).grade.is_proven
    with pytest.raises(MatchError):
        load_into(ScaledTwice(), store)
