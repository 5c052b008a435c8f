"""Tensors made from attributes or from shapes against real MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.against import check_checkpoint, to_torch


def data(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(-3, 3, shape).astype(dtype)


CONSTANTS = [
    ("_zeros", {"shape": (2, 3)}),
    ("_zeros", {"shape": (2, 3), "dtype": "int32"}),
    ("_ones", {"shape": (2,)}),
    ("_ones", {"shape": (2,), "dtype": "bool"}),
    ("_full", {"shape": (2, 1), "value": 2.5}),
    ("_full", {"shape": (2,), "value": 2.7, "dtype": "int32"}),
    ("_full", {"shape": (2,), "value": -0.1, "dtype": "float16"}),
    ("_full", {"shape": (2,), "value": 2.7, "dtype": "bool"}),
    ("_arange", {"start": 5}),
    ("_arange", {"start": 2, "stop": 7}),
    ("_arange", {"start": 2, "stop": 7, "step": 3, "dtype": "int64"}),
    ("_arange", {"start": 5, "stop": 0, "step": -2, "dtype": "int32"}),
    ("_arange", {"start": 0, "stop": 5, "step": 1.5, "repeat": 2}),
    ("_arange", {"start": 0, "stop": 1, "step": 0.1}),
    ("_arange", {"start": 1, "stop": 4, "dtype": "float16"}),
    ("_arange", {"start": 0.5, "stop": 4, "step": 0.7, "dtype": "int32"}),
    ("_linspace", {"start": 0, "stop": 1, "num": 7}),
    ("_linspace", {"start": 3, "stop": -1, "num": 5, "endpoint": False, "dtype": "float64"}),
    ("_eye", {"N": 3}),
    ("_eye", {"N": 2, "M": 3, "k": 1}),
    ("_eye", {"N": 3, "k": -1, "dtype": "int32"}),
]


@pytest.mark.parametrize(("operator", "attributes"), CONSTANTS, ids=str)
def test_constants(check_operator: Any, operator: str, attributes: dict[str, Any]) -> None:
    check_operator(operator, [], **attributes)


FROM_SHAPES = [
    ("zeros_like", (2, 3), {}),
    ("ones_like", (2, 3), {}),
    ("_contrib_arange_like", (2, 3), {}),
    ("_contrib_arange_like", (2, 3, 4), {"axis": 1}),
    ("_contrib_arange_like", (2, 3, 4), {"axis": -1, "start": 2, "step": 3}),
    ("_contrib_arange_like", (2, 4), {"repeat": 2}),
    ("_contrib_arange_like", (2, 5), {"axis": 1, "repeat": 2, "start": 0.5, "step": 0.25}),
    ("_contrib_index_array", (2, 3), {}),
    ("_contrib_index_array", (2, 3, 4), {"axes": (2, 0)}),
    ("_contrib_index_array", (2, 3), {"axes": (-1,)}),
    ("diag", (3,), {}),
    ("diag", (3,), {"k": 1}),
    ("diag", (2, 3), {}),
    ("diag", (2, 3), {"k": -1}),
    ("diag", (2, 3, 4), {}),
    ("diag", (2, 3, 4), {"k": 1, "axis1": 1, "axis2": 2}),
    ("diag", (2, 3, 4), {"axis1": -1, "axis2": 0}),
]


@pytest.mark.parametrize(("operator", "shape", "attributes"), FROM_SHAPES, ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_from_shapes(
    check_operator: Any, operator: str, shape: tuple[int, ...], attributes: dict[str, Any], declared: bool
) -> None:
    check_operator(operator, [data(*shape)], declared=declared, **attributes)


@pytest.mark.parametrize("dtype", ["float16", "int32"])
def test_the_dtype_follows_the_input(check_operator: Any, dtype: str) -> None:
    x = data(2, 3, dtype=dtype)
    check_operator("ones_like", [x], exact=True)
    check_operator("_contrib_arange_like", [x], exact=True)
    check_operator("diag", [x], exact=True)


@pytest.mark.parametrize("cell", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("batch", [1, 3])
def test_zeros_whose_batch_is_inferred(mxnet: Any, tmp_path: Path, cell: str, batch: int) -> None:
    prefix, x = str(tmp_path / "cell"), data(batch, 4, 3)
    expected = mxnet.call("unrolled:cell", name=cell, steps=4, features=5, data=x, prefix=prefix)
    check_checkpoint(prefix, {"input0": to_torch(x)}, expected)
