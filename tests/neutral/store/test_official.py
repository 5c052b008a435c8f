"""Neutral and the official library write the same bytes, and read each other's files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Mapping

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import neutral
from neutral.dtypes import CODE_OF_NUMPY, ITEM_SIZE, NUMPY_DTYPE
from neutral.store.safetensors import read_tensors, write_tensors
from neutral.tensor import Tensor, from_numpy
from samples import in_memory, sample_store

safetensors = pytest.importorskip("safetensors")
official = pytest.importorskip("safetensors.numpy")

names = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12).filter(lambda name: name != "__metadata__")
shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Draw an array of any dtype of NumPy with any bits (NaN payloads among them; bool holds 0 and 1)."""
    dtype = np.dtype(draw(st.sampled_from(sorted(CODE_OF_NUMPY))))
    shape = draw(shapes)
    count = int(np.prod(shape, dtype=int)) * dtype.itemsize
    data = draw(st.binary(min_size=count, max_size=count))
    bits = np.frombuffer(data, np.uint8)
    return (bits & 1).astype(dtype).reshape(shape) if dtype.kind == "b" else bits.view(dtype).reshape(shape)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(names, arrays(), max_size=8), st.none() | st.dictionaries(names, names, max_size=1))
def test_without_manifest_the_bytes_are_those_of_the_official_writer(
    content: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None
) -> None:
    assume(content or metadata != {})  # for which the official writer's output is invalid: {},"__metadata__":{}}
    with tempfile.TemporaryDirectory() as folder:
        written, expected = Path(folder, "written"), Path(folder, "expected")
        write_tensors({name: from_numpy(array) for name, array in content.items()}, written, metadata)
        official.save_file(dict(content), expected, metadata=metadata)
        assert written.read_bytes() == expected.read_bytes()


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(names, arrays(), max_size=8))
def test_every_byte_comes_back(content: Mapping[str, np.ndarray]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.safetensors")
        write_tensors({name: from_numpy(array) for name, array in content.items()}, path)
        tensors = read_tensors(path)
        assert tensors.keys() == content.keys()
        for name, array in content.items():
            copy = tensors[name].numpy()
            assert (copy.dtype, copy.shape, copy.tobytes()) == (
                array.dtype,
                array.shape,
                array.tobytes(),
            )


@pytest.mark.parametrize("layout", ["fortran", "strided", "broadcast", "big_endian"])
def test_arrays_that_are_not_contiguous_are_stored_by_value(layout: str, tmp_path: Path) -> None:
    base = np.arange(12, dtype="<f4").reshape(3, 4)
    array = {
        "fortran": np.asfortranarray(base),
        "strided": base[:, ::2],
        "broadcast": np.broadcast_to(base[0], (3, 4)),
        "big_endian": base.astype(">f4"),
    }[layout]
    write_tensors({"x": from_numpy(array)}, tmp_path / "x.safetensors")
    np.testing.assert_array_equal(official.load_file(tmp_path / "x.safetensors")["x"], array)


def test_all_dtypes_are_in_the_official_order(tmp_path: Path) -> None:
    """The official writer sorts large items first; BF16, which NumPy lacks, needs its serialiser."""
    written, expected = tmp_path / "written", tmp_path / "expected"
    content = {f"{number}{code}": (code, bytes(size)) for number, (code, size) in enumerate(ITEM_SIZE.items())}
    write_tensors({name: in_memory(code, (1,), data) for name, (code, data) in content.items()}, written)
    dtypes = {**{code: np.dtype(text).name for code, text in NUMPY_DTYPE.items()}, "BF16": "bfloat16"}
    safetensors.serialize_file(
        {name: specification(dtypes[code], data) for name, (code, data) in content.items()}, expected
    )
    assert written.read_bytes() == expected.read_bytes()


def specification(dtype: str, data: bytes) -> Any:
    """Return the argument of the official serialiser: a dictionary, or from 0.7 on an address; keep ``data`` alive."""
    if not hasattr(safetensors, "TensorSpec"):
        return {"dtype": dtype, "shape": [1], "data": data}
    return safetensors.TensorSpec(
        dtype=dtype, shape=[1], data_ptr=np.frombuffer(data, np.uint8).ctypes.data, data_len=len(data)
    )


def test_the_official_library_opens_a_store(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    sample_store(tmp_path).save(path)
    with safetensors.safe_open(path, framework="np") as file, neutral.open(path) as store:
        assert set(file.keys()) == set(store.tensors) == {"fc.weight", "fc.bias", "act.weight"}
        assert file.metadata()["format"] == "pt"
        for key in store.tensors:
            np.testing.assert_array_equal(file.get_tensor(key), store[key])
        np.testing.assert_array_equal(store["fc.weight"], [[1, 2, 3], [4, 5, 6]])


def test_bfloat16_is_read_as_its_bits(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_tensors({"x": from_numpy(np.array([0x3F80, 0xFFC1], np.uint16), dtype="BF16")}, path)
    tensor = read_tensors(path)["x"]
    assert isinstance(tensor, Tensor) and tensor.dtype == "BF16"
    assert tensor.numpy().tolist() == [0x3F80, 0xFFC1]
