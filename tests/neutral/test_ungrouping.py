"""Weights that group layers otherwise become the stored layers again."""

from __future__ import annotations

from typing import Mapping

import numpy as np
import pytest

from neutral.errors import MatchError, NeutralError
from neutral.graph import Layer
from neutral.mapping import Entry, read_mapping
from neutral.matching.regroup import regroup_layers
from neutral.renaming import renamed
from neutral.store import Store
from neutral.tensor import Tensor, from_numpy
from neutral.ungrouping import Ungrouped, ungroup

Shapes = Mapping[str, "tuple[int, ...]"]


def linear(name: str, rows: int, bias: bool = True) -> tuple[Layer, Shapes]:
    shapes: Shapes = {"weight": (rows, 3), **({"bias": (rows,)} if bias else {})}
    keys = {role: f"{name}.{role}" for role in shapes}
    return Layer(name, "linear", {"out_features": rows, "flatten": False}, keys), shapes


def stored(*layers: tuple[Layer, Shapes]) -> Store:
    numbers = np.random.default_rng(0)
    tensors = {
        layer.tensors[role]: from_numpy(numbers.random(shape, np.float32))
        for layer, shapes in layers
        for role, shape in shapes.items()
    }
    return Store({layer.name: layer for layer, _ in layers}, tensors)


def vector(size: int) -> tuple[Layer, Shapes]:
    return Layer("p", "parameter", {}, {"value": "p"}), {"value": (size,)}


def weights_of(like: Store, names: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the tensors of a module whose layers are regrouped ones of a store."""
    regrouped = regroup_layers(like, names)
    return {
        f"{module}.{role}": regrouped.tensors[key]
        for name, module in names.items()
        for role, key in regrouped.layers[name].tensors.items()
    }


def values(ungrouped: Ungrouped, like: Store) -> dict[str, np.ndarray]:
    return {
        layer.tensors[role]: ungrouped.tensors[name].numpy()
        for layer in like.layers.values()
        for role, name in ungrouped.entries[layer.name].tensors.items()
    }


QKV = stored(linear("q", 2), linear("k", 3), linear("v", 2))
WHOLE = stored(linear("qkv", 7))
GRU = "p[gru(hidden_size=3, num_layers=11, bidirectional=True)]"


@pytest.mark.parametrize(
    ("like", "names"),
    [
        (QKV, {"q + k + v": "attention"}),
        (QKV, {"v + q": "left", "k": "k"}),
        (WHOLE, {"qkv[0:2]": "q", "qkv[2:7]": "rest"}),
        (WHOLE, {"qkv[6:7]": "c", "qkv[0:1]": "a", "qkv[1:6]": "b"}),
        (stored(vector(2 * 9 * (5 + 3 + 2) + 20 * 9 * (6 + 3 + 2))), {GRU: "encoder"}),
    ],
)
def test_regrouped_layers_come_back(like: Store, names: Mapping[str, str]) -> None:
    weights = weights_of(like, names)
    ungrouped = ungroup(read_mapping(names, like.layers), like, weights)
    result = values(ungrouped, like)
    grouped = {name for name in names if name not in like.layers}
    assert ungrouped.used == {name for name in weights if name.split(".")[0] in {names[item] for item in grouped}}
    assert result.keys() >= like.tensors.keys() - {"k.weight", "k.bias"}
    for key, array in result.items():
        np.testing.assert_array_equal(array, like.tensors[key].numpy())


def test_a_joined_layer_without_a_bias_demands_zeros_for_it() -> None:
    like = stored(linear("q", 2), linear("k", 3, bias=False))
    ungrouped = ungroup({"q + k": Entry("net")}, like, weights_of(like, {"q + k": "net"}))
    assert ungrouped.entries["k"].constants == {"net.bias[2:5]": "zeros"}
    assert not ungrouped.tensors["net.bias[2:5]"].numpy().any()


def test_a_bias_of_zeros_that_the_weights_lack_stays_one() -> None:
    whole, joined = Entry("q", dropped={"bias": "zeros"}), Entry("net", dropped={"bias": "zeros"})
    weights = {"q.weight": Tensor("F32", (7, 3), ()), "net.weight": Tensor("F32", (7, 3), ())}
    assert ungroup({"qkv[0:7]": whole}, WHOLE, weights).entries["qkv"].dropped == {"bias": "zeros"}
    entries = ungroup({"q + k + v": joined}, QKV, weights).entries
    assert [entries[name].dropped for name in "qkv"] == [{"bias": "zeros"}] * 3


NET = {"net.weight": Tensor("F32", (7, 3), ()), "net.bias": Tensor("F32", (7,), ())}


@pytest.mark.parametrize(
    ("like", "entries", "problem"),
    [
        (
            stored(linear("fc", 2), linear("bn", 2)),
            {"fc * bn": Entry("net")},
            "expected weights in which fc and bn are",
        ),
        (WHOLE, {"qkv[0:2]": Entry("net")}, "qkv has the rows 0 to 7, and the mapping leads the rows 0 to 2"),
        (WHOLE, {"qkv[0:2]": Entry("a"), "qkv[1:7]": Entry("b")}, "leads the rows 0 to 2, 1 to 7"),
        (WHOLE, {"qkv[0:2]": Entry("a"), "qkv[2:7]": Entry("net")}, r"gives a.weight for weight, which the weights do"),
        (QKV, {"q + k": Entry("net")}, r"q \+ k has 5 rows, and net.weight of the weights has the shape \(7, 3\)"),
        (WHOLE, {"qkv[rnn(hidden_size=1, num_layers=1)]": Entry("net")}, "qkv is not one vector in the checkpoint"),
        (stored(vector(9)), {"p": Entry("rnn")}, "p has 9 elements, and rnn.weight_ih_l0, rnn.weight_hh_l0 have 18"),
        (
            stored(vector(9)),
            {"p[rnn(hidden_size=3, num_layers=1)]": Entry("", tensors={"weight": "net.weight"})},
            "a recurrent layer has no role 'weight'",
        ),
    ],
)
def test_what_cannot_be_made_again_is_refused(like: Store, entries: dict[str, Entry], problem: str) -> None:
    recurrent = {f"rnn.weight_{part}_l0": Tensor("F32", (3, 3), ()) for part in ("ih", "hh")}
    with pytest.raises(MatchError, match=problem):
        ungroup(entries, like, {**NET, **recurrent})


def test_parts_of_several_dtypes_are_refused() -> None:
    weights = {"a.weight": Tensor("F32", (2, 3), ()), "b.weight": Tensor("F16", (5, 3), ())}
    with pytest.raises(MatchError, match="their dtypes are float16, float32"):
        ungroup({"qkv[0:2]": Entry("a"), "qkv[2:7]": Entry("b")}, WHOLE, weights)


def test_an_unknown_layer_in_a_group_is_named() -> None:
    with pytest.raises(NeutralError, match=r"the checkpoint has no layer 'q \+ x'"):
        read_mapping({"q + x": "net"}, QKV.layers)


def test_stores_are_compared_by_a_mapping_of_groups() -> None:
    weights = weights_of(QKV, {"q + k + v": "net"})
    other = Store({"net": Layer("net", "linear", {}, {name[4:]: name for name in weights})}, weights)
    result = renamed(other, QKV, {"q + k + v": "net"})
    assert set(result.layers) == {"q", "k", "v"}
    for key, tensor in QKV.tensors.items():
        np.testing.assert_array_equal(result.tensors[key].numpy(), tensor.numpy())
