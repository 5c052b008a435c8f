"""Attribute strings: every spelling MXNet accepts, nothing that it refuses, and errors that name the attribute."""

from __future__ import annotations

import math
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mxnet_to_neutral.symbol import Attributes, SymbolNode, values
from mxnet_to_neutral.symbol.attribute_texts import InvalidAttribute
from mxnet_to_neutral.symbol.declarations import declared_dtype, declared_shape
from mxnet_to_neutral.symbol.ranges import shown
from neutral.errors import FormatError, NeutralError
from reader.attribute_cases import ACCEPTED, REFUSED


@pytest.mark.parametrize(("parse", "text", "value"), ACCEPTED)
def test_what_mxnet_accepts(parse: Callable[[str], Any], text: str, value: Any) -> None:
    assert parse(text) == value
    assert type(parse(text)) is type(value)


def test_nan() -> None:
    assert all(math.isnan(values.parse_float(text)) for text in ("nan", "NaN", "-nan", "nan(1)"))


@pytest.mark.parametrize(("parse", "text"), [(parse, text) for parse, texts in REFUSED for text in texts])
def test_what_mxnet_refuses(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match=r"integer|number|True|dtype"):
        parse(text)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_tuples_as_python_and_cpp_print_them(items: list[int]) -> None:
    for text in (str(tuple(items)), str(items), str(items).replace(" ", "")):
        assert values.parse_ints(text) == tuple(items)
    assert values.parse_floats(str(items)) == tuple(map(float, items))


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none()))
def test_tuples_with_absent_elements(items: list[int | None]) -> None:
    assert values.parse_optional_ints(str(tuple(items))) == tuple(items)


@given(st.floats(allow_nan=False))
def test_floats_as_python_prints_them(value: float) -> None:
    assert values.parse_float(repr(value)) == value


@pytest.mark.parametrize("text", ["1" * 10**6, " " * 10**6, "(" + "1," * 10**5, "(" + " " * 10**6, "1." * 10**5])
def test_long_nonsense_is_refused_in_linear_time(text: str) -> None:
    for parse in (values.parse_int, values.parse_ints, values.parse_optional_ints, values.parse_floats):
        with pytest.raises(ValueError, match=r"integer|number"):
            parse(text + "x")


def attributes(**given: str) -> Attributes:
    return Attributes(SymbolNode("conv0", "Convolution", given, {}, (), ()), "m-symbol.json")


def test_values_and_defaults() -> None:
    a = attributes(kernel="(3, 3)", no_bias="True", act="relu", axis="None", begin="(0, None)", dtype="int8")

    assert a.ints("kernel") == (3, 3)
    assert a.ints("stride", (1, 1)) == (1, 1)
    assert a.bool("no_bias", False) is True
    assert a.int("num_group", 1) == 1
    assert a.float("eps", 1e-3) == 1e-3
    assert a.str("act", choices=("relu", "tanh")) == a.str("act") == "relu"
    assert a.ints("kernel", minimum=3) == (3, 3)
    assert attributes(group="0").int("group", minimum=0) == 0
    assert a.optional_int("axis", 1) is None
    assert a.ints_or_none("axis") is None
    assert a.optional_str("axis") is None
    assert a.optional_ints("begin") == (0, None)
    assert a.dtype("dtype") == "int8"
    assert a.optional_dtype("axis") is None
    assert a.floats("sizes", (1.0,)) == (1.0,)
    assert a.optional_float("temperature", None) is None
    assert a.optional_bool("use", None) is None


def test_pairs() -> None:
    a = attributes(crop="((0, 0), [1, 2])", pad="((0, 0), (1, -1))")

    assert a.pairs("crop") == ((0, 0), (1, 2))
    with pytest.raises(FormatError, match=r"expected pairs of integers such as \(\(0, 0\), \(1, 1\)\)"):
        a.pairs("pad")


def test_none_stands_for_the_default_of_an_attribute_that_has_one() -> None:
    a = attributes(axis="None")

    assert a.int("axis", -1) == -1
    with pytest.raises(FormatError, match="attribute 'axis' is 'None', expected an integer"):
        a.int("axis")


def test_tuples_of_more_items_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    a = attributes(kernel="(3, 3, 3)")

    monkeypatch.setenv("NEUTRAL_LIMIT_ITEM_COUNT", "3")
    assert a.ints("kernel") == (3, 3, 3)
    monkeypatch.setenv("NEUTRAL_LIMIT_ITEM_COUNT", "2")
    with pytest.raises(FormatError, match=r"attribute 'kernel' is '\(3, 3, 3\)', expected at most 2 items"):
        a.ints("kernel")


