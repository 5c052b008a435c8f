"""Test that a symbol with any damage to its structure gives a store or a NeutralError."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any, Callable

import pytest

import mxnet_to_neutral
from neutral.errors import NeutralError
from reader.checkpoints import SymbolBuilder

EXTREMES = (
    "",
    "None",
    "0",
    "-1",
    "()",
    "(0,)",
    "(-1, 2)",
    "(1, 2, 3, 4, 5)",
    "1e400",
    "nan",
    "True",
    "x",
    "2147483648",
)

Symbol = Any
Mutation = Callable[[Symbol, random.Random], None]


def _convolutional() -> SymbolBuilder:
    symbol = SymbolBuilder()
    x = symbol.add("Convolution", "conv", ["data", "w", "b"], kernel="(3, 3)", num_filter="8", num_group="2")
    x = symbol.add("BatchNorm", "bn", [x, "gamma", "beta", "mean", "var"], eps="0.001", fix_gamma="False")
    x = symbol.add("LeakyReLU", "prelu", [x, "slope"], act_type="prelu")
    x = symbol.add("Pooling", "pool", [x], kernel="(2, 2)", stride="(2, 2)", pool_type="max")
    parts = symbol.add("SliceChannel", "parts", [x], num_outputs="2", axis="1")
    x = symbol.add("Concat", "joined", [(parts, 0), (parts, 1)], dim="1", num_args="2")
    x = symbol.add("Reshape", "flat", [x], shape="(0, -1)")
    x = symbol.add("FullyConnected", "fc", [x, "fc_w", "fc_b"], num_hidden="10")
    symbol.add("SoftmaxOutput", "softmax", [x, "label"])
    return symbol


def _sequential() -> SymbolBuilder:
    symbol = SymbolBuilder()
    x = symbol.add("Embedding", "words", ["data", "table"], input_dim="20", output_dim="6")
    x = symbol.add("SwapAxis", "swap", [x], dim1="0", dim2="1")
    x = symbol.add("RNN", "rnn", [x, "p", "h", "c"], state_size="4", num_layers="2", mode="lstm", state_outputs="True")
    x = symbol.add("slice_axis", "last", [(x, 0)], axis="0", begin="-1", end="None")
    x = symbol.add("transpose", "moved", [x], axes="(1, 0, 2)")
    x = symbol.add("broadcast_mul", "scaled", [x, "scale"])
    x = symbol.add("_mul_scalar", "half", [x], scalar="0.5")
    x = symbol.add("sum", "total", [x], axis="(1,)", keepdims="True")
    symbol.add("Pad", "padded", [x], mode="constant", pad_width="(0, 0, 1, 1, 0, 0)")
    return symbol


def _loop() -> SymbolBuilder:
    body = SymbolBuilder()
    body.add("elemwise_add", "next", ["item", "state"])
    symbol = SymbolBuilder()
    symbol.add(
        "_foreach",
        "loop",
        ["data", "h"],
        num_args="3",
        num_outputs="2",
        num_out_data="1",
        in_data_locs="(0,)",
        in_state_locs="(1,)",
        remain_locs="()",
    )
    body_graph = json.loads(body.json())
    body_graph["heads"] = [[2, 0, 0], [2, 0, 0]]
    symbol.nodes[-1]["subgraphs"] = [body_graph]
    return symbol


SAMPLES = {builder.__name__: json.loads(builder().json()) for builder in (_convolutional, _sequential, _loop)}


def _operator(symbol: Symbol, chance: random.Random) -> Any:
    return chance.choice([node for node in symbol["nodes"] if node["op"] != "null"])


def drop_inputs(symbol: Symbol, chance: random.Random) -> None:
    node = _operator(symbol, chance)
    del node["inputs"][chance.randrange(len(node["inputs"]) + 1) :]


def add_input(symbol: Symbol, chance: random.Random) -> None:
    node = _operator(symbol, chance)
    node["inputs"].insert(chance.randrange(len(node["inputs"]) + 1), [0, 0, 0])


def change_edge(symbol: Symbol, chance: random.Random) -> None:
    node = _operator(symbol, chance)
    if node["inputs"]:
        edge = chance.choice(node["inputs"])
        edge[chance.randrange(2)] = chance.choice([0, 1, 2, 7, 1 << 19])


def change_attribute(symbol: Symbol, chance: random.Random) -> None:
    node = _operator(symbol, chance)
    if node["attrs"]:
        node["attrs"][chance.choice(sorted(node["attrs"]))] = chance.choice(EXTREMES)


def drop_attribute(symbol: Symbol, chance: random.Random) -> None:
    node = _operator(symbol, chance)
    if node["attrs"]:
        del node["attrs"][chance.choice(sorted(node["attrs"]))]


def change_operator(symbol: Symbol, chance: random.Random) -> None:
    others = ["_while_loop", "_cond", "_foreach", "RNN", "Reshape", "add_n", "_contrib_quantize", "SliceChannel", "dot"]
    _operator(symbol, chance)["op"] = chance.choice(others)


def change_heads(symbol: Symbol, chance: random.Random) -> None:
    symbol["heads"] = [[chance.randrange(len(symbol["nodes"])), chance.choice([0, 1, 5]), 0] for _ in range(2)]


def change_subgraphs(symbol: Symbol, chance: random.Random) -> None:
    for node in symbol["nodes"]:
        if "subgraphs" in node:
            node["subgraphs"] = node["subgraphs"] * chance.choice([0, 2, 3])


MUTATIONS: tuple[Mutation, ...] = (
    drop_inputs,
    add_input,
    change_edge,
    change_attribute,
    drop_attribute,
    change_operator,
    change_heads,
    change_subgraphs,
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
@pytest.mark.parametrize("sample", SAMPLES)
def test_damaged_structure_gives_a_store_or_our_error(sample: str, mutation: Mutation, tmp_path: Path) -> None:
    path = tmp_path / "m-symbol.json"
    for seed in range(60):
        chance = random.Random(seed)
        symbol = copy.deepcopy(SAMPLES[sample])
        for _ in range(chance.randrange(1, 3)):
            mutation(symbol, chance)
        path.write_text(json.dumps(symbol))
        try:
            mxnet_to_neutral.read(path)
        except NeutralError:
            pass
        except Exception as error:
            pytest.fail(f"seed {seed}: {type(error).__name__}: {error}\n{json.dumps(symbol)}")


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_samples_are_sound(sample: str, tmp_path: Path) -> None:
    path = tmp_path / "m-symbol.json"
    path.write_text(json.dumps(SAMPLES[sample]))
    assert not any("opaque" in note for note in mxnet_to_neutral.read(path).notes)


def test_symbols_that_failed_before(shared_data: Path) -> None:
    paths = sorted((shared_data / "failing").glob("mutated*-symbol.json"))
    assert paths
    for path in paths:
        try:
            mxnet_to_neutral.read(path)
        except NeutralError as error:
            assert str(path) in str(error)
