"""Passes of the reader, on symbols that are written without MXNet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mxnet_to_neutral
from mxnet_to_neutral.passes import PASSES
from neutral.graph import Graph, Node, Value
from neutral.store.store import Store
from reader.checkpoints import SymbolBuilder, params_bytes, ramp

STEPS, FEATURES, HIDDEN = 3, 4, 2


def read(folder: Path, symbol: SymbolBuilder, *heads: int, **arrays: np.ndarray) -> Store:
    """Read a symbol with these outputs and arrays."""
    (folder / "model-symbol.json").write_text(symbol.json(*heads), encoding="utf-8")
    (folder / "model-0000.params").write_bytes(params_bytes({f"arg:{name}": array for name, array in arrays.items()}))
    return mxnet_to_neutral.read(str(folder / "model"))


def graph_of(store: Store) -> Graph:
    assert store.graph is not None
    return store.graph


def kinds(store: Store) -> list[str]:
    return [node.kind for node in graph_of(store).nodes]


def only(store: Store, kind: str) -> Node:
    (node,) = (node for node in graph_of(store).nodes if node.kind == kind)
    return node


def test_every_pass_has_a_name_and_a_summary() -> None:
    for each in PASSES:
        assert re.fullmatch(r"[a-z_]+", each.name) and each.run.__name__ == each.name
        assert re.fullmatch(r"[A-Z][^\n]*\.", each.summary)


def lstm_step(symbol: SymbolBuilder, name: str, x: Any, states: tuple[Any, Any], prefix: str) -> tuple[int, int]:
    """Add a step as ``gluon.rnn.LSTMCell`` writes it; return the new states h and c."""
    hidden = str(4 * HIDDEN)
    h, c = states
    i2h = symbol.add("FullyConnected", f"{name}i2h", [x, f"{prefix}i2h_weight", f"{prefix}i2h_bias"], num_hidden=hidden)
    h2h = symbol.add("FullyConnected", f"{name}h2h", [h, f"{prefix}h2h_weight", f"{prefix}h2h_bias"], num_hidden=hidden)
    split = symbol.add(
        "SliceChannel", f"{name}slice", [symbol.add("elemwise_add", f"{name}sum", [i2h, h2h])], num_outputs="4"
    )
    functions = ("sigmoid", "sigmoid", "tanh", "sigmoid")
    i, f, g, o = (
        symbol.add("Activation", f"{name}{gate}", [(split, k)], act_type=function)
        for k, (gate, function) in enumerate(zip("ifco", functions))
    )
    kept, added = (symbol.add("elemwise_mul", f"{name}{k}", pair) for k, pair in enumerate(([f, c], [i, g])))
    state = symbol.add("elemwise_add", f"{name}state", [kept, added])
    squashed = symbol.add("Activation", f"{name}activation", [state], act_type="tanh")
    return symbol.add("elemwise_mul", f"{name}out", [o, squashed]), state


def unrolled(symbol: SymbolBuilder, prefix: str, order: range) -> list[int]:
    """Add an LSTM over the outputs of the node ``steps``, in this order; return its outputs by step."""
    steps = next(index for index, node in enumerate(symbol.nodes) if node["name"] == "steps")
    zeros = [symbol.add("_zeros", f"{prefix}begin{k}", [], shape=f"(1, {HIDDEN})") for k in range(2)]
    states: tuple[Any, Any] = (zeros[0], zeros[1])
    outputs: dict[int, int] = {}
    for step in order:
        states = lstm_step(symbol, f"{prefix}t{step}_", (steps, step), states, prefix)
        outputs[step] = states[0]
    return [outputs[step] for step in range(STEPS)]


def weights(prefix: str) -> dict[str, np.ndarray]:
    return {
        f"{prefix}i2h_weight": ramp(4 * HIDDEN, FEATURES),
        f"{prefix}h2h_weight": ramp(4 * HIDDEN, HIDDEN),
        f"{prefix}i2h_bias": ramp(4 * HIDDEN),
        f"{prefix}h2h_bias": ramp(4 * HIDDEN),
    }


def sequence() -> SymbolBuilder:
    symbol = SymbolBuilder()
    symbol.add("SliceChannel", "steps", ["data"], num_outputs=str(STEPS), axis="0", squeeze_axis="True")
    return symbol


def test_a_cell_is_fused(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    lstm_step(symbol, "t0_", "data", ("h", "c"), "lstm_")
    store = read(tmp_path, symbol, **weights("lstm_"))
    assert kinds(store) == ["lstm_cell"]
    node = only(store, "lstm_cell")
    assert (node.name, node.layer, node.inputs) == ("t0_out", "lstm", (Value("data"), Value("h"), Value("c")))
    assert sorted(store.layers["lstm"].tensors) == ["bias_hh", "bias_ih", "weight_hh", "weight_ih"]


def test_a_cell_with_a_gate_that_is_used_outside_is_kept(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    result, _ = lstm_step(symbol, "t0_", "data", ("h", "c"), "lstm_")
    gate = next(index for index, node in enumerate(symbol.nodes) if node["name"] == "t0_i")
    store = read(tmp_path, symbol, result, gate, **weights("lstm_"))
    assert "lstm_cell" not in kinds(store) and kinds(store).count("linear") == 2


@pytest.mark.parametrize(
    ("order", "expected"), [(range(STEPS), ["lstm"]), (range(STEPS)[::-1], ["flip", "lstm", "flip"])]
)
def test_unrolled_cells_are_a_layer(tmp_path: Path, order: range, expected: list[str]) -> None:
    symbol = sequence()
    symbol.add("stack", "stacked", list(unrolled(symbol, "lstm_", order)))
    store = read(tmp_path, symbol, **weights("lstm_"))
    assert kinds(store) == expected
    assert graph_of(store).outputs == (Value("stacked"),)
    assert set(store.layers) == {"lstm"}


def test_the_last_step_is_taken_from_the_layer(tmp_path: Path) -> None:
    symbol = sequence()
    last = unrolled(symbol, "lstm_", range(STEPS))[-1]
    assert kinds(read(tmp_path, symbol, last, **weights("lstm_"))) == ["lstm", "sequence_last"]


def test_both_directions_are_a_bidirectional_layer(tmp_path: Path) -> None:
    symbol = sequence()
    directions = [
        symbol.add("stack", name, list(unrolled(symbol, f"{name}_", order)))
        for name, order in (("l", range(STEPS)), ("r", range(STEPS)[::-1]))
    ]
    symbol.add("Concat", "both", directions, dim="2")
    store = read(tmp_path, symbol, **weights("l_"), **weights("r_"))
    assert kinds(store) == ["lstm"]
    node = only(store, "lstm")
    assert node.name == "both" and node.attributes["bidirectional"] and node.inputs[0] == Value("data")
    assert "weight_ih_l0_reverse" in store.layers[node.layer or ""].tensors


def test_targets_of_training_are_left_out(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    scores = symbol.add("relu", "scores", ["data"])
    targets = symbol.add("_contrib_MultiBoxTarget", "targets", ["anchors", "label", scores])
    loss = symbol.add("elemwise_add", "loss", [scores, targets])
    store = read(tmp_path, symbol, scores, loss)
    assert kinds(store) == ["relu"]
    assert [item.name for item in graph_of(store).inputs] == ["data"]
    assert any("for training alone" in note and "loss" in note for note in store.notes)


def test_interleaved_projections_are_split(tmp_path: Path) -> None:
    symbol, size, heads = SymbolBuilder(), 4, 2
    names = ("query", "key", "value")
    weights = [
        symbol.add("Reshape", f"w_{n}", [f"{n}_weight"], shape=f"({heads}, -1, 0)", reverse="True") for n in names
    ]
    biases = [symbol.add("Reshape", f"b_{n}", [f"{n}_bias"], shape=f"({heads}, -1)") for n in names]
    joined = symbol.add("Concat", "w", weights, dim="-2")
    weight = symbol.add("Reshape", "weight", [joined], shape="(-1, 0)", reverse="True")
    bias = symbol.add("Reshape", "bias", [symbol.add("stack", "b", biases, axis="1")], shape="(-1,)")
    projected = symbol.add(
        "FullyConnected", "projection", ["data", weight, bias], num_hidden=str(3 * size), flatten="False"
    )
    scores = symbol.add("_contrib_interleaved_matmul_selfatt_qk", "scores", [projected], heads=str(heads))
    symbol.add("_contrib_interleaved_matmul_selfatt_valatt", "values", [projected, scores], heads=str(heads))
    arrays = {
        f"{n}_{role}": ramp(*shape) for n in names for role, shape in (("weight", (size, size)), ("bias", (size,)))
    }
    store = read(tmp_path, symbol, **arrays)
    assert kinds(store) == ["linear", "linear", "linear", "attention_scores", "attention_values"]
    assert list(store.layers) == list(names)
