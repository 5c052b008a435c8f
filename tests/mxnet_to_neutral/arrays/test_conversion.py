"""Test the dense tensors that arrays are converted to."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Callable

import pytest

import mxnet_to_neutral
from mxnet_to_neutral.arrays import Array, read_arrays
from neutral.errors import FormatError, UnsupportedError
from reader.ndarray_bytes import array_list, csr, dense, floats, npy, row_sparse

np = pytest.importorskip("numpy")

OnlyArray = Callable[[bytes], Array]


@pytest.fixture
def only_array(tmp_path: Path) -> OnlyArray:
    """Write the bytes of a parameter file and read its only array."""

    def read(content: bytes) -> Array:
        path = tmp_path / "a.params"
        path.write_bytes(content)
        (array,) = read_arrays(path).arrays
        return array

    return read


def test_a_dense_array_is_its_bytes_in_the_file(only_array: OnlyArray) -> None:
    array = only_array(array_list([dense((1, 2), floats(3, 4))]))
    assert array.plain and array.rule == "identity" and array.sources == (array,)
    assert array.tensor() is array.stored
    array.check_indices()


def test_booleans_become_0_and_1(only_array: OnlyArray) -> None:
    array = only_array(array_list([dense((4,), bytes([0, 1, 2, 255]), "BOOL")]))
    assert not array.plain
    assert b"".join(map(bytes, array.tensor().chunks())) == bytes([0, 1, 1, 1])


def test_a_column_major_array_becomes_row_major(only_array: OnlyArray) -> None:
    array = only_array(npy((2, 3), floats(1, 4, 2, 5, 3, 6), fortran=True))
    assert not array.plain and array.rule == "identity"
    np.testing.assert_array_equal(array.tensor().numpy(), [[1, 2, 3], [4, 5, 6]])


def test_a_row_sparse_array_becomes_dense(only_array: OnlyArray) -> None:
    array = only_array(array_list([row_sparse((4, 2), floats(1, 2, 3, 4), [1, 3])]))
    assert (array.rule, array.plain, list(array.parts())) == ("dense", False, ["data", "indices"])
    np.testing.assert_array_equal(array.tensor().numpy(), [[0, 0], [1, 2], [0, 0], [3, 4]])


def test_a_csr_array_becomes_dense(only_array: OnlyArray) -> None:
    array = only_array(array_list([csr((3, 4), floats(1, 2, 3), [3, 0, 1], [0, 1, 1, 3])]))
    np.testing.assert_array_equal(array.tensor().numpy(), [[0, 0, 0, 1], [0, 0, 0, 0], [2, 3, 0, 0]])


def test_a_csr_array_without_row_starts_is_zero(only_array: OnlyArray) -> None:
    array = only_array(array_list([csr((2, 3), b"", [], [])]))
    np.testing.assert_array_equal(array.tensor().numpy(), np.zeros((2, 3), np.float32))


def test_a_sparse_array_of_empty_rows_has_no_bytes(only_array: OnlyArray) -> None:
    array = only_array(array_list([row_sparse((3, 0), b"", [1])]))
    assert list(array.tensor().chunks()) == []


@pytest.mark.parametrize("rows_per_block", [1, 2, 3])
def test_dense_blocks_join_to_the_same_tensor(
    only_array: OnlyArray, rows_per_block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mxnet_to_neutral.arrays.conversion.CHUNK", 8 * rows_per_block)
    rows = [0, 2, 3, 6]
    array = only_array(array_list([row_sparse((7, 2), floats(*range(8)), rows)]))
    expected = np.zeros((7, 2), np.float32)
    expected[rows] = np.arange(8).reshape(4, 2)
    assert max(len(chunk) for chunk in array.tensor().chunks()) == 8 * rows_per_block
    np.testing.assert_array_equal(array.tensor().numpy(), expected)


@pytest.mark.parametrize("rows_per_block", [1, 2, 3])
def test_dense_blocks_of_a_csr_array(
    only_array: OnlyArray, rows_per_block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mxnet_to_neutral.arrays.conversion.CHUNK", 8 * rows_per_block)
    array = only_array(array_list([csr((5, 2), floats(1, 2, 3, 4), [1, 0, 1, 0], [0, 1, 1, 3, 3, 4])]))
    assert max(len(chunk) for chunk in array.tensor().chunks()) == 8 * rows_per_block
    np.testing.assert_array_equal(array.tensor().numpy(), [[0, 1], [0, 0], [2, 3], [0, 0], [4, 0]])


def test_invalid_indices_are_found_when_the_tensor_is_read(only_array: OnlyArray) -> None:
    tensor = only_array(array_list([row_sparse((3, 2), floats(1, 2), [7])])).tensor()
    with pytest.raises(FormatError, match="index 7 is outside 0 to 2"):
        list(tensor.chunks())


def test_a_sparse_array_that_would_grow_without_bound_is_refused(only_array: OnlyArray) -> None:
    array = only_array(array_list([row_sparse((1 << 40, 1), floats(1), [5])]))
    with pytest.raises(UnsupportedError, match=r"would take 4398046511104 bytes as a dense array; at most 1073741824"):
        array.tensor()


@pytest.mark.parametrize("limit", ["DENSE_BYTES", "DENSE_TOTAL_BYTES"])
def test_a_sparse_array_may_grow_as_far_as_the_limits_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """To a number of bytes for each that is stored, here 12 of one value and its row, or to an absolute number."""
    path = tmp_path / "a.params"
    monkeypatch.setenv(f"NEUTRAL_LIMIT_{limit}", "1")
    monkeypatch.setenv("NEUTRAL_LIMIT_DENSE_GROWTH", "3")
    for rows, absolute, allowed in ((9, 1, True), (10, 1, False), (10, 40, True), (11, 40, False)):
        monkeypatch.setenv(f"NEUTRAL_LIMIT_{limit}", str(absolute))
        path.write_bytes(array_list([row_sparse((rows, 1), floats(1), [5])]))
        with nullcontext() if allowed else pytest.raises(UnsupportedError, match=f"at most {max(36, absolute)} are"):
            mxnet_to_neutral.read(path)


def test_many_sparse_arrays_that_would_grow_without_bound_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(array_list([row_sparse((1 << 26, 1), floats(1), [5])] * 20))
    with pytest.raises(UnsupportedError, match=r"20 sparse arrays would take 5368709120 bytes.*DENSE_TOTAL_BYTES"):
        mxnet_to_neutral.read(path)


def test_the_limit_of_all_sparse_arrays_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(array_list([row_sparse((1 << 26, 1), floats(1), [5])] * 20))
    monkeypatch.setenv("NEUTRAL_LIMIT_DENSE_TOTAL_BYTES", "8GiB")
    assert len(mxnet_to_neutral.read(path).layers) == 20