def test_attributes_that_nobody_asked_for() -> None:
    a = attributes(kernel="(3, 3)", workspace="512", surprise="1", another="2")
    a.ints("kernel")
    a.ignore("workspace", "cudnn_tune")

    assert a.unread() == ("another", "surprise")
    assert a.given("surprise") and not a.given("stride")


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda a: a.ints("kernel"), "attribute 'kernel' is '(3,', expected integers such as (3, 3)."),
        (lambda a: a.int("num_filter"), "attribute 'num_filter' is missing, expected a value"),
        (lambda a: a.int("group", 1, minimum=1), "attribute 'group' is '0', expected an integer of at least 1."),
        (lambda a: a.ints("pad", minimum=0), "attribute 'pad' is '(-1,)', expected integers of at least 0."),
        (lambda a: a.str("layout", choices=("NCW", "NCHW")), "is 'XY', expected 'NCW' or 'NCHW'."),
        (lambda a: a.float("layout"), "attribute 'layout' is 'XY', expected a number."),
        (lambda a: a.bool("layout"), "attribute 'layout' is 'XY', expected True or False."),
        (lambda a: a.dtype("layout"), "attribute 'layout' is 'XY', expected a dtype: float32, float64"),
    ],
)
def test_errors_name_file_node_attribute_found_and_expected(ask: Callable[[Attributes], Any], says: str) -> None:
    a = attributes(kernel="(3,", group="0", pad="(-1,)", layout="XY")
    with pytest.raises(FormatError) as caught:
        ask(a)
    assert "m-symbol.json: node 'conv0' (Convolution): " in str(caught.value)
    assert says in str(caught.value)


def test_long_and_hostile_values_are_shown_short_and_plain() -> None:
    with pytest.raises(FormatError) as caught:
        attributes(kernel="\x1b[2J" + "9" * 10_000).ints("kernel")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


@given(st.text(max_size=20))
def test_any_text_gives_a_value_or_our_error(text: str) -> None:
    a = attributes(x=text)
    asks = (a.bool, a.int, a.float, a.ints, a.ints_or_none, a.optional_ints, a.floats, a.dtype)
    for ask in (*asks, a.optional_bool, a.optional_int, a.optional_float, a.optional_str, a.optional_dtype):
        try:
            ask("x")
        except NeutralError as error:
            assert "'x'" in str(error)


@pytest.mark.parametrize(
    ("text", "numpy_shape", "shape"),
    [
        (None, False, None),
        ("None", True, None),
        ("()", False, None),
        ("()", True, ()),
        ("(3, 0)", False, (3, None)),
        ("(3, 0, -1)", True, (3, 0, None)),
        ("[2,3]", False, (2, 3)),
    ],
)
def test_declared_shape(text: str | None, numpy_shape: bool, shape: Any) -> None:
    variable = SymbolNode("w", "null", {}, {} if text is None else {"__shape__": text}, (), ())

    assert declared_shape(variable, numpy_shape, "f") == shape


def test_declared_dtype() -> None:
    def declared(**hidden: str) -> str | None:
        return declared_dtype(SymbolNode("w", "null", {}, hidden, (), ()), "f")

    names = ("float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool", "int16", "uint16", "uint32")
    assert tuple(declared(__dtype__=str(number)) for number in range(13)) == (*names, "uint64", "bfloat16")
    assert declared() is None
    assert declared(__dtype__="-1") is None
    assert declared(__dtype__="12") == "bfloat16"
    with pytest.raises(FormatError, match=r"node 'w' .* '__dtype__' is '13', expected a number from 0 to 12"):
        declared(__dtype__="13")


@pytest.mark.parametrize(
    ("text", "numpy_shape", "shape"),
    [("(8, 0, -1)", False, (8, None, None)), ("(8, 0, -1)", True, (8, 0, None)), ("-1", False, (None,))],
)
def test_unknown_dimensions_of_a_declared_shape(text: str, numpy_shape: bool, shape: Any) -> None:
    variable = SymbolNode("data", "null", {}, {"__shape__": text}, (), ())
    assert declared_shape(variable, numpy_shape, "m-symbol.json") == shape


def test_a_declared_shape_with_another_negative_number_is_invalid() -> None:
    variable = SymbolNode("data", "null", {}, {"__shape__": "(8, -2)"}, (), ())
    with pytest.raises(InvalidAttribute, match="-1 for an unknown dimension"):
        declared_shape(variable, False, "m-symbol.json")


@pytest.mark.parametrize("parse", [values.parse_int, values.parse_optional_int, values.parse_ints])
def test_integers_have_64_bits(parse: Callable[[str], Any]) -> None:
    for number in (-(2**63), 2**63 - 1):
        assert parse(str(number)) in (number, (number,))
    for number in (-(2**63) - 1, 2**63):
        with pytest.raises(ValueError, match="within 64 bits"):
            parse(str(number))


def test_a_value_of_80_characters_is_shown_whole() -> None:
    assert shown("x" * 78) == repr("x" * 78)
    assert shown("x" * 79) == repr("x" * 79)[:77] + "..."
