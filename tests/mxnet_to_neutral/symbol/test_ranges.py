"""Attributes out of the ranges that MXNet accepts make a node opaque, whatever its operator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mxnet_to_neutral.convert import convert_symbol
from mxnet_to_neutral.operators import RULES
from mxnet_to_neutral.symbol import parse_symbol
from mxnet_to_neutral.symbol.aliases import CANONICAL
from mxnet_to_neutral.symbol.arity import MAXIMUM_INPUTS
from mxnet_to_neutral.symbol.ranges import RANGES, range_problem
from reader.checkpoints import SymbolBuilder

TABLES = Path(__file__).parents[1] / "operators" / "attributes"


def test_every_range_is_of_an_attribute_of_the_registry_and_of_an_operator_with_a_rule() -> None:
    attributes: dict[str, dict[str, str]] = {}
    for path in sorted(TABLES.glob("*.json")):
        for name, kinds in json.loads(path.read_text()).items():
            attributes.setdefault(CANONICAL.get(name, name), {}).update(kinds)
    attributes["_linspace"]["num"] = "int"  # the registry lists the attributes of _arange for it
    for operator, ranges in RANGES.items():
        assert operator in RULES, operator
        assert set(ranges) <= set(attributes[operator]), operator
        for name, (low, high) in ranges.items():
            assert attributes[operator][name].startswith("float") == (high is not None), (operator, name, low)


def test_every_count_of_the_registry_that_is_never_negative_has_a_range() -> None:
    for path in sorted(TABLES.glob("*.json")):
        for name, kinds in json.loads(path.read_text()).items():
            operator = CANONICAL.get(name, name)
            counts = {key for key, kind in kinds.items() if kind.startswith("int (non-negative)")}
            ignored = {"workspace", "num_args", "im2col_step"}
            assert operator not in RULES or counts - ignored <= set(RANGES.get(operator, {})), operator


@pytest.mark.parametrize("operator", RANGES)
def test_a_value_out_of_range_makes_the_node_opaque(operator: str) -> None:
    for name, (low, high) in RANGES[operator].items():
        for value in (None if low is None else low - 1, None if high is None else high + 1):
            if value is None:
                continue
            symbol = SymbolBuilder()
            inputs = ["data"][: MAXIMUM_INPUTS.get(operator, 1)]
            symbol.add(operator, "it", inputs, **{name: str(value)})
            (draft,) = convert_symbol(parse_symbol(symbol.json(), "s.json"), {}, "s.json").drafts
            assert (draft.kind, draft.attributes["operator"]) == ("opaque", operator)
            assert draft.attributes["reason"].startswith(f"attribute {name!r} is '{value}', expected ")


@pytest.mark.parametrize("operator", RANGES)
def test_the_ends_of_a_range_are_in_it(operator: str) -> None:
    for name, (low, high) in RANGES[operator].items():
        for value in (low, high):
            assert value is None or range_problem(operator, {name: str(value)}) is None
        assert range_problem(operator, {name: "None"}) is None


@pytest.mark.parametrize(
    ("operator", "attributes", "problem"),
    [
        ("Convolution", {"kernel": "(3, 0)"}, "attribute 'kernel' is '(3, 0)', expected integers of at least 1"),
        ("Convolution", {"kernel": "[3L, -3L]"}, "attribute 'kernel' is '[3L, -3L]', expected integers of at least 1"),
        ("Convolution", {"kernel": "-3"}, "attribute 'kernel' is '-3', expected an integer of at least 1"),
        ("RNN", {"p": "-0.5"}, "attribute 'p' is '-0.5', expected a number from 0 to 1"),
        ("RNN", {"p": "inf"}, "attribute 'p' is 'inf', expected a number from 0 to 1"),
        (
            "SliceChannel",
            {"num_outputs": "1000000000"},
            "attribute 'num_outputs' is '1000000000', expected an integer of at most 65536. "
            "NEUTRAL_LIMIT_OUTPUT_COUNT raises this limit",
        ),
        (
            "Anything",
            {"num_layers": "1025"},
            "attribute 'num_layers' is '1025', expected an integer of at most 1024. "
            "NEUTRAL_LIMIT_LAYER_COUNT raises this limit",
        ),
        ("Anything", {"num_layers": "1024"}, None),
        ("Convolution", {"pad": "(0, -1)"}, "attribute 'pad' is '(0, -1)', expected integers of at least 0"),
        ("_np_reshape", {"newshape": "-2"}, "attribute 'newshape' is '-2', expected an integer of at least -1"),
        ("_npx_reshape", {"newshape": "-7"}, "attribute 'newshape' is '-7', expected an integer of at least -6"),
        ("Convolution", {"stride": "()", "kernel": "many", "num_group": "2.0", "pad": "(0, 0)"}, None),
        ("Dropout", {"p": "nan", "axes": "(0, 1)"}, None),
        ("Dropout", {}, None),
    ],
)
def test_the_message_names_attribute_value_and_range(
    operator: str, attributes: dict[str, str], problem: str | None
) -> None:
    assert range_problem(operator, attributes) == problem


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("SliceChannel", {"num_outputs": "0", "axis": "1"}),
        ("Concat", {"dim": "0", "num_args": "1"}),
        ("slice_axis", {"axis": "0", "begin": "0", "end": "None"}),
    ],
)
@pytest.mark.parametrize("shape", ["(1, 4)", "()"])
def test_the_shape_of_a_node_without_parts_or_axes_is_unknown(
    operator: str, attributes: dict[str, str], shape: str
) -> None:
    """Each was a division by zero in the inference of shapes, which a convolution behind the node asks for."""
    symbol = SymbolBuilder()
    x = symbol.add(operator, "it", [symbol.variable("data", __shape__=shape)], **attributes)
    symbol.add("Convolution", "c", [x, "w"], kernel="(1,)", num_filter="2", no_bias="1")
    document = json.loads(symbol.json())
    document["attrs"]["is_np_shape"] = ["int", 1]
    drafts = convert_symbol(parse_symbol(json.dumps(document).encode(), "s.json"), {}, "s.json").drafts
    assert [draft.kind for draft in drafts[-1:]] == ["convolution"]
