"""Loading a store into modules written by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from stores import Builder
from torch import nn

from neutral.errors import MatchError, SourceError, UsageError
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.store import Store
from neutral.tensor import FileRange, Tensor, from_numpy
from neutral_to_torch import load_into, make_plan


class Block(nn.Module):
    def __init__(self, stage: str, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stage = stage
        for index, channels in ((2, outputs), (3, outputs)):
            setattr(self, f"conv{stage}_{index}", nn.Conv2d(outputs, channels, 3, 1, 1, bias=False))
            setattr(self, f"relu{stage}_{index}", nn.PReLU(channels))


class Face(nn.Module):
    """The head of a face recognition network as people write it: flat names, some convolutions with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_1 = nn.Conv2d(3, 8, 3, 2, 1)
        self.relu1_1 = nn.PReLU(8)
        self.conv1_2 = nn.Conv2d(8, 8, 3, 1, 1, bias=False)
        self.bn1_2 = nn.BatchNorm2d(8)
        self.relu1_2 = nn.PReLU(8)
        self.conv2_1 = nn.Conv2d(8, 16, 3, 2, 1)
        self.relu2_1 = nn.PReLU(16)
        self.fc5 = nn.Linear(16 * 4 * 4, 10)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        x = self.relu1_1(self.conv1_1(data))
        x = x + self.relu1_2(self.bn1_2(self.conv1_2(x)))
        return self.fc5(self.relu2_1(self.conv2_1(x)).flatten(1))


def face(spell=lambda name: name) -> Builder:
    b = Builder()
    b.convolution(spell("conv1_1"), 3, 8, stride=(2, 2))
    b.prelu(spell("relu1_1"), 8)
    b.convolution(spell("conv1_2"), 8, 8, bias=False)
    b.batch_norm(spell("bn1_2"), 8)
    b.prelu(spell("relu1_2"), 8)
    b.convolution(spell("conv2_1"), 8, 16, stride=(2, 2))
    b.prelu(spell("relu2_1"), 16)
    b.linear(spell("fc5"), 16 * 4 * 4, 10)
    return b


def assert_holds(module: nn.Module, store: Store, plan) -> None:
    """Every tensor of every pair has the stored values."""
    state = module.state_dict()
    for pair in plan.pairs:
        for role, name in pair.tensors.items():
            np.testing.assert_array_equal(state[name].numpy(), store[store.layers[pair.layer].tensors[role]])


