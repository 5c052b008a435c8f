"""Loading a store into modules written by hand: tensors that are filled, and tensors that are unchanged."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from faces import Face, assert_holds, face
from neutral.errors import MatchError
from neutral.matching.grade import UnprovenWarning
from neutral_to_torch import load_into, make_plan
from stores import Builder


def test_equal_names_load_without_a_mapping() -> None:
    class Chain(Face):
        """The network of the store's graph, without the sum."""

        def forward(self, data: torch.Tensor) -> torch.Tensor:
            x = self.relu1_2(self.bn1_2(self.conv1_2(self.relu1_1(self.conv1_1(data)))))
            return self.fc5(self.relu2_1(self.conv2_1(x)).flatten(1))

    module, store = Chain(), face().store(graph=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UnprovenWarning)
        plan = load_into(module, store)
    assert_holds(module, store, plan)
    assert [(pair.layer, pair.module, pair.reason) for pair in plan.pairs] == [
        (name, name, "name") for name in store.layers
    ]
    assert sum(len(pair.tensors) for pair in plan.pairs) == len(store.tensors)
    assert not plan.unused and not plan.unfilled and not plan.differences


def test_where_names_agree_the_store_is_the_state_dict() -> None:
    module, store = Face(), face().store()
    load_into(module, store)
    state = {name: tensor for name, tensor in module.state_dict().items() if "num_batches" not in name}
    assert set(state) == set(store.tensors)


def test_parameters_stay_the_same_objects() -> None:
    module = Face()
    before = dict(module.named_parameters())
    places = {name: tensor.data_ptr() for name, tensor in module.state_dict().items()}
    load_into(module, face().store())
    assert all(parameter is before[name] for name, parameter in module.named_parameters())
    assert places == {name: tensor.data_ptr() for name, tensor in module.state_dict().items()}


def test_a_plan_touches_nothing() -> None:
    module = Face()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    plan = make_plan(module, face().store())
    assert len(plan.pairs) == 8
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_attributes_that_change_results_are_reported_and_set_when_asked() -> None:
    def module() -> Face:
        face = Face()
        face.conv1_1.stride = (1, 1)
        face.conv1_2.padding = (0, 0)
        face.bn1_2.eps = 1e-3
        face.bn1_2.momentum = 0.01
        return face

    store = face().store()
    with pytest.raises(MatchError, match="conv1_1: stride"):
        load_into(module(), store)
    with pytest.warns(UserWarning, match="conv1_1: stride") as caught:
        plan = load_into(module(), store, allow_attributes=["conv1_*.*", "eps"])
    assert len([warning for warning in caught if warning.category is not UnprovenWarning]) == 1
    differences = {(pair.module, d.attribute): (d.stored, d.module, d.effect) for pair, d in plan.differences}
    assert differences == {
        ("conv1_1", "stride"): ((2, 2), (1, 1), "inference"),
        ("conv1_2", "padding"): ((1, 1), (0, 0), "inference"),
        ("bn1_2", "eps"): (1e-5, 1e-3, "inference"),
        ("bn1_2", "momentum"): (0.9, 0.99, "training"),
    }
    mine = module()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UnprovenWarning)
        plan = load_into(mine, store, set_attributes=True)
    assert all(d.applied for _, d in plan.differences) and len(plan.differences) == 4
    assert mine.conv1_1.stride == (2, 2) and mine.conv1_2.padding == (1, 1)
    assert mine.bn1_2.eps == 1e-5 and mine.bn1_2.momentum == 0.1
    data = torch.rand(1, 3, 16, 16)
    right = Face().eval()
    load_into(right, store)
    torch.testing.assert_close(mine.eval()(data), right(data))


def test_bare_parameters_and_buffers_are_filled_by_name() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(4, 1, 1))
            self.register_buffer("mean", torch.zeros(4))
            self.register_buffer("grid", torch.zeros(9), persistent=False)

    b = Builder()
    b.layer("scale", "parameter", {"value": b.values(1, 4, 1, 1)})
    b.layer("mean", "parameter", {"value": b.values(4)})
    module, store = Scaled(), b.store()
    plan = load_into(module, store)
    np.testing.assert_array_equal(module.scale.detach().numpy(), store["scale.value"][0])
    np.testing.assert_array_equal(module.mean.numpy(), store["mean.value"])
    assert {pair.layer: dict(pair.tensors) for pair in plan.pairs} == {
        "scale": {"value": "scale"},
        "mean": {"value": "mean"},
    }


class FrozenNorm(nn.Module):
    """A batch norm as detectors write it: four buffers and no known type."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.zeros(channels))


@pytest.mark.parametrize("mapping", [None, {"bn": "norm"}])
def test_a_layer_can_go_into_a_module_of_unknown_type(mapping: dict[str, str] | None) -> None:
    b = Builder()
    b.batch_norm("bn", 4)
    module = nn.ModuleDict({"norm" if mapping else "bn": FrozenNorm(4)})
    store = b.store()
    plan = load_into(module, store, mapping)
    assert_holds(module, store, plan)
    (pair,) = plan.pairs
    assert len(pair.tensors) == 4 and pair.module == ("norm" if mapping else "bn")


def test_untyped_tensors_can_fill_a_known_module() -> None:
    b = Builder()
    b.layer("fc_weight", "parameter", {"value": b.values(3, 5)})
    b.layer("fc_bias", "parameter", {"value": b.values(3)})
    module = nn.ModuleDict({"fc": nn.Linear(5, 3)})
    store = b.store()
    plan = load_into(module, store)
    assert_holds(module, store, plan)
    assert {pair.layer: pair.module for pair in plan.pairs} == {"fc_weight": "fc", "fc_bias": "fc"}


def test_a_mapping_leads_layers_nodes_tensors_and_parameters() -> None:
    b = Builder()
    b.linear("first", 5, 3)
    b.convolution("second", 2, 4, node="second_fwd")
    b.linear("third", 6, 2)
    b.layer("gamma", "parameter", {"value": b.values(7)})
    module = nn.Module()
    module.a = nn.Linear(5, 3)
    module.b = nn.Conv2d(2, 4, 3, 1, 1)
    module.matrix, module.offset = nn.Parameter(torch.zeros(2, 6)), nn.Parameter(torch.zeros(2))
    module.factor = nn.Parameter(torch.zeros(7))
    store = b.store()
    mapping = {
        "first": "a",
        "second_fwd": "b",
        "third.weight": "matrix",
        "third.bias": "offset",
        "gamma": "factor",
    }
    plan = load_into(module, store, mapping)
    assert_holds(module, store, plan)
    assert {pair.reason for pair in plan.pairs} == {"mapping"}
    assert not plan.unfilled and not plan.unused


def test_names_match_layers_that_a_mapping_does_not_mention() -> None:
    b = face()
    b.layers["classifier"] = b.layers.pop("fc5")._replace(name="classifier")
    plan = load_into(Face(), b.store(), {"classifier": "fc5"})
    assert {pair.reason for pair in plan.pairs} == {"mapping", "name"}
