"""Conversions of values: shapes that differ, dtypes and devices."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from faces import Face, face
from neutral.errors import MatchError
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.matching.grade import UnprovenWarning
from neutral.store import Store
from neutral.tensor import from_numpy
from neutral_to_torch import load_into
from stores import Builder


def test_a_weight_that_the_source_does_not_train_is_frozen_when_asked() -> None:
    b = Builder()
    b.batch_norm("bn", 4, fixed=True)
    module = nn.ModuleDict({"bn": nn.BatchNorm2d(4)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it changes training only
        warnings.simplefilter("ignore", UnprovenWarning)
        plan = load_into(module, b.store())
    assert [d.attribute for _, d in plan.differences] == ["scale"]
    assert module["bn"].weight.requires_grad
    load_into(module, b.store(), set_attributes=True)
    assert not module["bn"].weight.requires_grad


def test_a_module_without_scale_takes_weights_of_ones_only() -> None:
    b = Builder()
    b.batch_norm("bn", 4, fixed=True)
    b.tensors["bn.bias"] = from_numpy(np.zeros(4, np.float32))
    plan = load_into(nn.ModuleDict({"bn": nn.BatchNorm2d(4, affine=False)}), b.store())
    assert plan.pairs[0].dropped == {"weight": "ones", "bias": "zeros"}
    b = Builder()
    b.batch_norm("bn", 4, fixed=True)
    with pytest.raises(MatchError, match="bias that is not all zeros"):
        load_into(nn.ModuleDict({"bn": nn.BatchNorm2d(4, affine=False)}), b.store())


@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_a_stored_bias_of_zeros_may_be_left_out(bias: float) -> None:
    b = Builder()
    b.convolution("conv", 2, 4)
    b.tensors["conv.bias"] = from_numpy(np.full(4, bias, np.float32))
    module = nn.ModuleDict({"conv": nn.Conv2d(2, 4, 3, 1, 1, bias=False)})
    if bias:
        with pytest.raises(MatchError, match="conv has a bias that is not all zeros"):
            load_into(module, b.store())
    else:
        assert load_into(module, b.store()).pairs[0].dropped == {"bias": "zeros"}


def test_a_bias_that_the_store_lacks_is_zero_and_reported() -> None:
    b = Builder()
    b.convolution("conv", 2, 4, bias=False)
    module = nn.ModuleDict({"conv": nn.Conv2d(2, 4, 3, 1, 1)})
    plan = load_into(module, b.store())
    assert plan.pairs[0].constants == {"bias": "zeros"}
    assert "bias filled with zeros" in str(plan)
    assert not module["conv"].bias.any()


def test_a_bias_that_the_graph_computes_is_not_zero() -> None:
    b = Builder()
    b.convolution("conv", 2, 4, bias=False)
    store = b.store()
    node = Node(
        "conv", "convolution", (Value("data"),), store.layers["conv"].attributes, "conv", {"bias": Value("data")}
    )
    store.graph = Graph((Input("data"),), (node,), (Value("conv"),))
    with pytest.raises(MatchError, match="computes it in its graph"):
        load_into(nn.ModuleDict({"conv": nn.Conv2d(2, 4, 3, 1, 1)}), store)


def test_one_slope_becomes_one_for_each_channel() -> None:
    b = Builder()
    b.prelu("act", 1)
    module = nn.ModuleDict({"act": nn.PReLU(5)})
    load_into(module, b.store())
    np.testing.assert_array_equal(module["act"].weight.detach().numpy(), np.repeat(b.store()["act.weight"], 5))


@pytest.mark.parametrize("equal", [True, False])
def test_equal_slopes_become_one(equal: bool) -> None:
    b = Builder()
    b.prelu("act", 5)
    if equal:
        b.tensors["act.weight"] = from_numpy(np.full(5, 0.25, np.float32))
        module = nn.ModuleDict({"act": nn.PReLU()})
        load_into(module, b.store())
        assert module["act"].weight.item() == 0.25
    else:
        with pytest.raises(MatchError, match=r"5 different slopes .* nn\.PReLU\(5\)"):
            load_into(nn.ModuleDict({"act": nn.PReLU()}), b.store())


def test_dtype_and_device_are_converted_as_asked() -> None:
    module, store = Face().half(), face().store()
    plan = load_into(module, store)
    assert {p.dtype for p in module.parameters()} == {torch.float16}
    assert any("float32 is rounded to the module's torch.float16" in note for note in plan.notes)
    parameter = module.conv1_1.weight
    plan = load_into(module, store, dtype=torch.float64, device="cpu")
    assert {p.dtype for p in module.parameters()} == {torch.float64}
    assert module.conv1_1.weight is parameter and not plan.notes
    np.testing.assert_array_equal(parameter.detach().numpy(), store["conv1_1.weight"].astype(np.float64))
    assert module.bn1_2.num_batches_tracked.dtype == torch.int64


def test_unfilled_tensors_follow_to_the_dtype_and_device() -> None:
    class More(Face):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.full((2,), 3.0))
            self.register_buffer("grid", torch.arange(3.0), persistent=False)

    module = More()
    scale = module.scale
    load_into(module, face().store(), allow_missing=["scale"], dtype=torch.float64)
    assert module.scale is scale and scale.dtype == torch.float64 and scale.tolist() == [3, 3]
    assert module.grid.dtype == torch.float64 and module.grid.tolist() == [0, 1, 2]


def test_bfloat16_keeps_its_bits() -> None:
    bits = np.array([[0x3F80, 0x7FC1], [0x0001, 0xC2F7]], np.uint16)
    layer = Layer("fc", "linear", {"out_features": 2, "flatten": True}, {"weight": "fc.weight"})
    store = Store({"fc": layer}, {"fc.weight": from_numpy(bits, "BF16")})
    module = nn.ModuleDict({"fc": nn.Linear(2, 2, bias=False, dtype=torch.bfloat16)})
    load_into(module, store)
    np.testing.assert_array_equal(module["fc"].weight.detach().view(torch.uint16).numpy(), bits)
    wide = nn.ModuleDict({"fc": nn.Linear(2, 2, bias=False)})
    load_into(wide, store)
    assert wide["fc"].weight[1, 1].item() == -123.5


def test_values_are_not_cut_to_integers() -> None:
    module = nn.Module()
    module.register_buffer("index", torch.zeros(3, dtype=torch.int64))
    store = Store(
        {"index": Layer("index", "parameter", {}, {"value": "index.value"})},
        {"index.value": from_numpy(np.array([0.5, 1, 2], np.float32))},
    )
    with pytest.raises(MatchError, match="integers cannot hold its values"):
        load_into(module, store)
    store = Store(store.layers, {"index.value": from_numpy(np.array([4, 5, 6], np.int32))})
    load_into(module, store)
    assert module.index.tolist() == [4, 5, 6]
