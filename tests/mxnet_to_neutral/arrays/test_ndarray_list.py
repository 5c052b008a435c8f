"""The NDArray list: what each version of it is read as, and what each kind of broken one says."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from mxnet_to_neutral.arrays import Array, ArrayFile, read_arrays
from neutral.errors import FormatError
from neutral.tensor import Tensor
from reader.ndarray_bytes import FLAG, array_list, csr, dense, floats, none, row_sparse

Parse = Callable[[bytes], ArrayFile]
TWO = floats(1, 2)


@pytest.fixture
def parsed(tmp_path: Path) -> Parse:
    def parse_bytes(content: bytes) -> ArrayFile:
        path = tmp_path / "a.params"
        path.write_bytes(content)
        return read_arrays(path)

    return parse_bytes


def content(tensor: Tensor | None) -> bytes:
    assert tensor is not None
    return b"".join(map(bytes, tensor.chunks()))


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_a_dense_array_of_each_version(parsed: Parse, version: int) -> None:
    file = parsed(array_list([dense((1, 2), TWO, version=version)], ["arg:w"]))
    (array,) = file.arrays
    assert (file.format, file.named, file.notes) == ("ndarray-list", True, ())
    assert (array.name, array.dtype, array.shape) == ("arg:w", "F32", (1, 2))
    assert (array.storage, array.offset, array.fortran_order) == ("dense", 24, False)
    assert content(array.data) == TWO
    assert array.indices is array.indptr is None


@pytest.mark.parametrize("dtype", FLAG)
@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_every_dtype(parsed: Parse, dtype: str, version: int) -> None:
    size = {"8": 1, "L": 1, "6": 2, "2": 4, "4": 8}[dtype[-1]]
    elements = bytes(range(3 * size))
    file = parsed(array_list([dense((3,), elements, dtype, version)]))
    assert file.arrays[0].dtype == dtype
    assert content(file.arrays[0].data) == elements


def test_versions_mix_in_one_list_and_keep_its_order(parsed: Parse) -> None:
    records = [dense((2,), TWO, version=version) for version in (2, 0, 3, 1)]
    file = parsed(array_list(records, ["d", "c", "b", "a"]))
    assert [array.name for array in file.arrays] == ["d", "c", "b", "a"]
    assert [content(array.data) for array in file.arrays] == [TWO] * 4


def test_without_names_the_index_is_the_name(parsed: Parse) -> None:
    file = parsed(array_list([dense((2,), TWO)] * 3))
    assert not file.named
    assert [array.name for array in file.arrays] == ["0", "1", "2"]


def test_an_empty_list(parsed: Parse) -> None:
    file = parsed(array_list([]))
    assert (file.arrays, file.named) == ((), False)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_an_array_that_was_never_made_has_no_content(parsed: Parse, version: int) -> None:
    file = parsed(array_list([none(version), dense((2,), TWO)], ["n", "w"]))
    assert file.arrays[0] == Array("n", "", (), "none", 24, None, None, None)
    assert content(file.arrays[1].data) == TWO


def test_no_dimensions_are_one_element_in_version_3(parsed: Parse) -> None:
    file = parsed(array_list([dense((), floats(7), version=3)], ["s"]))
    assert (file.arrays[0].storage, file.arrays[0].shape) == ("dense", ())
    assert content(file.arrays[0].data) == floats(7)


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_a_dimension_of_zero_is_an_empty_array(parsed: Parse, version: int) -> None:
    file = parsed(array_list([dense((0, 3), b"", version=version), dense((2,), TWO)], ["z", "w"]))
    assert (file.arrays[0].shape, content(file.arrays[0].data)) == ((0, 3), b"")
    assert content(file.arrays[1].data) == TWO


def test_a_row_sparse_array(parsed: Parse) -> None:
    values = floats(1, 2, 3, 4)
    file = parsed(array_list([row_sparse((5, 2), values, [1, 4])], ["r"]))
    (array,) = file.arrays
    assert (array.storage, array.shape, array.indptr) == ("row_sparse", (5, 2), None)
    assert array.data is not None and array.data.shape == (2, 2)
    assert array.stored_nbytes == len(values) + 2 * 8
    assert array.indices is not None and (array.indices.dtype, array.indices.shape) == ("I64", (2,))
    assert content(array.data) == values
    assert content(array.indices) == (1).to_bytes(8, "little") + (4).to_bytes(8, "little")
    array.check_indices()


def test_a_csr_array(parsed: Parse) -> None:
    file = parsed(array_list([csr((3, 4), floats(1, 2, 3), [3, 0, 1], [0, 1, 1, 3])], ["c"]))
    (array,) = file.arrays
    assert (array.storage, array.shape) == ("csr", (3, 4))
    assert array.data is not None and array.data.shape == (3,)
    assert array.indptr is not None and array.indptr.shape == (4,)
    assert array.stored_nbytes == 3 * 4 + 3 * 8 + 4 * 8
    assert array.indices is not None and array.indices.only_range.offset == array.indptr.only_range.offset + 32
    array.check_indices()


@pytest.mark.parametrize(
    "record",
    [row_sparse((4, 2), b"", []), row_sparse((0, 2), b"", []), csr((4, 2), b"", [], [0] * 5), csr((4, 2), b"", [], [])],
    ids=["row_sparse", "no rows", "csr", "csr without indptr"],
)
def test_a_sparse_array_of_zeros_only(parsed: Parse, record: bytes) -> None:
    file = parsed(array_list([record, dense((2,), TWO)], ["s", "w"]))
    file.arrays[0].check_indices()
    assert content(file.arrays[1].data) == TWO


def test_names_are_any_text(parsed: Parse) -> None:
    names = ["arg:привет", "a:b:c", "x/../y", "", "\x1b[31m"]
    file = parsed(array_list([dense((2,), TWO)] * 5, names))
    assert [array.name for array in file.arrays] == names


@pytest.mark.parametrize("device", [1, 2, 3, 5], ids=["CPU", "GPU", "pinned", "shared"])
def test_an_array_saved_from_any_device_of_mxnet_is_no_oddity(parsed: Parse, device: int) -> None:
    assert parsed(array_list([dense((2,), TWO, device=(device, 9))])).notes == ()


def test_a_list_may_have_as_many_arrays_and_names_as_fit(parsed: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUTRAL_LIMIT_ARRAY_COUNT", "5")
    assert len(parsed(array_list([none(0)] * 5)).arrays) == 5
    with pytest.raises(FormatError, match="6 arrays are announced; at most 5") as caught:
        parsed(array_list([none(0)] * 6))
    assert caught.value.offset == 16
    assert parsed(array_list([none(0)], [""])).arrays[0].name == ""


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_a_shape_has_up_to_32_dimensions(parsed: Parse, version: int) -> None:
    (array,) = parsed(array_list([dense((1,) * 32, floats(7), version=version)])).arrays
    assert (array.shape, content(array.data)) == ((1,) * 32, floats(7))
    (rows,) = parsed(array_list([row_sparse((1,) * 32, floats(7), [0])])).arrays
    assert rows.shape == (1,) * 32


def test_a_name_has_up_to_65536_bytes(parsed: Parse) -> None:
    assert parsed(array_list([none(0)], ["n" * 65536])).arrays[0].name == "n" * 65536
    with pytest.raises(FormatError, match="a name of 65537 bytes"):
        parsed(array_list([none(0)], ["n" * 65537]))


def test_oddities_are_noted(parsed: Parse) -> None:
    file = parsed(array_list([dense((2,), TWO, device=(77, 5))], ["a"], reserved=0xDEAD, tail=b"JUNK"))
    device, reserved, trailing = file.notes
    assert "77" in device
    assert "0xdead" in reserved
    assert "4 bytes follow the names" in trailing
    (devices,) = parsed(array_list([dense((2,), TWO, device=(device, 0)) for device in range(10, 19)])).notes
    assert devices.startswith("9 arrays") and devices.endswith(
        "of type " + ", ".join(f"{n} (1 times)" for n in range(10, 18))
    )


W = dense((2,), TWO)
BROKEN = {
    "more arrays than bytes": (array_list([W], ["a"], count=1 << 60), 16, "1152921504606846976 arrays"),
    "one array more than fits": (array_list([none(0)], count=2), 16, "hold at most 1."),
    "more names than fit": (
        array_list([none(0)] * 10, name_count=10, tail=bytes(50)),
        64,
        "10 names cannot be in the 50",
    ),
    "one array too many": (array_list([W], count=2), 64, "version, storage type and shape"),
    "unknown version": (array_list([dense((), b"", version=0, ndim=0x7FFFFFF0)]), 24, "0x7ffffff0"),
    "33 dimensions": (array_list([dense((1,) * 33, bytes(4))]), 32, "33 dimensions"),
    "2^30 dimensions": (array_list([dense((2,), TWO, ndim=1 << 30)]), 32, "1073741824 dimensions"),
    "-1 dimensions": (array_list([dense((), b"", ndim=-1)]), 32, "-1 dimensions"),
    "-1 dimensions in version 3": (array_list([dense((), b"", ndim=-1, version=3)]), 32, "-1 dimensions"),
    "a negative dimension": (array_list([dense((-5, 2), b"")]), 64, "negative dimension"),
    "two negative dimensions": (array_list([dense((-2, -1), TWO)]), 64, "negative dimension"),
    "a negative beside a zero": (array_list([dense((0, -1), b"")]), 64, "negative dimension"),
    "dimensions that wrap to 0": (array_list([dense((1 << 33, 1 << 31), b"")]), 64, "73786976294838206464 bytes"),
    "a size that wraps to 0": (array_list([dense((1 << 62,), b"")]), 56, "bytes"),
    "absurd beside a zero": (array_list([dense((0, 1 << 62, 4), b"")]), 72, "larger than any file"),
    "2^40 elements": (array_list([dense((1 << 40,), b"")]), 56, "4398046511104 bytes"),
    "data cut short": (array_list([dense((1000,), TWO)]), 56, "4000 bytes"),
    "dtype 99": (array_list([dense((2,), TWO, dtype=99)]), 52, "dtype 99"),
    "dtype -1": (array_list([dense((2,), TWO, dtype=-1)]), 52, "dtype -1"),
    "storage 7": (array_list([dense((2,), TWO, storage=7)]), 28, "storage type 7; 0 (dense), 1 (row_sparse) or 2"),
    "storage -1": (array_list([dense((2,), TWO, storage=-1)]), 28, "storage type -1"),
    "sparse in version 3": (array_list([dense((2,), TWO, storage=1, version=3)]), 28, "storage type 1; 0 (dense) is"),
    "2 names for 1 array": (array_list([W], ["a", "b"]), 64, "2 names"),
    "2^60 names": (array_list([W], ["a"], name_count=1 << 60), 64, "1152921504606846976 names"),
    "a name of 2^60 bytes": (array_list([W], [], name_count=1, tail=b"\0" * 7 + b"\x10"), 72, "a name of"),
    "a name cut short": (array_list([W], ["abcdef"])[:-1], 80, "a name"),
    "a name twice": (array_list([W, W], ["a", "a"]), 121, "'a'"),
    "a name that is not UTF-8": (array_list([W], [b"\xff\xfe"]), 80, "not UTF-8"),
    "a surrogate in a name": (array_list([W], [b"\xed\xa0\x80"]), 80, "not UTF-8"),
    "NUL in a name": (array_list([W], ["a\0b"]), 80, "NUL"),
    "fewer values than rows": (array_list([row_sparse((3, 2), TWO, [0, 1], values_shape=(1, 2))]), 132, "cut short"),
    "more rows than the array": (array_list([row_sparse((1, 1), TWO, [0, 1])]), 24, "(1, 1)"),
    "rows of another width": (array_list([row_sparse((3, 2), TWO, [0], values_shape=(1, 3))]), 24, "(1, 3)"),
    "csr values in 2-D": (array_list([csr((2, 3), TWO, [0], [0, 1, 1], values_shape=(1, 2))]), 24, "(1, 2)"),
    "csr of 1 dimension": (array_list([csr((2,), TWO, [0, 1], [0, 1, 2])]), 24, "csr shape (2,)"),
    "csr with an indptr too short": (array_list([csr((2, 3), TWO, [0, 1], [0, 2])]), 24, "indptr of shape (2,)"),
    "csr values without indptr": (array_list([csr((2, 3), TWO, [0, 1], [])]), 24, "indptr of shape (0,)"),
    "an absurd dense shape": (array_list([row_sparse((1 << 40, 1 << 40), b"", [])]), None, "larger than any file"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_list_is_refused_with_its_place(parsed: Parse, case: str) -> None:
    file, offset, message = BROKEN[case]
    with pytest.raises(FormatError) as caught:
        parsed(file)
    assert message in str(caught.value)
    assert "a.params" in str(caught.value)
    if offset is not None:
        assert caught.value.offset == offset


@pytest.mark.parametrize("dtype", ["I32", "F32"])
def test_indices_that_mxnet_cannot_use_are_refused(parsed: Parse, dtype: str) -> None:
    typed = row_sparse((3, 2), TWO, [2]).replace(b"\x06\0\0\0", bytes((FLAG[dtype], 0, 0, 0)))
    with pytest.raises(FormatError, match=f"indices of a row_sparse array are {dtype}"):
        parsed(array_list([typed]))


ASTRAY = {
    "row too large": (row_sparse((3, 2), TWO, [1 << 30]), "1073741824 is outside 0 to 2"),
    "row too large after row 0": (row_sparse((3, 1), TWO, [0, 4]), "4 is outside 0 to 2"),
    "row negative": (row_sparse((3, 2), TWO, [-1]), "-1 is outside 0 to 2"),
    "row twice": (row_sparse((3, 1), TWO, [1, 1]), "1 follows 1"),
    "rows that fall": (row_sparse((3, 1), TWO, [2, 1]), "1 follows 2"),
    "column too large": (csr((2, 3), floats(5), [3], [0, 1, 1]), "3 is outside 0 to 2"),
    "column negative": (csr((2, 3), floats(5), [-1], [0, 1, 1]), "-1 is outside 0 to 2"),
    "indptr too large": (csr((2, 3), floats(5), [0], [0, 1 << 30, 1]), "1073741824 is outside 0 to 1"),
    "indptr that falls": (csr((2, 3), floats(5), [0], [0, 1, 0]), "0 follows 1"),
    "indptr from 1": (csr((2, 3), floats(5), [0], [1, 1, 1]), "indptr[0] is 1"),
    "indptr that ends early": (csr((2, 3), floats(5), [0], [0, 0, 0]), "indptr[2] is 0"),
}


@pytest.mark.parametrize("case", ASTRAY)
def test_an_index_astray_is_found_before_it_is_used(parsed: Parse, case: str) -> None:
    record, message = ASTRAY[case]
    file = parsed(array_list([record], ["s"]))
    with pytest.raises(FormatError, match="array 's'") as caught:
        file.arrays[0].check_indices()
    assert message in str(caught.value)


@pytest.mark.parametrize(("rows", "place"), [([0, 1, 9], 2), ([0, 2, 1], 2), ([0, -1, 1], 1)])
def test_the_offset_of_an_index_astray_is_that_of_the_index(parsed: Parse, rows: list[int], place: int) -> None:
    (array,) = parsed(array_list([row_sparse((3, 1), floats(1, 2, 3), rows)])).arrays
    assert array.indices is not None
    with pytest.raises(FormatError) as caught:
        array.check_indices()
    assert caught.value.offset == array.indices.only_range.offset + 8 * place


def test_the_offset_of_an_index_astray_in_a_later_piece(parsed: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mxnet_to_neutral.arrays.sparse.CHUNK", 4)
    rows = [0, 1, 2, 3, 4, 5, 6, 7, 6, 9]  # the fall is at the first of a piece
    file = parsed(array_list([row_sparse((20, 1), floats(*range(10)), rows)], ["s"]))
    indices = file.arrays[0].indices
    assert indices is not None
    with pytest.raises(FormatError) as caught:
        file.arrays[0].check_indices()
    assert caught.value.offset == indices.only_range.offset + 8 * 8


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_the_elements_of_a_sparse_array_are_as_many_as_its_indices(parsed: Parse, count: int) -> None:
    """MXNet writes the number of before if it saves while the operation runs; the data are there."""
    values = floats(1, 2, 3, 4)
    rows = row_sparse((5, 2), values, [1, 4], values_shape=(count, 2))
    row = csr((1, 9), values, [1, 3, 5, 7], [0, 4], values_shape=(count,))
    for array, shape in zip(parsed(array_list([rows, row], ["r", "c"])).arrays, ((2, 2), (4,))):
        assert array.data is not None and array.data.shape == shape and b"".join(array.data.chunks()) == values
