"""Operators on sparse storage against real MXNet: what they give, stored densely."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mxnet_to_neutral
from parity.against import check_checkpoint, to_torch
from reader.ndarray_bytes import array_list, csr, floats, row_sparse

X = np.array([[0, 0, 0], [1, -2, 0], [0, 0, 0], [0, 3, 4], [5, 0, 0]], "float32")


@pytest.mark.parametrize("stype", ["default", "row_sparse", "csr"])
def test_cast_storage(check_operator: Any, stype: str) -> None:
    check_operator("cast_storage", [X], stype=stype, exact=True)


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("_square_sum", {"axis": 1}),
        ("_square_sum", {"axis": 0}),
        ("_square_sum", {"axis": 1, "keepdims": True}),
        ("_sparse_retain", {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint8", "int32", "int64"])
def test_row_sparse(mxnet: Any, tmp_path: Path, operator: str, attributes: dict[str, Any], dtype: str) -> None:
    """Squares of integers and their sums overflow in MXNet's dtype."""
    x = X.astype(dtype) if dtype.startswith("float") else (7 * X).astype(dtype)
    inputs = {"x": x, "rows": np.array([1, 4], "int64")} if operator == "_sparse_retain" else {"x": x}
    prefix = str(tmp_path / "op")
    arguments = {"operator": operator, "inputs": inputs, "attributes": attributes, "prefix": prefix}
    expected = mxnet.call("operators:run_row_sparse", **arguments)
    check_checkpoint(prefix, {name: to_torch(value) for name, value in inputs.items()}, expected)


@pytest.mark.parametrize("count", [0, 1, 2, 6])
def test_arrays_whose_number_of_elements_is_that_of_before(mxnet: Any, tmp_path: Path, count: int) -> None:
    """MXNet's reader, too, takes the number of indices in place of the one in the storage shape."""
    records = [
        row_sparse((4, 2), floats(1, 2, 3, 4), [0, 2], values_shape=(count, 2)),
        csr((2, 3), floats(5, 6, 7), [2, 0, 1], [0, 1, 3], values_shape=(count,)),
        row_sparse((2, 1), floats(8), [1]),
    ]
    path = tmp_path / "net.params"
    path.write_bytes(array_list(records, ["r", "c", "last"]))
    expected = mxnet.call("models:load_dense", path=str(path))
    with mxnet_to_neutral.read(path) as store:
        for name, value in expected.items():
            np.testing.assert_array_equal(store[store.layers[name].tensors["value"]], value)
    assert list(expected) == ["r", "c", "last"]
