"""What MXNet's loader mends in the symbols of older releases, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mxnet_to_neutral.symbol import Entry, Symbol, SymbolNode, parse_symbol


def symbol(nodes: list[tuple[str, str, list[int], dict[str, str]]], version: int | None = None) -> Symbol:
    """(operator, name, inputs, attributes) of each node; the last one is the output."""
    document: dict[str, Any] = {
        "nodes": [
            {"op": op, "name": name, "inputs": [[i, 0] for i in inputs], "param": attributes}
            for op, name, inputs, attributes in nodes
        ],
        "arg_nodes": [],
        "heads": [[len(nodes) - 1, 0]],
    }
    document["arg_nodes"] = [i for i, node in enumerate(nodes) if node[0] == "null"]
    if version is not None:
        document["attrs"] = {"mxnet_version": ["int", version]}
    return parse_symbol(json.dumps(document), "old-symbol.json")


def node(symbol: Symbol, name: str) -> SymbolNode:
    (index,) = symbol.indices[name]
    return symbol.nodes[index]


BATCH_NORM = [
    ("null", "data", [], {}),
    ("null", "bn_gamma", [], {}),
    ("null", "bn_beta", [], {}),
    ("BatchNorm", "bn", [0, 1, 2], {"eps": "0.001"}),
]


def test_auxiliary_states_are_added_before_0_9() -> None:
    old = symbol(BATCH_NORM)

    assert [n.name for n in old.nodes] == ["data", "bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var", "bn"]
    assert [old.nodes[i].name for i in old.auxiliaries] == ["bn_moving_mean", "bn_moving_var"]
    assert node(old, "bn").inputs == tuple(Entry(index, 0) for index in range(5))
    assert node(old, "bn_moving_mean").hidden == {"eps": "0.001", "__init__": '["zero", {}]'}
    assert node(old, "bn_moving_var").hidden == {"eps": "0.001", "__init__": '["one", {}]'}
    assert old.notes == ("added the inputs that MXNet before 0.9 left out: 'bn_moving_mean', 'bn_moving_var'",)
    assert len(symbol(BATCH_NORM, version=900).nodes) == 4


@pytest.mark.parametrize(
    ("operator", "attributes", "added"),
    [
        ("Convolution", {}, ["weight", "bias"]),
        ("Convolution", {"no_bias": "True"}, ["weight"]),
        ("Deconvolution", {}, ["weight"]),
        ("Deconvolution", {"no_bias": "0"}, ["weight", "bias"]),
        ("LeakyReLU", {}, []),
        ("LeakyReLU", {"act_type": "prelu"}, ["gamma"]),
        ("UpSampling", {"sample_type": "bilinear"}, ["weight"]),
        ("RNN", {"mode": "gru"}, ["parameters", "state"]),
        ("RNN", {"mode": "lstm"}, ["parameters", "state", "state_cell"]),
        ("Softmax", {}, ["label"]),
        ("UpSampling", {"sample_type": "nearest"}, []),
        ("RNN", {"mode": "gru", "use_sequence_length": "1"}, ["parameters", "state", "sequence_length"]),
        ("SequenceLast", {}, []),
        ("SequenceMask", {"use_sequence_length": "True"}, ["sequence_length"]),
        ("CuDNNBatchNorm", {}, ["gamma", "beta", "moving_mean", "moving_inv_var"]),
        ("SomebodysOwn", {}, []),
    ],
)
def test_any_trailing_input_that_is_missing_is_added(
    operator: str, attributes: dict[str, str], added: list[str]
) -> None:
    old = symbol([("null", "data", [], {}), (operator, "op", [0], attributes)])

    assert [n.name for n in old.nodes] == ["data", *(f"op_{name}" for name in added), "op"]


def test_user_keys_are_hidden_and_those_of_an_input_move_to_it() -> None:
    nodes = [
        ("null", "data", [], {"lr_mult": "0.2", "ctx_group": "stage1"}),
        ("null", "w", [], {"weight_lr_mult": "5", "lr_mult": "1"}),
        ("null", "b", [], {}),
        (
            "FullyConnected",
            "fc",
            [0, 1, 2],
            {"num_hidden": "3", "wd_mult": "0.3", "weight_lr_mult": "1.2", "weight_ctx_group": "g", "x_lr_mult": "7"},
        ),
        ("FullyConnected", "computed", [0, 3, 2], {"num_hidden": "3", "weight_lr_mult": "9"}),
    ]
    old = symbol(nodes, version=1000)

    assert node(old, "data").hidden == {"__lr_mult__": "0.2", "__ctx_group__": "stage1"}
    assert node(old, "w").hidden == {"__lr_mult__": "1.2", "__ctx_group__": "g", "weight_lr_mult": "5"}
    assert node(old, "fc").hidden == {"__wd_mult__": "0.3", "x_lr_mult": "7"}
    assert node(old, "fc").attributes == {"num_hidden": "3"}
    assert node(old, "computed").hidden == {"weight_lr_mult": "9"}
    incomplete = symbol([("null", "x", [], {}), ("FullyConnected", "fc", [0], {"weight_lr_mult": "2"})], version=1000)
    assert node(incomplete, "fc").hidden == {"weight_lr_mult": "2"}


def test_user_keys_mean_nothing_special_to_the_newest_format() -> None:
    nodes = [("null", "x", [], {}), ("Activation", "a", [0], {"act_type": "relu", "lr_mult": "1"})]

    assert node(symbol(nodes, version=10901), "a").attributes == {"act_type": "relu", "lr_mult": "1"}


@pytest.mark.parametrize(("version", "kept"), [(None, {}), (904, {}), (905, {"axis": "-1"})])
def test_axis_minus_one_meant_all_axes_before_0_9_5(version: int | None, kept: dict[str, str]) -> None:
    old = symbol([("null", "x", [], {}), ("argmax", "best", [0], {"axis": "-1"})], version)

    assert node(old, "best").attributes == kept
    assert any("'best'" in note for note in old.notes) == (not kept)


def test_an_axis_that_is_not_minus_one_or_not_of_argmax_is_kept() -> None:
    old = symbol([("null", "x", [], {}), ("sum", "s", [0], {"axis": "-1"}), ("argmin", "a", [1], {"axis": "1"})], 904)

    assert (node(old, "s").attributes, node(old, "a").attributes) == ({"axis": "-1"}, {"axis": "1"})


@pytest.mark.parametrize(
    ("operator", "initialiser"),
    [("IdentityAttachKLSparseReg", '["zero", {}]'), ("UpSampling", '["bilinear", {}]'), ("relu", None)],
)
def test_initialisers_are_of_the_second_input_if_it_is_a_variable(operator: str, initialiser: str | None) -> None:
    variables = [("null", "x", [], {}), ("null", "w", [], {})]
    assert node(symbol([*variables, (operator, "op", [0, 1], {})], 903), "w").hidden.get("__init__") == initialiser
    assert node(symbol([variables[0], (operator, "op", [0], {})], 903), "x").hidden == {}
    computed = symbol([variables[0], ("exp", "e", [0], {}), (operator, "op", [0, 1], {})], 903)
    assert node(computed, "e").hidden == {}


def test_initialisers_are_those_of_the_operator_unless_given() -> None:
    nodes = [
        ("null", "x", [], {}),
        ("null", "gamma", [], {}),
        ("LeakyReLU", "prelu", [0, 1], {"act_type": "prelu"}),
        ("null", "up_weight", [], {"__init__": "mine"}),
        ("UpSampling", "up", [2, 3], {"sample_type": "bilinear"}),
    ]
    assert node(symbol(nodes, 903), "gamma").hidden == {"__init__": '["Constant", {"value": 0.25}]'}
    assert node(symbol(nodes, 903), "up_weight").hidden == {"__init__": "mine"}
    assert node(symbol(nodes, 904), "gamma").hidden == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("_Plus", "elemwise_add"),
        ("_MulScalar", "_mul_scalar"),
        ("_GreaterEqualScalar", "_greater_equal_scalar"),
        ("_Greater_Equal", "_greater_equal"),
        ("_RMinusScalar", "_rminus_scalar"),
        ("ElementWiseSum", "add_n"),
        ("crop", "slice"),
        ("Crop", "Crop"),
    ],
)
def test_older_operator_names_become_the_canonical_ones(old: str, new: str) -> None:
    assert symbol([("null", "x", [], {}), (old, "op", [0], {})], 10901).nodes[1].operator == new
