"""Every module type with an adapter: its description, its loading, and the attributes that can be set."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import pytest
import torch
from torch import nn

from neutral.errors import MatchError, NeutralError
from neutral.operators import catalogue
from neutral_to_torch import load_into, make_plan
from neutral_to_torch.adapters import adapted_types, adapter_of, describe
from neutral_to_torch.adapters.registry import Adapter, adapts
from stores import Builder

CONVOLUTION = {"out_channels": 4, "groups": 1, "layout": "channels_first", "padding_mode": "zeros"}
WINDOW = {"kernel_size": (3,), "stride": (1,), "padding": (0,), "dilation": (1,)}
BATCH_NORM = {"eps": 1e-5, "momentum": 0.9, "axis": 1, "scale": True, "use_global_stats": False}
SEQUENCE = {"hidden_size": 4, "num_layers": 1, "bidirectional": False, "dropout": 0.0, "batch_first": False}
LSTM = {**SEQUENCE, "projection_size": 0, "clip_min": None, "clip_max": None}


def window(rank: int, **changes: Any) -> dict[str, Any]:
    return {**CONVOLUTION, **{name: value * rank for name, value in WINDOW.items()}, **changes}


# module, kind, attributes in the catalogue's terms, roles
CASES: list[tuple[Callable[[], nn.Module], str, dict[str, Any], set[str]]] = [
    (lambda: nn.Conv1d(2, 4, 3), "convolution", window(1), {"weight", "bias"}),
    (lambda: nn.Conv2d(2, 4, 3, 2, 1, bias=False), "convolution", window(2, stride=(2, 2), padding=(1, 1)), {"weight"}),
    (lambda: nn.Conv3d(2, 4, 3, groups=2), "convolution", window(3, groups=2), {"weight", "bias"}),
    (lambda: nn.Conv2d(2, 4, 3, padding="same"), "convolution", window(2, padding=(1, 1)), {"weight", "bias"}),
    (lambda: nn.Conv2d(2, 4, 3, padding="valid"), "convolution", window(2), {"weight", "bias"}),
    (
        lambda: nn.Conv2d(2, 4, 3, dilation=2, padding="same"),
        "convolution",
        window(2, padding=(2, 2), dilation=(2, 2)),
        {"weight", "bias"},
    ),
    (
        lambda: nn.Conv2d(2, 4, 2, padding="same"),
        "convolution",
        window(2, padding="same", kernel_size=(2, 2)),
        {"weight", "bias"},
    ),
    (
        lambda: nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"),
        "convolution",
        window(2, padding=(1, 1), padding_mode="reflect"),
        {"weight", "bias"},
    ),
    (lambda: nn.Conv2d(2, 4, 3, padding_mode="reflect"), "convolution", window(2), {"weight", "bias"}),
    *(
        (
            lambda module=module: module(2, 4, 3, stride=2, output_padding=1),
            "transposed_convolution",
            window(rank, stride=(2,) * rank, output_padding=(1,) * rank, output_size=None),
            {"weight", "bias"},
        )
        for rank, module in enumerate((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), 1)
    ),
    (lambda: nn.Linear(3, 4), "linear", {"out_features": 4}, {"weight", "bias"}),
    (
        lambda: nn.Embedding(5, 3),
        "embedding",
        {"num_embeddings": 5, "embedding_dim": 3, "max_norm": None},
        {"weight"},
    ),
    (lambda: nn.PReLU(4), "prelu", {}, {"weight"}),
    *(
        (lambda module=module: module(4), "batch_norm", BATCH_NORM, {"weight", "bias", "running_mean", "running_var"})
        for module in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    ),
    (
        lambda: nn.BatchNorm2d(4, eps=1e-3, momentum=None, affine=False),
        "batch_norm",
        {**BATCH_NORM, "eps": 1e-3, "momentum": None, "scale": False},
        {"running_mean", "running_var"},
    ),
    (lambda: nn.LayerNorm(4), "layer_norm", {"eps": 1e-5, "axis": -1}, {"weight", "bias"}),
    (lambda: nn.LayerNorm((3, 4)), "layer_norm", {"eps": 1e-5, "axis": (-2, -1)}, {"weight", "bias"}),
    *(
        (
            lambda module=module: module(4, affine=True),
            "instance_norm",
            {"eps": 1e-5, "track_running_stats": False},
            {"weight", "bias"},
        )
        for module in (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
    ),
    (lambda: nn.InstanceNorm2d(4), "instance_norm", {"eps": 1e-5, "track_running_stats": False}, set()),
    (lambda: nn.GroupNorm(2, 4), "group_norm", {"eps": 1e-5, "groups": 2}, {"weight", "bias"}),
    (
        lambda: nn.LSTM(3, 4, proj_size=2),
        "lstm",
        {**LSTM, "projection_size": 2},
        {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"},
    ),
    (
        lambda: nn.GRU(3, 4, 2, bidirectional=True, bias=False, batch_first=True, dropout=0.5),
        "gru",
        {**SEQUENCE, "num_layers": 2, "bidirectional": True, "dropout": 0.5, "batch_first": True},
        {f"weight_{source}_l{k}{way}" for source in ("ih", "hh") for k in (0, 1) for way in ("", "_reverse")},
    ),
    (
        lambda: nn.RNN(3, 4, nonlinearity="relu"),
        "rnn",
        {**SEQUENCE, "nonlinearity": "relu"},
        {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"},
    ),
    *(
        (lambda module=module: module(3, 4), kind, {"hidden_size": 4}, {"weight_ih", "weight_hh", "bias_ih", "bias_hh"})
        for module, kind in ((nn.LSTMCell, "lstm_cell"), (nn.GRUCell, "gru_cell"))
    ),
    (
        lambda: nn.RNNCell(3, 4, bias=False),
        "rnn_cell",
        {"hidden_size": 4, "nonlinearity": "tanh"},
        {"weight_ih", "weight_hh"},
    ),
]


def test_every_adapted_type_has_a_case() -> None:
    assert {type(make()) for make, *_ in CASES} == set(adapted_types())


@pytest.mark.parametrize(("make", "kind", "attributes", "roles"), CASES)
def test_a_module_in_the_catalogues_terms(make, kind, attributes, roles) -> None:
    side = describe(nn.ModuleDict({"m": make()}))
    layer = side.layers["m"]
    assert (layer.kind, layer.attributes) == (kind, attributes)
    assert dict(layer.tensors) == {role: f"m.{role}" for role in roles}
    assert list(side.layers) == ["m"]
    operator = catalogue[kind]
    assert all(operator.role(role) is not None for role in roles)
    names = {attribute.name for attribute in operator.attributes}
    assert attributes.keys() - names == adapter_of(make()).implied.keys()


def stored_from(module: nn.Module, kind: str, attributes: dict[str, Any], roles: set[str], **changes: Any) -> Builder:
    """Return a store of one layer that fits the module, with other values."""
    b = Builder(7)
    own = dict(module.state_dict())
    known = {attribute.name for attribute in catalogue[kind].attributes}
    given = {name: value for name, value in {**attributes, **changes}.items() if name in known}
    sound = {
        name: value
        for name, value in given.items()
        if not list(catalogue[kind].problems({name: value}, complete=False))
    }
    given = {**sound, **{name: given[name] for name in changes}}
    arrays = {role: b.values(*own[role].shape) for role in roles}
    b.layer("m", kind, arrays, {}, typed_by="names")
    b.layers["m"] = type(b.layers["m"])("m", kind, given, b.layers["m"].tensors, typed_by="names")
    return b


@pytest.mark.filterwarnings("ignore:the module is loaded, but attributes differ")
@pytest.mark.parametrize(("make", "kind", "attributes", "roles"), CASES)
def test_a_module_is_filled_role_by_role(make, kind, attributes, roles) -> None:
    module = make()
    store = stored_from(module, kind, attributes, roles).store()
    plan = load_into(nn.ModuleDict({"m": module}), store, allow_attributes=["m.*"])
    assert {difference.attribute for _, difference in plan.differences} <= adapter_of(module).implied.keys()
    state = module.state_dict()
    for role in roles:
        np.testing.assert_array_equal(state[role].numpy(), store[f"m.{role}"])


@pytest.mark.parametrize(
    ("make", "attribute", "stored", "check"),
    [
        (lambda: nn.Conv1d(2, 4, 3), "stride", (2,), lambda m: m.stride == (2,)),
        (lambda: nn.Conv2d(2, 4, 3), "padding", (1, 2), lambda m: m.padding == (1, 2)),
        (lambda: nn.Conv2d(2, 4, 2, padding="same"), "padding", (1, 1), lambda m: m.padding == (1, 1)),
        (lambda: nn.Conv2d(2, 4, 3), "dilation", (2, 2), lambda m: m.dilation == (2, 2)),
        (lambda: nn.Conv2d(2, 4, 3), "groups", 2, lambda m: (m.groups, m.in_channels) == (2, 4)),
        (lambda: nn.Conv2d(2, 3, 3), "groups", 2, None),
        (lambda: nn.ConvTranspose2d(2, 4, 3, stride=2), "output_padding", (1, 1), lambda m: m.output_padding == (1, 1)),
        (
            lambda: nn.ConvTranspose2d(2, 4, 3, bias=False),
            "groups",
            2,
            lambda m: (m.groups, m.out_channels) == (2, 8),
        ),
        (lambda: nn.ConvTranspose2d(2, 4, 3), "groups", 2, None),
        (lambda: nn.ConvTranspose2d(2, 4, 3), "output_size", (9, 9), None),
        (lambda: nn.BatchNorm2d(4), "eps", 1e-3, lambda m: m.eps == 1e-3),
        (lambda: nn.BatchNorm2d(4), "momentum", 0.99, lambda m: m.momentum == 0.01),
        (lambda: nn.BatchNorm2d(4, momentum=None), "momentum", 0.9, lambda m: m.momentum == 0.1),
        (lambda: nn.BatchNorm2d(4), "scale", False, lambda m: not m.weight.requires_grad),
        (lambda: nn.BatchNorm2d(4), "axis", -1, None),
        (lambda: nn.BatchNorm2d(4), "use_global_stats", True, None),
        (lambda: nn.LayerNorm(4), "eps", 1e-12, lambda m: m.eps == 1e-12),
        (lambda: nn.LayerNorm(4), "axis", 1, None),
        (lambda: nn.InstanceNorm2d(4, affine=True), "eps", 1e-3, lambda m: m.eps == 1e-3),
        (lambda: nn.GroupNorm(2, 4), "groups", 4, lambda m: m.num_groups == 4),
        (lambda: nn.GroupNorm(2, 4), "groups", 3, None),
        (lambda: nn.LSTM(3, 4, 2), "dropout", 0.5, lambda m: m.dropout == 0.5),
        (lambda: nn.LSTM(3, 4), "clip_max", 3.0, None),
        (lambda: nn.RNN(3, 4), "nonlinearity", "relu", lambda m: (m.mode, m.nonlinearity) == ("RNN_RELU", "relu")),
        (lambda: nn.RNNCell(3, 4), "nonlinearity", "relu", lambda m: m.nonlinearity == "relu"),
    ],
)
@pytest.mark.filterwarnings("ignore:the module is loaded, but attributes differ")
def test_stored_attributes_are_set_where_the_module_can_have_them(make, attribute, stored, check) -> None:
    module = make()
    layer = describe(nn.ModuleDict({"m": module})).layers["m"]
    b = stored_from(module, layer.kind, dict(layer.attributes), set(layer.tensors), **{attribute: stored})
    holder = nn.ModuleDict({"m": module})
    (expected,) = make_plan(holder, b.store(), strict=False).differences
    if check is None and expected[1].effect == "inference":
        with pytest.raises(MatchError, match=f"m: {attribute} is"):
            load_into(holder, b.store(), set_attributes=True)
    allowed = [attribute] if check is None else []
    plan = load_into(holder, b.store(), set_attributes=check is not None, allow_attributes=allowed)
    ((_, difference),) = plan.differences
    assert (difference.attribute, difference.stored) == (attribute, stored)
    if check is None:
        assert not adapter_of(module).set(module, attribute, stored)
    else:
        assert difference.applied and check(module)
        assert not make_plan(holder, b.store()).differences


def test_the_numbers_of_a_filled_module_are_the_stored_layers() -> None:
    """Against the catalogue's formula for the operators whose conventions differ between frameworks."""
    b = Builder()
    b.batch_norm("m", 4, eps=1e-3)
    module = nn.ModuleDict({"m": nn.BatchNorm2d(4)})
    store = b.store()
    load_into(module, store, set_attributes=True)
    x = b.values(2, 4, 3, 3)
    w, bias, mean, var = (
        store[f"m.{role}"][:, None, None] for role in ("weight", "bias", "running_mean", "running_var")
    )
    expected = (x - mean) / np.sqrt(var + 1e-3) * w + bias
    with torch.no_grad():
        np.testing.assert_allclose(module.eval()["m"](torch.from_numpy(x)).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_a_setting_that_torch_alone_has_is_a_difference() -> None:
    b = Builder()
    b.convolution("m", 2, 4)
    module = nn.ModuleDict({"m": nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular")})
    text = "padding_mode is zeros in the store and circular in the module"
    with pytest.raises(MatchError, match=text):
        load_into(module, b.store())
    with pytest.warns(UserWarning, match=text):
        load_into(module, b.store(), allow_attributes=["padding_mode"])
    load_into(module, b.store(), set_attributes=True)
    right = nn.Conv2d(2, 4, 3, padding=1)
    right.load_state_dict(module["m"].state_dict())
    x = torch.randn(1, 2, 5, 5)
    torch.testing.assert_close(module["m"](x), right(x))


def test_where_the_output_size_decides_padding_is_not_compared() -> None:
    module = nn.ConvTranspose2d(2, 4, 3)
    layer = describe(nn.ModuleDict({"m": module})).layers["m"]
    changes = {"output_size": (8, 8), "padding": (3, 3)}
    b = stored_from(module, layer.kind, dict(layer.attributes), set(layer.tensors), **changes)
    plan = make_plan(nn.ModuleDict({"m": module}), b.store(), strict=False)
    assert [difference.attribute for _, difference in plan.differences] == ["output_size"]


def test_a_weight_that_the_user_froze_is_no_difference() -> None:
    b = Builder()
    b.batch_norm("m", 4)
    module = nn.ModuleDict({"m": nn.BatchNorm2d(4)}).requires_grad_(False)
    assert not load_into(module, b.store(), set_attributes=True).differences
    assert not module["m"].weight.requires_grad


def test_subclasses_have_the_adapter_of_their_base() -> None:
    class Alignment(nn.Conv2d):
        pass

    attention = nn.MultiheadAttention(4, 2)
    side = describe(nn.ModuleDict({"a": Alignment(2, 4, 3), "b": attention}))
    assert {name: layer.kind for name, layer in side.layers.items()} == {
        "a": "convolution",
        "b.in_proj_weight": "parameter",
        "b.in_proj_bias": "parameter",
        "b.out_proj": "linear",
    }


def test_a_parametrised_weight_is_not_the_modules_own() -> None:
    module = nn.ModuleDict({"m": nn.utils.parametrizations.weight_norm(nn.Linear(3, 4))})
    side = describe(module)
    assert dict(side.layers["m"].tensors) == {"bias": "m.bias"}
    assert sum(layer.kind == "parameter" for layer in side.layers.values()) == 2


def test_the_module_itself_may_be_the_layer() -> None:
    b = Builder()
    b.linear("fc", 3, 4)
    module = nn.Linear(3, 4)
    plan = load_into(module, b.store(), {"fc": ""})
    np.testing.assert_array_equal(module.weight.detach().numpy(), b.store()["fc.weight"])
    assert plan.pairs[0].tensors == {"weight": "weight", "bias": "bias"}


def test_a_type_has_one_adapter() -> None:
    with pytest.raises(NeutralError, match="Linear has two adapters"):
        adapts(nn.Linear)(type("Another", (Adapter,), {"kind": "linear"}))
