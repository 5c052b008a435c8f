"""Calls of single operators on which random draws once found a difference, against MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import numpy as np
import pytest

from differential.calls import single_call
from differential.compare import outcome
from differential.draft import Input

NUMBERS = {"int64": np.arange(-2, 6), "uint8": np.arange(8, dtype="uint8"), "bool": np.array([True, False])}


@pytest.fixture
def end(mxnet: Any, tmp_path: Path) -> Any:
    """Return how a call ends."""

    def ending(
        operator: str, attributes: Mapping[str, Any], *inputs: Input, dtype: str = "float32", **arrays: Any
    ) -> tuple[str, str]:
        call = single_call(operator, {name: str(value) for name, value in attributes.items()}, inputs, dtype)
        return outcome(mxnet.call("differential:run_one", call={**call, "arrays": arrays}), tmp_path)

    return ending


@pytest.mark.parametrize("integral", [{}, {"is_int": True}, {"is_int": False}], ids=["left-out", "integer", "fraction"])
@pytest.mark.parametrize("number", [1.5, -0.5])
@pytest.mark.parametrize("dtype", sorted(NUMBERS))
@pytest.mark.parametrize("kind", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"])
def test_comparisons_with_a_number(end: Any, kind: str, dtype: str, number: float, integral: dict[str, bool]) -> None:
    numbers = NUMBERS[dtype]
    attributes = {"scalar": number, **integral}
    result = end(f"_npi_{kind}_scalar", attributes, Input(numbers.shape), dtype=dtype, input0=numbers)
    assert result == ("equal", "")


@pytest.mark.parametrize("number", [0.5, 2])
@pytest.mark.parametrize("dtype", sorted(NUMBERS))
@pytest.mark.parametrize("kind", ["and", "or", "xor"])
def test_bitwise_operators_with_a_number(end: Any, kind: str, dtype: str, number: float) -> None:
    numbers = NUMBERS[dtype]
    attributes = {"scalar": number}
    result = end(f"_npi_bitwise_{kind}_scalar", attributes, Input(numbers.shape), dtype=dtype, input0=numbers)
    assert result == ("equal", "")


@pytest.mark.parametrize(
    ("dtype", "step"),
    [
        ("int32", 0.5),
        ("uint8", -0.5),
        ("uint8", -1.5),
        ("int64", 2),
        ("float16", 1.7),
        ("float16", -0.3),
        ("float64", 0.3),
    ],
)
def test_ranges_like_a_tensor_of_a_dtype(end: Any, dtype: str, step: float) -> None:
    for axis in ({}, {"axis": -1}):
        assert (
            end("_contrib_arange_like", {"start": 1.5, "step": step, **axis}, Input((3, 4)), dtype=dtype)[0] == "equal"
        )


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float16", "float32"])
@pytest.mark.parametrize("operator", ["_arange", "_npi_arange"])
def test_ranges_with_fractions(end: Any, operator: str, dtype: str) -> None:
    for start, step in ((0.1, 0.3), (0.5, 1.7)):
        assert end(operator, {"start": start, "stop": 30, "step": step, "dtype": dtype})[0] == "equal"


def test_no_repetitions_are_refused(end: Any) -> None:
    assert end("repeat", {"repeats": 0, "axis": 1}, Input((3, 4))) == (
        "refused",
        "attribute 'repeats' is '0', expected an integer of at least 1",
    )


def test_no_repetitions_are_refused_in_mxnet_2(mxnet2: Any, tmp_path: Path) -> None:
    call = single_call("_npi_repeats", {"repeats": "(0,)", "axis": "0"}, [Input((2, 4))], "float32")
    refused = "attribute 'repeats' is '(0,)', expected integers of at least 1"
    assert outcome(mxnet2.call("differential:run_one", call=call), tmp_path) == ("refused", refused)


def test_densities_of_half_precision_with_sums_of_logarithms_are_refused(end: Any) -> None:
    parameters = Input((2,), ("uniform", 1, 3)), Input((2,), ("uniform", 0.2, 0.8))
    for operator, count in (("poisson", 1), ("negative_binomial", 2)):
        samples = Input((2, 3), ("integers", 0, 5))
        result = end(f"_random_pdf_{operator}", {}, samples, *parameters[:count], dtype="float16")
        assert result == ("refused", "float16, in which rounding decides its sums of logarithms")


def test_the_elements_of_a_vector_are_normalized_each(end: Any) -> None:
    assert end("L2Normalization", {}, Input((4,))) == ("equal", "")


def test_variances_of_an_old_batch_norm_are_refused(end: Any) -> None:
    channels = [Input((2,)), Input((2,)), Input((2,)), Input((2,), ("uniform", 0.2, 2))]
    ending, reason = end("BatchNorm_v1", {"output_mean_var": True}, Input((2, 2, 3, 4)), *channels)
    assert ending == "refused" and "third output is the variance" in reason
    assert end("BatchNorm_v1", {}, Input((2, 2, 3, 4)), *channels)[0] == "equal"


def test_an_exponential_distribution_of_scale_0_is_refused(end: Any) -> None:
    assert end("_npi_exponential", {"scale": 0.0, "size": (3,)})[0] == "refused"
    assert end("_npi_exponential", {"scale": 0.5, "size": (3,)})[0] == "random"


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
def test_equations_of_integers_are_solved_in_float64(end: Any, dtype: str) -> None:
    matrix, right = np.array([[3, 1], [1, 2]], dtype), np.array([9, 8], dtype)
    inputs = Input((2, 2)), Input((2,))
    for operator in ("_npi_solve", "_npi_tensorsolve"):
        assert end(operator, {}, *inputs, dtype=dtype, input0=matrix, input1=right) == ("equal", "")


@pytest.mark.parametrize("interpolation", ["midpoint", "nearest"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_percentiles_at_numbers_of_another_dtype(end: Any, dtype: str, interpolation: str) -> None:
    percents = Input((2,), ("integers", 0, 100), "float64" if dtype == "float32" else "float32")
    assert end("_npi_percentile", {"interpolation": interpolation}, Input((3, 4)), percents, dtype=dtype)[0] == "equal"


def test_windows_of_integers_and_identities_that_are_not_square_are_refused(end: Any) -> None:
    for window in ("_npi_hamming", "_npi_hanning", "_npi_blackman"):
        ending, reason = end(window, {"M": 5, "dtype": "int32"})
        assert ending == "refused" and "a window of dtype int32" in reason
        assert end(window, {"M": 5})[0] == "equal"
    assert end("_npi_identity", {"shape": (3, 2)})[0] == "refused"
    assert end("_npi_identity", {"shape": (3, 3)})[0] == "equal"


BEYOND = {"uint8": (300, -1, 1e9, 2**32 + 5), "int8": (256, -129, 3e9), "int32": (16777217, 1e9, 3e9, -1e10),
          "int64": (5e9, -1e10, 2**40 + 7, 16777217)}  # fmt: skip


@pytest.mark.parametrize(("dtype", "number"), [(dtype, number) for dtype, of in BEYOND.items() for number in of])
@pytest.mark.parametrize(
    "kind",
    [
        *("plus", "rminus", "mul", "greater_equal", "equal", "maximum", "minimum"),
        *("npi_add", "npi_rsubtract", "npi_multiply", "npi_greater_equal", "npi_equal", "npi_maximum", "npi_minimum"),
    ],
)
def test_numbers_beyond_the_dtype(end: Any, kind: str, dtype: str, number: float) -> None:
    numbers = np.array([0, 1, 2, 44, 7], dtype)
    result = end(f"_{kind}_scalar", {"scalar": number}, Input(numbers.shape), dtype=dtype, input0=numbers)
    assert result == ("equal", "")


@pytest.mark.parametrize("value", [-3, 300, 2.7, -0.5])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32"])
def test_tensors_filled_with_a_number_beyond_the_dtype(end: Any, dtype: str, value: float) -> None:
    for operator in ("_full", "_npi_full"):
        assert end(operator, {"shape": (2,), "value": value, "dtype": dtype}) == ("equal", "")
