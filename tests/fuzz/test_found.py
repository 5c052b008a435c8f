"""Mutated checkpoints that once ended in an error of Python or torch, each by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch.nn")

import mxnet_to_neutral
import neutral_to_torch
from fuzzing import samples
from neutral.store import Store
from reader.checkpoints import SymbolBuilder


def read_symbol(folder: Path, symbol: SymbolBuilder) -> Store:
    path = folder / "model-symbol.json"
    path.write_text(symbol.json())
    return mxnet_to_neutral.read(path, graph_only=True)


def test_a_running_variance_that_the_graph_uses_as_a_value_is_a_buffer(tmp_path: Path) -> None:
    """It was declared as a parameter too, to which torch assigns no buffer."""
    import torch

    symbol, parameters = samples.checkpoints()[0]
    document = json.loads(symbol)
    index = {node["name"]: number for number, node in enumerate(document["nodes"])}
    document["nodes"][index["sum0"]]["inputs"][0] = [index["bn0_moving_var"], 0, 0]
    (tmp_path / "model-symbol.json").write_text(json.dumps(document))
    (tmp_path / "model-0000.params").write_bytes(parameters)
    with mxnet_to_neutral.read(tmp_path / "model-symbol.json", tmp_path / "model-0000.params") as store:
        module: Any = neutral_to_torch.build(store)
        state = module.state_dict()
        same = [key for key in state if key.endswith(("running_var", "bn0_moving_var"))]
        assert len(same) == 2 and torch.equal(*(state[key] for key in same))
        assert np.array_equal(state[same[0]].numpy(), store["bn0.running_var"])
        assert same[0] not in dict(module.named_parameters()) and same[1] not in dict(module.named_parameters())


def test_zeros_before_a_long_chain_are_read_without_recursion(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    before: Any = symbol.add("_zeros", "state", [], shape="(0, 4)", dtype="float32")
    for index in range(5000):
        before = symbol.add("relu", f"n{index}", [before])
    symbol.add("elemwise_add", "sum", [before, "data"])
    with read_symbol(tmp_path, symbol) as store:
        assert store.graph is not None
        assert next(node for node in store.graph.nodes if node.name == "state").attributes["shape"] == (1, 4)


def test_a_reshape_without_inputs_in_recurrent_parameters_is_opaque(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    part = symbol.add("Reshape", "part", [], shape="(-1,)")
    packed = symbol.add("_rnn_param_concat", "packed", [part, "rest"], dim="0", num_args="2")
    inputs: list[Any] = ["data", packed, "state", "cell"]
    symbol.add("RNN", "lstm", inputs, mode="lstm", num_layers="1", state_size="2")
    with read_symbol(tmp_path, symbol) as store:
        assert store.graph is not None
        kinds = {node.name: node.kind for node in store.graph.nodes}
        assert (kinds["part"], kinds["lstm"]) == ("opaque", "lstm")


@pytest.mark.parametrize(
    ("operator", "count"), [("Activation", 2), ("Flatten", 2), ("BatchNorm", 6), ("_zeros", 1), ("dot", 3)]
)
def test_inputs_that_no_operator_takes_are_not_dropped(tmp_path: Path, operator: str, count: int) -> None:
    attributes = {"Activation": {"act_type": "relu"}, "_zeros": {"shape": "(1, 2)"}}.get(operator, {})
    symbol = SymbolBuilder()
    symbol.add(operator, "node", [f"x{index}" for index in range(count)], **attributes)
    with read_symbol(tmp_path, symbol) as store:
        assert store.graph is not None
        node = store.graph.nodes[-1]
        assert node.kind == "opaque" and len(node.inputs) == count
        assert f"it has {count} inputs; expected at most {count - 1}" in node.attributes["reason"]
