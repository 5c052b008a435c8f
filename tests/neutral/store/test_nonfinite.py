"""Elements that are NaN or infinite are counted, wherever the chunks of a tensor end."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from neutral.graph import Layer
from neutral.store import Store
from neutral.store.nonfinite import NonfiniteCounter
from neutral.tensor import CHUNK, Tensor, from_numpy

VALUES = (0.0, float("nan"), 1.5, float("inf"), float("-inf"), -2.0)
NAN_BF16, MAX_BF16 = b"\xc0\x7f", b"\x7f\x7f"


def counted(tensors: dict[str, Tensor]) -> list[tuple[str, int]]:
    counter = NonfiniteCounter(tensors)
    for key, tensor in tensors.items():
        for chunk in tensor.chunks():
            counter(key, chunk)
    return list(counter.counts.items())


@pytest.mark.parametrize("size", [1, 3, 4, 5, 7, 100])
@pytest.mark.parametrize(("dtype", "code"), [("F16", "e"), ("F32", "f"), ("F64", "d")])
def test_chunks_of_any_size(dtype: str, code: str, size: int) -> None:
    data = struct.pack(f"<6{code}", *VALUES)
    chunks = tuple(data[start : start + size] for start in range(0, len(data), size))
    assert counted({"a": Tensor(dtype, (6,), lambda: chunks)}) == [("a", 3)]


def test_finite_tensors_and_integers_are_left_out() -> None:
    tensors = {
        "finite": Tensor("BF16", (2,), lambda: (MAX_BF16 * 2,)),
        "integers": Tensor("I16", (1,), lambda: (NAN_BF16,)),
        "mixed": Tensor("BF16", (2,), lambda: (MAX_BF16 + NAN_BF16,)),
    }
    assert counted(tensors) == [("mixed", 1)]


def test_half_an_element_of_one_tensor_is_none_of_the_next() -> None:
    counter = NonfiniteCounter({"cut": Tensor("BF16", (1,), ()), "whole": Tensor("BF16", (1,), ())})
    counter("cut", b"\x7f")
    counter("whole", NAN_BF16)
    assert counter.counts == {"whole": 1}


@pytest.mark.parametrize("digests", [True, False])
@pytest.mark.parametrize("name", ["a.safetensors", "a.h5"])
def test_the_tensors_of_a_store_are_counted_while_it_is_saved(tmp_path: Path, name: str, digests: bool) -> None:
    np = pytest.importorskip("numpy")
    if name.endswith(".h5"):
        pytest.importorskip("h5py")
    large = np.ones(CHUNK // 2 + 3, np.float32)
    large[[0, CHUNK // 4, -1]] = np.nan
    tensors = {
        "b.value": from_numpy(large),
        "a.value": from_numpy(np.float32([np.inf, 1])),
        "c.value": from_numpy(large[1:4]),
    }
    layers = {key[0]: Layer(key[0], "parameter", {}, {"value": key}) for key in tensors}
    counter = NonfiniteCounter(tensors)
    Store(layers, tensors).save(tmp_path / name, digests=digests, observe=counter)
    assert list(counter.counts.items()) == [("b.value", 3), ("a.value", 1)]
