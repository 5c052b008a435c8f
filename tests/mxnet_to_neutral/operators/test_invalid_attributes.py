"""Attributes that cannot be understood never keep weights from being read: the node is opaque, the store is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mxnet_to_neutral
import neutral
from mxnet_to_neutral.convert import convert_symbol
from mxnet_to_neutral.symbol import parse_symbol
from neutral.store.store import Store
from neutral_to_mxnet import restore
from reader.checkpoints import SymbolBuilder, ramp, write_checkpoint


def read(folder: Path, symbol: SymbolBuilder, **arrays: np.ndarray) -> Store:
    """Read a checkpoint, save and open the store, and check that the checkpoint is restored byte for byte."""
    with mxnet_to_neutral.read(write_checkpoint(folder, symbol, {f"arg:{k}": v for k, v in arrays.items()})) as store:
        store.save(folder / "store.safetensors")
    opened = neutral.open(folder / "store.safetensors")
    restore(opened, folder / "back")
    assert (folder / "back" / "model-0000.params").read_bytes() == (folder / "model-0000.params").read_bytes()
    return opened


CONVOLUTION = {"kernel": "(3, 3)", "num_filter": "4", "no_bias": "True"}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"kernel": "(3; 3)"}, "attribute 'kernel' is '(3; 3)', expected"),
        ({"num_filter": "many"}, "attribute 'num_filter' is 'many', expected"),
        ({"num_group": "0"}, "attribute 'num_group' is '0', expected an integer of at least 1"),
        ({"layout": "NCHW", "no_bias": "perhaps"}, "attribute 'no_bias' is 'perhaps', expected"),
    ],
)
def test_the_node_is_opaque_and_the_weights_are_kept(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    symbol = SymbolBuilder()
    first = symbol.add("Convolution", "c", ["data", "c_weight"], **{**CONVOLUTION, **changed})
    symbol.add("Convolution", "d", [first, "d_weight"], **CONVOLUTION)
    store = read(tmp_path, symbol, c_weight=ramp(4, 3, 3, 3), d_weight=ramp(4, 4, 3, 3))
    assert store.graph is not None
    opaque = next(node for node in store.graph.nodes if node.name == "c")
    assert opaque.kind == "opaque" and opaque.attributes["reason"].startswith(reason)
    assert store.layers["d"].kind == "convolution"
    np.testing.assert_array_equal(store.tensors["c_weight.value"].numpy(), ramp(4, 3, 3, 3))


def test_a_node_without_an_input_for_its_weight_is_opaque(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    first = symbol.add("Convolution", "c", ["data"], **CONVOLUTION)
    symbol.add("Convolution", "d", [first, "d_weight"], **CONVOLUTION)
    store = read(tmp_path, symbol, d_weight=ramp(4, 4, 3, 3))
    assert store.graph is not None
    opaque = next(node for node in store.graph.nodes if node.name == "c")
    assert opaque.attributes["reason"] == "it has 1 input and none for its weight"


def test_an_attribute_of_too_many_items_makes_the_node_opaque(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    x = symbol.add("Reshape", "r", ["data"], shape=f"({'0, ' * 100_000})")
    symbol.add("FullyConnected", "fc", [x, "fc_weight"], num_hidden="2", no_bias="1")
    store = read(tmp_path, symbol, fc_weight=ramp(2, 3))
    assert store.graph is not None
    assert "expected at most 4096 items" in store.graph.nodes[0].attributes["reason"]


def test_a_missing_attribute(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    symbol.add("FullyConnected", "fc", ["data", "fc_weight"], no_bias="1")
    store = read(tmp_path, symbol, fc_weight=ramp(2, 3))
    assert store.graph is not None
    assert "attribute 'num_hidden' is missing" in store.graph.nodes[-1].attributes["reason"]


def test_a_declaration_of_a_variable_is_ignored_with_a_note(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    data = symbol.variable("data", __shape__="(1, x)")
    symbol.add("FullyConnected", "fc", [data, "fc_weight"], num_hidden="2", no_bias="1")
    store = read(tmp_path, symbol, fc_weight=ramp(2, 3))
    assert store.graph is not None and store.graph.inputs[0].shape is None
    assert any("the declaration of input 'data' is ignored" in note for note in store.notes)
    assert store.layers["fc"].kind == "linear"


@pytest.mark.parametrize(
    "operator", ["Convolution", "Deconvolution", "GroupNorm", "RNN", "FullyConnected", "BatchNorm"]
)
def test_nodes_without_inputs_are_opaque(operator: str) -> None:
    symbol = SymbolBuilder()
    attributes = {
        "GroupNorm": {},
        "BatchNorm": {},
        "RNN": {"mode": "lstm", "state_size": "2", "num_layers": "1"},
        "FullyConnected": {"num_hidden": "2"},
    }
    symbol.add(operator, "it", [], **attributes.get(operator, CONVOLUTION))
    (draft,) = convert_symbol(parse_symbol(symbol.json(), "s.json"), {}, "s.json").drafts
    assert draft.kind == "opaque"


def test_damaged_symbols_are_read_or_refused(shared_data: Path) -> None:
    for path in sorted((shared_data / "failing").glob("mutated*-symbol.json")):
        store = mxnet_to_neutral.read(path)
        assert store.graph is not None and any(node.kind == "opaque" for node in store.graph.nodes), path


def test_pooling_of_mxnet_2(shared_data: Path) -> None:
    """It writes ``output_size`` as None."""
    store = mxnet_to_neutral.read(shared_data / "failing" / "pool-symbol.json")
    assert store.graph is not None
    kinds: list[Any] = [node.kind for node in store.graph.nodes]
    assert "opaque" not in kinds and any("pool" in kind for kind in kinds)


@pytest.mark.parametrize(
    ("operator", "inputs", "reason"),
    [
        ("sin", [], "it has 0 inputs; expected at least 1"),
        ("dot", ["data"], "it has 1 input; expected at least 2"),
        ("_foreach", ["data"], "it has 0 subgraphs; expected at least 1"),
        ("_sg_mkldnn_conv", ["data"], "it has 0 subgraphs; expected 1"),
    ],
)
def test_a_node_without_enough_inputs_or_subgraphs_is_opaque(operator: str, inputs: list[str], reason: str) -> None:
    loop = {"num_args": "2", "num_outputs": "1", "num_out_data": "1", "in_data_locs": "(0,)", "in_state_locs": "()"}
    symbol = SymbolBuilder()
    symbol.add(operator, "it", inputs, **({**loop, "remain_locs": "()"} if operator == "_foreach" else {}))
    (draft,) = convert_symbol(parse_symbol(symbol.json(), "model-symbol.json"), {}, "model-symbol.json").drafts
    assert draft.kind == "opaque" and draft.attributes["reason"] == reason
