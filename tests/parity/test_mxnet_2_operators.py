"""Operators that MXNet 2 added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mxnet_to_neutral
import neutral.reference
import neutral_to_torch

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(2, 3, 4).astype("float32")


@pytest.mark.parametrize("transposed", [{}, {"transpose_b": True}, {"transpose_a": True}])
def test_fused_batch_dot(check_node2: Any, transposed: dict[str, bool]) -> None:
    check_node2("_sg_onednn_batch_dot", [X, X if transposed else X.reshape(2, 4, 3)], **transposed)


@pytest.mark.parametrize(
    ("operator", "numpy", "attributes"),
    [
        ("_contrib_quantized_reshape", False, {"shape": (0, -1)}),
        ("_npx_quantized_reshape", True, {"newshape": (-2, -1)}),
        ("_contrib_quantized_transpose", False, {"axes": (1, 0, 2)}),
        ("_npx_quantized_transpose", True, {"axes": (1, 0, 2)}),
        ("_npx_quantized_transpose", True, {}),
    ],
)
def test_moves_of_quantized_elements(
    mxnet2: Any, tmp_path: Path, operator: str, numpy: bool, attributes: dict[str, Any]
) -> None:
    """The module gets the real numbers, which are moved as MXNet moves the integers."""
    integers = np.arange(-12, 12, dtype="int8").reshape(2, 3, 4)
    low, high = np.array([-1.0], "float32"), np.array([1.0], "float32")
    arguments = {"operator": operator, "inputs": [integers, low, high], "numpy": numpy, "prefix": str(tmp_path / "op")}
    texts = {name: str(value) for name, value in attributes.items()}
    (expected,) = mxnet2.call("nodes:run", attributes=texts, **arguments)
    quantise_around(tmp_path / "op-symbol.json")
    module = neutral_to_torch.build(mxnet_to_neutral.read(str(tmp_path / "op")))
    real = integers.astype("float32") / 127
    np.testing.assert_array_equal(module(torch.from_numpy(real)).numpy(), expected.astype("float32") / 127)


def quantise_around(path: Path) -> None:
    """Give the operator of a symbol quantised real numbers, and make real numbers of what it returns."""
    symbol = json.loads(path.read_text())
    data, low, high, node = symbol["nodes"]
    quantise = {"op": "_contrib_quantize", "name": "quantise", "attrs": {"out_type": "int8"}}
    dequantise = {"op": "_contrib_dequantize", "name": "dequantise", "inputs": [[4, output, 0] for output in range(3)]}
    quantise["inputs"] = [[0, 0, 0], [1, 0, 0], [2, 0, 0]]
    node["inputs"] = [[3, output, 0] for output in range(3)]
    symbol.update(nodes=[data, low, high, quantise, node, dequantise], arg_nodes=[0, 1, 2], heads=[[5, 0, 0]])
    symbol.pop("node_row_ptr", None)
    for variable in (data, low, high):
        variable.get("attrs", {}).pop("__dtype__", None)
    path.write_text(json.dumps(symbol))


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("trials", [5, 100])
def test_binomial(mxnet2: Any, tmp_path: Path, trials: int, probability: float) -> None:
    """The module and the reference have the distribution's mean and variance; so has MXNet where few trials succeed or
    fail. Elsewhere its numbers are shifted, which is noted."""
    texts = {"n": str(trials), "p": str(probability), "shape": "(4000,)", "dtype": "float32"}
    arguments = {"operator": "_random_binomial", "inputs": [], "attributes": texts, "prefix": str(tmp_path / "op")}
    (expected,) = mxnet2.call("nodes:run", **arguments)
    store = mxnet_to_neutral.read(str(tmp_path / "op"))
    torch.manual_seed(0)
    (referred,) = neutral.reference.run(store, {}, seed=0).values()
    for draws in (expected, neutral_to_torch.build(store)().numpy(), referred):
        assert draws.shape == (4000,) and draws.dtype == np.float32
        variance = trials * probability * (1 - probability)
        faulty = draws is expected and trials == 100 and probability < 1
        difference = draws.mean() - trials * probability
        assert 0.5 < abs(difference) < 1.2 if faulty else abs(difference) <= 5 * np.sqrt(variance / 4000)
        assert abs(draws.var() - variance) <= 0.15 * variance
    assert any("up to 1 too large" in note for note in store.notes) == (trials == 100 and probability < 1)


def test_binomial_of_tensors(mxnet2: Any, tmp_path: Path) -> None:
    trials, p = np.array([10.0, 200.0], "float32"), np.array([0.5, 0.1], "float32")
    arguments = {"operator": "_sample_binomial", "inputs": [trials, p], "attributes": {"shape": "(3000,)"}}
    (expected,) = mxnet2.call("nodes:run", prefix=str(tmp_path / "op"), **arguments)
    module = neutral_to_torch.build(mxnet_to_neutral.read(str(tmp_path / "op")))
    torch.manual_seed(0)
    for draws in (expected, module(torch.from_numpy(trials), torch.from_numpy(p)).numpy()):
        assert draws.shape == (2, 3000) and draws.dtype == np.float32
        np.testing.assert_allclose(draws.mean(1), trials * p, rtol=0.05)
        np.testing.assert_allclose(draws.var(1), trials * p * (1 - p), rtol=0.15)


PLACES, VALUES = np.array([1.0, 2, 4, 5]), np.array([3.0, 2, 0, 9])

AT = np.array([[0, 1, 1.5, 2.0], [2.72, 3.14, 5, 9]])


@pytest.mark.parametrize(
    "options",
    ["", ", left=-5", ", right=7.5", ", left=2, right=-1", ", period=3.5", ", period=-3.5", ", period=7, left=1"],
)
def test_interp(check_numpy2: Any, options: str) -> None:
    check_numpy2(f"np.interp(x, p, v{options})", x=AT, p=PLACES, v=VALUES)


@pytest.mark.parametrize("attributes", [{}, {"left": -5}, {"period": 3.5}])
@pytest.mark.parametrize("x", [0.5, 2.5, 5, 8])
def test_interp_at_a_number(check_node2: Any, x: float, attributes: dict[str, Any]) -> None:
    check_node2("_npi_interp", [PLACES, VALUES], x_is_scalar=True, x_scalar=x, **attributes)


def test_interp_of_one_point(check_numpy2: Any) -> None:
    check_numpy2("np.interp(x, p, v)", x=AT, p=PLACES[:1], v=VALUES[:1])


TALL = np.random.RandomState(1).randn(5, 3)


@pytest.mark.parametrize("columns", [(5,), (5, 2)])
@pytest.mark.parametrize("rcond", ["None", "-1", "0.5", '"warn"'])
def test_least_squares(check_numpy2: Any, columns: tuple[int, ...], rcond: str) -> None:
    """All four outputs, of a matrix with full rank."""
    right = np.random.RandomState(2).randn(*columns)
    for dtype in ("float64", "float32"):
        check_numpy2(f"np.linalg.lstsq(a, b, rcond={rcond})", a=TALL.astype(dtype), b=right.astype(dtype))


def test_least_squares_without_a_unique_solution(check_numpy2: Any) -> None:
    """There are no residuals then."""
    right = np.random.RandomState(2).randn(5, 2)
    check_numpy2("np.linalg.lstsq(a, b, rcond=None)", a=TALL.T.copy(), b=right[:3])
    check_numpy2("np.linalg.lstsq(a, b, rcond=1e-10)", a=np.ones((5, 3)), b=right)


RANKS = {
    "full": TALL,
    "one": np.ones((3, 4)),
    "zero": np.zeros((3, 4)),
    "batch": np.stack([TALL, np.ones((5, 3))]),
    "vector": np.array([1.0, 2.0]),
    "vector with a zero": np.array([1.0, 0.0]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("matrix", list(RANKS))
def test_matrix_rank(check_numpy2: Any, matrix: str, dtype: str) -> None:
    check_numpy2("np.linalg.matrix_rank(a)", exact=True, a=RANKS[matrix].astype(dtype))


@pytest.mark.parametrize("tolerance", [np.array(1.0), np.array([0.1, 3.0]), np.array([2.0])])
@pytest.mark.parametrize("matrix", ["full", "batch"])
def test_matrix_rank_with_a_tolerance(check_numpy2: Any, matrix: str, tolerance: np.ndarray) -> None:
    check_numpy2("np.linalg.matrix_rank(a, t)", exact=True, a=RANKS[matrix], t=tolerance)


@pytest.mark.parametrize("given", [{"n": 4, "m": 4}, {"n": 4, "k": -1, "m": 3}, {"n": 3, "k": 2, "m": 5}])
def test_tril_indices(check_node2: Any, given: dict[str, int]) -> None:
    check_node2("_npi_tril_indices", [], exact=True, **given)


def test_both_tril_indices(check_numpy2: Any) -> None:
    check_numpy2("np.tril_indices(4, 1, 3)", exact=True)


@pytest.mark.parametrize(
    "shape",
    [(0, -1), (4, 0, 2), (-2,), (2, -2), (-3, 4), (0, -3), (-4, 1, 2, -2), (2, -4, -1, 3, -2), (6, 1, -1), (4, 6)],
)
@pytest.mark.parametrize("dtype", ["int64", "float32"])
def test_dynamic_reshape(check_node2: Any, shape: tuple[int, ...], dtype: str) -> None:
    check_node2("_contrib_dynamic_reshape", [X, np.array(shape, dtype)], exact=True)


DILATION, LENGTHS = np.array([1, 2, 3], "int32"), np.array([3, 7], "int32")


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("width", [0, 1, 3])
def test_window_attention(check_node2: Any, width: int, symmetric: bool) -> None:
    """Three heads with steps of their own; the second sequence has the full length."""
    random = np.random.RandomState(3)
    query, key, value = (random.randn(2, 7, 3, 4).astype("float32") for _ in range(3))
    scores = random.randn(2, 7, 3, width * (1 + symmetric) + 1).astype("float32")
    given = {"w": width, "symmetric": symmetric}
    check_node2("_contrib_sldwin_atten_score", [query, key, DILATION], **given)
    check_node2("_contrib_sldwin_atten_context", [scores, value, DILATION], **given)
    check_node2("_contrib_sldwin_atten_mask_like", [scores, DILATION, LENGTHS], exact=True, **given)
