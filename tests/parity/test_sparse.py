"""Operators on sparse storage against real MXNet: what they give, stored densely."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.against import check_checkpoint, to_torch

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
