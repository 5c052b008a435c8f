"""Calls of single operators in MXNet 2 that random calls found to differ once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Sequence

import pytest

from differential.calls import Options, is_numpy, single_call
from differential.compare import outcome
from differential.draft import Input

INTEGERS = ("int8", "uint8", "int32", "int64")


@pytest.fixture
def end(mxnet2: Any, tmp_path: Path) -> Any:
    """Return how a call ends."""

    def ending(
        operator: str,
        inputs: Sequence[Input],
        dtype: str = "float32",
        attributes: Mapping[str, str] | None = None,
        numpy: bool | None = None,
        declares: bool = False,
    ) -> tuple[str, str]:
        options = Options(20000, is_numpy(operator) if numpy is None else numpy, declares_shapes=declares)
        call = single_call(operator, attributes or {}, inputs, dtype, options)
        return outcome(mxnet2.call("differential:run_one", call=call), tmp_path)

    return ending


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool"])
@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "fix", "rint"])
def test_rounded_integers_are_floating_numbers(end: Any, name: str, dtype: str) -> None:
    assert end(f"_npi_{name}", [Input((2, 3, 4))], dtype) == ("equal", "")


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("attributes", [{}, {"axis": "1"}, {"axis": "-1", "keepdims": "True"}], ids=str)
def test_positions_of_bools(end: Any, name: str, attributes: Mapping[str, str]) -> None:
    assert end(f"_npi_{name}", [Input((2, 3, 4))], "bool", attributes) == ("equal", "")


@pytest.mark.parametrize("number", ["0", "1", "2"])
@pytest.mark.parametrize("name", ["gcd", "lcm"])
def test_divisors_of_bools_and_a_number(end: Any, name: str, number: str) -> None:
    attributes = {"scalar": number, "is_int": "True"}
    assert end(f"_npi_{name}_scalar", [Input((3, 4))], "bool", attributes) == ("equal", "")


@pytest.mark.parametrize("dtype", INTEGERS)
def test_factors_of_integers(end: Any, dtype: str) -> None:
    assert end("_npi_qr", [Input((3, 4))], dtype) == ("equal", "")


@pytest.mark.parametrize(
    ("first", "second"), [((2, 3), (4, 2, 3)), ((3,), (4, 2, 3)), ((3,), (3,)), ((2, 4, 3), (2, 4, 3))]
)
def test_cross_products_of_vectors_that_differ_in_rank(end: Any, first: Any, second: Any) -> None:
    assert end("_npi_cross", [Input(first), Input(second)], "float64") == ("equal", "")


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 1, 2)])
@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_unravelled_positions_keep_their_shape(end: Any, shape: Any, dtype: str) -> None:
    positions = Input(shape, ("integers", 0, 11))
    assert end("_unravel_index", [positions], dtype, {"shape": "(3, 4)"}) == ("equal", "")


@pytest.mark.parametrize("numpy", [False, True])
@pytest.mark.parametrize(
    ("operator", "attributes", "shapes"),
    [
        *((name, {}, [(2, 3)]) for name in ("sum", "mean", "prod", "nansum", "nanprod", "max", "min", "norm")),
        *((name, {"axis": "(0, 1)"}, [(2, 3)]) for name in ("sum", "max", "norm")),
        *((name, attributes, [(4,)]) for name in ("argmax", "argmin") for attributes in ({}, {"axis": "0"})),
        ("argmax", {}, [(2, 3)]),
        ("argmax_channel", {}, [(2, 3)]),
        ("moments", {"axes": "(0, 1)"}, [(2, 3)]),
        ("dot", {}, [(3,), (3,)]),
        ("squeeze", {}, [(1, 1)]),
        ("squeeze", {"axis": "(0, 1)"}, [(1, 1)]),
        ("_linalg_sumlogdiag", {}, [(1, 1)]),
        ("_linalg_det", {}, [(2, 2)]),
        ("_linalg_slogdet", {}, [(2, 2)]),
    ],
)
def test_classic_operators_and_scalars(
    end: Any, operator: str, attributes: Mapping[str, str], shapes: Sequence[tuple[int, ...]], numpy: bool
) -> None:
    """Most give one element where NumPy's shapes would have a scalar; determinants give the scalar."""
    inputs = [Input(shape, ("uniform", 0.5, 2)) for shape in shapes]
    assert end(operator, inputs, attributes=attributes, numpy=numpy) == ("equal", "")


@pytest.mark.parametrize("dtype", ["float16", "int32"])
@pytest.mark.parametrize("name", ["gamma", "negative_binomial", "generalized_negative_binomial", "binomial"])
def test_random_numbers_in_other_dtypes(end: Any, name: str, dtype: str) -> None:
    """torch draws them in float32."""
    parameters = [Input((2, 3), ("integers", 1, 4)), Input((2, 3), ("constant", 1))]
    assert end(f"_sample_{name}", parameters, dtype) == ("random", "")


@pytest.mark.parametrize("name", ["gamma", "negative_binomial", "generalized_negative_binomial"])
def test_random_numbers_like_float16(end: Any, name: str) -> None:
    assert end(f"_random_{name}_like", [Input((2, 3))], "float16") == ("random", "")


def test_counts_of_integers(end: Any) -> None:
    counts = Input((4,), ("constant", 0))
    assert end("_npi_multinomial", [counts], "int32", {"n": "3"}) == ("random", "")


def test_refusals_by_name(end: Any) -> None:
    assert end("digamma", [Input((3,))], "int32")[0] == "refused"
    assert end("_npi_cross", [Input((3, 3)), Input((3,))], declares=True)[0] == "refused"
    counts = [Input((2,), ("integers", 1, 5)), Input((2, 3), ("probabilities", -1))]
    assert end("_sample_multinomial", counts)[0] == "refused"
    images, kernel = Input((1, 2, 4, 4)), Input((2, 2, 3, 3))
    attributes = {"kernel": "(3, 3)", "num_filter": "2", "no_bias": "True"}
    assert end("Convolution", [images, kernel], "int8", attributes, numpy=False)[0] in ("refused", "invalid")