def test_equal_names_load_without_a_mapping() -> None:
    module, store = Face(), face().store(graph=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
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


def test_not_strict_loads_what_there_is_and_reports_the_rest() -> None:
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


def test_attributes_that_change_results_are_reported_and_set_when_asked() -> None:
    def module() -> Face:
        face = Face()
        face.conv1_1.stride = (1, 1)
        face.conv1_2.padding = (0, 0)
        face.bn1_2.eps = 1e-3
        face.bn1_2.momentum = 0.01
        return face

    store = face().store()
    with pytest.warns(UserWarning, match="conv1_1: stride") as caught:
        plan = load_into(module(), store)
    assert len(caught) == 1
    found = {(pair.module, d.attribute): (d.stored, d.module, d.effect) for pair, d in plan.differences}
    assert found == {
        ("conv1_1", "stride"): ((2, 2), (1, 1), "inference"),
        ("conv1_2", "padding"): ((1, 1), (0, 0), "inference"),
        ("bn1_2", "eps"): (1e-5, 1e-3, "inference"),
        ("bn1_2", "momentum"): (0.9, 0.99, "training"),
    }
    mine = module()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = load_into(mine, store, set_attributes=True)
    assert all(d.applied for _, d in plan.differences) and len(plan.differences) == 4
    assert mine.conv1_1.stride == (2, 2) and mine.conv1_2.padding == (1, 1)
    assert mine.bn1_2.eps == 1e-5 and mine.bn1_2.momentum == 0.1
    data = torch.rand(1, 3, 16, 16)
    right = Face().eval()
    load_into(right, store)
    torch.testing.assert_close(mine.eval()(data), right(data))


def test_a_weight_that_the_source_does_not_train_is_frozen_when_asked() -> None:
    b = Builder()
    b.batch_norm("bn", 4, fixed=True)
    module = nn.ModuleDict({"bn": nn.BatchNorm2d(4)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it changes training only
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


def test_names_match_what_a_mapping_does_not_mention() -> None:
    b = face()
    b.layers["classifier"] = b.layers.pop("fc5")._replace(name="classifier")
    plan = load_into(Face(), b.store(), {"classifier": "fc5"})
    assert {pair.reason for pair in plan.pairs} == {"mapping", "name"}


@pytest.mark.parametrize(
    ("mapping", "error", "message"),
    [
        ({"conv1_9": "conv1_1"}, UsageError, "'conv1_9', which the store lacks .did you mean 'conv1_"),
        ({"conv1_1": "conv1_9"}, UsageError, "'conv1_9', which the module lacks .did you mean 'conv1_"),
        ({"conv1_1": "bn1_2"}, MatchError, "conv1_1 is a convolution, the module's bn1_2 is a batch_norm"),
        ({"conv1_1": "conv2_1"}, MatchError, "has shape"),
        ({"conv1_1.bias": "fc5.bias"}, MatchError, "has shape"),
    ],
)
def test_a_mapping_that_cannot_be_is_an_error(mapping, error, message) -> None:
    with pytest.raises(error, match=message):
        load_into(Face(), face().store(), mapping)


def test_two_layers_cannot_fill_one_module() -> None:
    b = Builder()
    b.linear("a", 5, 3)
    b.linear("b", 5, 3)
    with pytest.raises(MatchError, match=r"both belong to the module's fc\.weight"):
        load_into(nn.ModuleDict({"fc": nn.Linear(5, 3)}), b.store(), {"a": "fc", "b": "fc"})


def test_layers_with_the_same_tensors_share_a_module() -> None:
    b = Builder()
    b.linear("head", 5, 3)
    b.layer(
        "head_again",
        "linear",
        {},
        {"out_features": 3, "flatten": True},
        keys={"weight": "head.weight", "bias": "head.bias"},
    )
    plan = load_into(nn.ModuleDict({"head": nn.Linear(5, 3)}), b.store(graph=True))
    assert not plan.unused
    assert plan.pairs[0].nodes == ("head", "head_again")


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_tied_parameters_stay_tied(device: str) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(11, 4)
            self.decode = nn.Linear(4, 11, bias=False)
            self.decode.weight = self.embed.weight

    b = Builder()
    table = b.values(11, 4)
    b.layer("embed", "embedding", {"weight": table}, {"num_embeddings": 11, "embedding_dim": 4})
    b.layer("decode", "linear", {}, {"out_features": 11, "flatten": False}, keys={"weight": "embed.weight"})
    with torch.device(device):
        module = Tied()
    load_into(module, b.store())
    assert module.decode.weight is module.embed.weight
    np.testing.assert_array_equal(module.embed.weight.detach().numpy(), table)


def test_a_tied_parameter_needs_equal_tensors() -> None:
    module = nn.Module()
    module.a, module.b = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    module.b.weight = module.a.weight
    b = Builder()
    b.linear("a", 4, 4, bias=False)
    b.linear("b", 4, 4, bias=False)
    with pytest.raises(MatchError, match=r"a\.weight and b\.weight are not equal"):
        load_into(module, b.store())
    b.tensors["b.weight"] = b.tensors["a.weight"]
    load_into(module, b.store())


def test_one_stored_tensor_may_fill_two_that_then_live_apart(tmp_path) -> None:
    path = tmp_path / "raw"
    path.write_bytes(np.arange(4, dtype=np.float32).tobytes())
    tensor = Tensor("F32", (2, 2), (FileRange(str(path), 0, 16),))
    layers = {
        name: Layer(name, "linear", {"out_features": 2, "flatten": True}, {"weight": "a.weight"}) for name in "ab"
    }
    with torch.device("meta"):
        module = nn.ModuleDict({"a": nn.Linear(2, 2, bias=False), "b": nn.Linear(2, 2, bias=False)})
    plan = load_into(module, Store(layers, {"a.weight": tensor}))
    assert "one tensor in the store and 2 in the module" in plan.notes[0]
    with torch.no_grad():
        module["a"].weight.zero_()
    np.testing.assert_array_equal(module["b"].weight.detach().numpy(), [[0, 1], [2, 3]])


def test_a_module_under_two_names_is_filled_once() -> None:
    module = nn.Module()
    module.a = module.b = nn.Linear(5, 3)
    b = Builder()
    b.linear("a", 5, 3)
    store = b.store()
    plan = load_into(module, store)
    assert_holds(module, store, plan)
    assert not plan.unfilled


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


def test_what_is_not_filled_follows_to_the_dtype_and_device() -> None:
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
    with pytest.raises(MatchError, match="values would be cut"):
        load_into(module, store)
    store = Store(store.layers, {"index.value": from_numpy(np.array([4, 5, 6], np.int32))})
    load_into(module, store)
    assert module.index.tolist() == [4, 5, 6]


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


def test_a_plan_touches_nothing() -> None:
    module = Face()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    plan = make_plan(module, face().store())
    assert len(plan.pairs) == 8
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


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
