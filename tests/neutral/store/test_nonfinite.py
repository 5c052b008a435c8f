"""Elements that are NaN or infinite are counted, wherever the chunks of a tensor end."""

from __future__ import annotations

import struct
from threading import Event

import pytest

from neutral.store.nonfinite import NonfiniteScan, nonfinite_counts
from neutral.tensor import Tensor

VALUES = (0.0, float("nan"), 1.5, float("inf"), float("-inf"), -2.0)
NAN_BF16, MAX_BF16 = b"\xc0\x7f", b"\x7f\x7f"


@pytest.mark.parametrize("size", [1, 3, 4, 5, 7, 100])
@pytest.mark.parametrize(("dtype", "code"), [("F16", "e"), ("F32", "f"), ("F64", "d")])
def test_chunks_of_any_size(dtype: str, code: str, size: int) -> None:
    data = struct.pack(f"<6{code}", *VALUES)
    chunks = tuple(data[start : start + size] for start in range(0, len(data), size))
    assert list(nonfinite_counts({"a": Tensor(dtype, (6,), lambda: chunks)})) == [("a", 3)]


def test_finite_tensors_and_integers_are_left_out() -> None:
    tensors = {
        "finite": Tensor("BF16", (2,), lambda: (MAX_BF16 * 2,)),
        "integers": Tensor("I16", (1,), lambda: (NAN_BF16,)),
        "mixed": Tensor("BF16", (2,), lambda: (MAX_BF16 + NAN_BF16,)),
    }
    assert list(nonfinite_counts(tensors)) == [("mixed", 1)]


def test_a_scan_ends_where_its_block_fails() -> None:
    stopped = Event()
    stopped.set()
    tensors = {"a": Tensor("BF16", (1,), lambda: (NAN_BF16,))}
    assert list(nonfinite_counts(tensors, stopped)) == []
    with pytest.raises(ZeroDivisionError), NonfiniteScan(tensors):
        _ = 1 / 0
