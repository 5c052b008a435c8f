"""Stores that are refused before a module is touched, and leftovers that may be allowed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from faces import Face, assert_holds, face
from neutral.errors import MatchError, SourceError, UsageError
from neutral.graph import Layer
from neutral.store import Store
from neutral.tensor import FileRange, Tensor
from neutral_to_torch import load_into
from stores import Builder


def test_nothing_is_touched_when_it_does_not_fit() -> None:
    b = face()
    b.linear("extra", 3, 4)
    module = Face()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(MatchError, match="stored extra not used"):
        load_into(module, b.store())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_unused_layers_may_be_allowed_by_pattern() -> None:
    b = face()
    b.linear("head_a", 3, 4)
    b.linear("head_b", 3, 4)
    plan = load_into(Face(), b.store(), allow_unused=["head_*"])
    assert [(item.name, item.allowed) for item in plan.unused] == [("head_a", True), ("head_b", True)]


def test_a_layer_that_the_stored_graph_does_not_use_needs_no_partner() -> None:
    b = face()
    b.layer("stale_weight", "parameter", {"value": b.values(3)})
    b.uses.pop()
    plan = load_into(Face(), b.store(graph=True))
    assert [(item.name, item.allowed) for item in plan.unused] == [("stale_weight", True)]


def test_a_missing_layer_is_named() -> None:
    b = face()
    del b.layers["relu1_2"]
    with pytest.raises(MatchError, match=r"relu1_2\.weight not filled"):
        load_into(Face(), b.store())
    plan = load_into(Face(), b.store(), allow_missing=["relu1_2*"])
    assert [(item.name, item.allowed) for item in plan.unfilled] == [("relu1_2.weight", True)]


def test_without_strict_the_matched_layers_are_loaded_and_the_others_reported() -> None:
    b = face()
    del b.layers["relu1_2"]
    b.linear("extra", 3, 4)
    module, store = Face(), b.store()
    plan = load_into(module, store, strict=False)
    assert_holds(module, store, plan)
    assert [item.name for item in plan.unused] == ["extra"]
    assert [item.name for item in plan.unfilled] == ["relu1_2.weight"]
    assert len(plan.problems) == 2


def test_a_name_with_another_shape_is_an_error_that_says_so() -> None:
    module = Face()
    module.conv1_2 = nn.Conv2d(8, 8, 5, 1, 2, bias=False)
    with pytest.raises(MatchError, match=r"conv1_2\.weight has shape \(8, 8, 3, 3\), .* has \(8, 8, 5, 5\)"):
        load_into(module, face().store())


def test_a_name_with_another_kind_is_an_error_that_says_so() -> None:
    module = Face()
    module.bn1_2 = nn.GroupNorm(2, 8)
    with pytest.raises(MatchError, match="bn1_2 is a batch_norm, the module's bn1_2 a group_norm"):
        load_into(module, face().store())


@pytest.mark.parametrize(
    ("mapping", "error", "message"),
    [
        ({"conv1_9": "conv1_1"}, UsageError, "'conv1_9', which the store lacks. Did you mean 'conv1_"),
        ({"conv1_1": "conv1_9"}, UsageError, "'conv1_9', which the module lacks. Did you mean 'conv1_"),
        ({"conv1_1": "bn1_2"}, MatchError, "conv1_1 is a convolution, the module's bn1_2 is a batch_norm"),
        ({"conv1_1": "conv2_1"}, MatchError, "has shape"),
        ({"conv1_1.bias": "fc5.bias"}, MatchError, "has shape"),
    ],
)
def test_a_mapping_that_cannot_be_is_an_error(mapping, error, message) -> None:
    with pytest.raises(error, match=message):
        load_into(Face(), face().store(), mapping)


def test_a_lazy_module_is_refused() -> None:
    with pytest.raises(MatchError, match=r"lazy.* Run the module once"):
        load_into(nn.ModuleDict({"conv": nn.LazyConv2d(4, 3)}), Builder().store())


def test_a_file_that_changed_is_noticed_before_anything_is_touched(tmp_path) -> None:
    path = tmp_path / "raw"
    path.write_bytes(b"\0" * 10)
    layer = Layer("fc", "linear", {"out_features": 2, "flatten": True}, {"weight": "fc.weight"})
    store = Store({"fc": layer}, {"fc.weight": Tensor("F32", (2, 2), (FileRange(str(path), 0, 16),))})
    with pytest.raises(SourceError, match="has 10 bytes, the store needs 16"):
        load_into(nn.ModuleDict({"fc": nn.Linear(2, 2, bias=False)}), store)


def test_weights_without_effect_fill_a_module_with_running_statistics_not() -> None:
    b = Builder()
    b.layer("norm", "instance_norm", {"weight": b.values(4), "bias": b.values(4)}, {"eps": 1e-5})
    module = nn.ModuleDict({"norm": nn.InstanceNorm2d(4, affine=True, track_running_stats=True)})
    with pytest.raises(MatchError, match=r"running_mean.* not filled"):
        load_into(module, b.store())


def test_a_refusal_says_each_reason_once() -> None:
    module = Face()
    module.conv2_1 = nn.Conv2d(8, 12, 3, 2, 1)
    with pytest.raises(MatchError) as caught:
        load_into(module, face().store(), allow_missing=["relu*", "fc*"], allow_unused=["relu*", "fc*"])
    assert [line for line in str(caught.value).splitlines() if "conv2_1" in line] == [
        "  - stored conv2_1 not used and the module's conv2_1.weight, conv2_1.bias not filled: "
        "conv2_1.weight has shape (16, 8, 3, 3), the module's conv2_1.weight has (12, 8, 3, 3)"
    ]
