"""No attribute, and no value of one, keeps the weights of a checkpoint from being read: at worst its node is opaque."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest

import mxnet_to_neutral
from mxnet_to_neutral.convert import convert_symbol
from mxnet_to_neutral.symbol import parse_symbol
from neutral.store.store import Store
from reader.checkpoints import SymbolBuilder, ramp, write_checkpoint
from reader.registry_cases import Case, add_node, convertible_cases, input_count, required_attributes

NONSENSE = ("nonsense", "", "-7", "9" * 30, "(3,)", "nan", "()")
"""Values that most attributes do not accept: words, numbers out of range, tuples of another length."""


def different_cases() -> Iterator[Any]:
    """Yield the operators of both releases, once where they have the same attributes."""
    seen = set()
    for parameter in convertible_cases():
        (case,) = parameter.values
        key = (case.operator, tuple(sorted(case.types.items())))
        if key not in seen:
            yield parameter
        seen.add(key)


def read(folder: Path, case: Case, variants: dict[str, dict[str, str]]) -> Store:
    """Read a symbol with a node of the operator for each variant of its attributes, and a layer with a weight."""
    symbol = SymbolBuilder()
    heads = [symbol.add("FullyConnected", "fc", ["data", "fc_weight"], num_hidden="2", no_bias="True")]
    heads += [add_node(symbol, case, name, attributes) for name, attributes in variants.items()]
    prefix = write_checkpoint(folder, symbol, {"arg:fc_weight": ramp(2, 3)})
    text = symbol.json(*heads).replace("10901", str(case.version))
    Path(f"{prefix}-symbol.json").write_text(text, encoding="utf-8")
    return mxnet_to_neutral.read(prefix)


@pytest.mark.parametrize("case", list(different_cases()))
def test_any_number_of_inputs_makes_a_node_opaque_at_worst(case: Case) -> None:
    fewest = input_count(case)
    for count in range(fewest + 2):
        symbol = SymbolBuilder()
        inputs = [symbol.variable(f"x{index}", __shape__="(2,)") for index in range(count)]
        symbol.add(case.operator, "it", inputs, **required_attributes(case))
        text = symbol.json().replace("10901", str(case.version))
        names = {draft.name for draft in convert_symbol(parse_symbol(text, "s.json"), {}, "s.json").drafts}
        assert "it" in names


@pytest.mark.parametrize(
    ("operator", "count", "attributes", "reason"),
    [
        ("_npi_add", 1, {}, "it has 1 input; expected at least 2"),
        ("_sample_negative_binomial", 1, {}, "it has 1 input; expected at least 2"),
        ("_sample_generalized_negative_binomial", 0, {}, "it has 0 inputs; expected at least 1"),
        ("_np_atleast_1d", 0, {}, "it has no outputs"),
        (
            "_random_generalized_negative_binomial_like",
            1,
            {"mu": "-1"},
            "mu -1.0 and alpha 1.0, expected mu of at least 0 and alpha above 0",
        ),
        ("_full", 0, {"shape": "(2,)", "value": "inf", "dtype": "int32"}, "the number inf as int32"),
        ("_npi_full", 0, {"shape": "(2,)", "value": "nan", "dtype": "uint8"}, "the number nan as uint8"),
        ("_contrib_arange_like", 1, {"start": "-inf"}, "start -inf"),
        (
            "_split_v2",
            1,
            {"indices": "(0,)", "sections": "9999999999"},
            "attribute 'sections' is '9999999999', expected an integer of at most 65536. "
            "NEUTRAL_LIMIT_OUTPUT_COUNT raises this limit",
        ),
        ("_npi_weibull", 0, {"a": "0", "size": "(2,)"}, "a 0.0, expected a number above 0"),
        ("_npi_around", 1, {"decimals": "400"}, "decimals 400, expected at most 300 on either side"),
        ("_npi_tensordot_int_axes", 2, {"axes": "33"}, "axes 33, more than an array can have: 32"),
        (
            "_contrib_MultiBoxPrior",
            1,
            {"steps": "()"},
            "steps () and offsets (0.5, 0.5), expected 2 numbers each: of y and x",
        ),
    ],
)
def test_numbers_that_a_rule_cannot_compute_with(
    operator: str, count: int, attributes: dict[str, str], reason: str
) -> None:
    symbol = SymbolBuilder()
    symbol.add(operator, "it", [f"x{index}" for index in range(count)], **attributes)
    (draft,) = convert_symbol(parse_symbol(symbol.json(), "s.json"), {}, "s.json").drafts
    assert (draft.kind, draft.attributes["reason"]) == ("opaque", reason)


def test_logits_of_any_size_have_a_probability() -> None:
    symbol = SymbolBuilder()
    attributes = {"prob": "None", "is_logit": "True", "size": "(2,)"}
    heads = [
        symbol.add("_npi_bernoulli", f"p{i}", [], logit=x, **attributes) for i, x in enumerate(("-1e30", "0", "9"))
    ]
    drafts = convert_symbol(parse_symbol(symbol.json(*heads), "s.json"), {}, "s.json").drafts
    assert [draft.inputs[0] for draft in drafts] == pytest.approx([0, 0.5, 1 / (1 + math.exp(-9))])


def test_a_recurrent_layer_of_a_number_is_opaque_at_worst() -> None:
    symbol = SymbolBuilder()
    inputs = [symbol.variable("x", __shape__="()"), *(symbol.variable(name) for name in ("parameters", "h"))]
    symbol.add("RNN", "it", inputs, mode="gru", num_layers="1", state_size="2")
    document = json.loads(symbol.json())
    document["attrs"]["is_np_shape"] = ["int", 1]
    drafts = convert_symbol(parse_symbol(json.dumps(document), "s.json"), {}, "s.json").drafts
    assert drafts[-1].kind in ("opaque", "gru", "identity")


@pytest.mark.parametrize("case", list(different_cases()))
def test_nonsense_makes_a_node_opaque_at_worst(tmp_path: Path, case: Case) -> None:
    required = required_attributes(case)
    names = [name for name in case.types if name != "inputs"]
    variants = {"node": {**required, "nonsense": "1"}}
    for name in names:
        variants.update({f"{name}{i}": {**required, name: value} for i, value in enumerate(NONSENSE)})
    store = read(tmp_path, case, variants)
    np.testing.assert_array_equal(store.tensors["fc.weight"].numpy(), ramp(2, 3))
    assert store.graph is not None
    kinds = {node.name: node for node in store.graph.nodes}
    assert kinds["fc"].kind == "linear"
    opaque = kinds["node"]
    assert opaque.kind == "opaque" and "nonsense" in opaque.attributes["reason"]
