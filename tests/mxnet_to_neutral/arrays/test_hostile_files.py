"""Any bytes give arrays or a NeutralError, at a cost in proportion to the file."""

from __future__ import annotations

import os
import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mxnet_to_neutral.arrays import read_arrays
from mxnet_to_neutral.arrays.window import BUFFER_SIZE
from neutral import limits
from neutral.errors import NeutralError
from reader.ndarray_bytes import (
    MAGIC,
    array_list,
    csr,
    dense,
    floats,
    integers,
    none,
    npy,
    npz,
    row_sparse,
    sparse_folder,
)

TWO = floats(1, 2)
SAMPLES = {
    "list": array_list(
        [
            *(dense((1, 2), TWO, version=version) for version in range(4)),
            none(0),
            dense((), floats(1), version=3),
            row_sparse((3, 2), TWO, [2]),
            csr((2, 3), TWO, [0, 2], [0, 1, 2]),
        ],
        ["v0", "v1", "v2", "v3", "", "é", "rows", "csr"],
    ),
    "unnamed": array_list([dense((2,), TWO, version=0), dense((2,), TWO, "I32")]),
    "npy": npy((2,), TWO),
    "npz": npz({"a.npy": npy((2,), TWO), "b.npy": npy((1, 1), bytes(2), "BF16")}, streamed=True),
    "sparse npz": npz(
        sparse_folder("r", "row_sparse", (3, 2), npy((1, 2), TWO), {"indices": npy((1,), integers(2), "I64")})
    ),
}
SLOW = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def outcome(path: Path, content: bytes) -> bool:
    """Whether ``content`` parses; holds what comes out to its promises. Other errors than ours pass through."""
    path.write_bytes(content)
    try:
        file = read_arrays(path)
    except NeutralError as error:
        assert str(path) in str(error)
        return False
    end = 0
    parts = (part for array in file.arrays for part in (array.data, array.indices, array.indptr))
    for _, offset, nbytes in sorted(part.only_range for part in parts if part and part.nbytes):
        assert offset >= end
        end = offset + nbytes
    assert end <= file.size == len(content)
    assert len({array.name for array in file.arrays}) == len(file.arrays)
    for array in file.arrays:
        with suppress(NeutralError):
            array.check_indices()
    return True


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path, sample: str) -> None:
    content = SAMPLES[sample]
    assert outcome(tmp_path / "a", content)
    for size in range(len(content)):
        assert not outcome(tmp_path / "a", content[:size]), f"accepted with {size} of {len(content)} bytes"


def mutations(content: bytes) -> Iterator[bytes]:
    for at, byte in enumerate(content):
        for value in {0, 1, 0x7F, 0x80, 0xFF, byte ^ 1, byte ^ 0x80} - {byte}:
            yield content[:at] + bytes((value,)) + content[at + 1 :]


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_changed_byte_gives_arrays_or_our_error(tmp_path: Path, sample: str) -> None:
    accepted = [outcome(tmp_path / "a", mutated) for mutated in mutations(SAMPLES[sample])]
    assert any(accepted) and not all(accepted)


@SLOW
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_bytes_removed_inserted_and_repeated(tmp_path: Path, sample: str, data: st.DataObject) -> None:
    content = SAMPLES[sample]
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, len(content)))
    outcome(tmp_path / "a", content[:start] + data.draw(st.binary(max_size=40)) + content[stop:])
    outcome(tmp_path / "a", content[:stop] + content[start:])


@SLOW
@given(
    st.sampled_from([b"", struct.pack("<Q", 0x112), b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY\x01\x00"]),
    st.binary(max_size=400),
)
def test_random_bytes_after_each_magic(tmp_path: Path, magic: bytes, content: bytes) -> None:
    outcome(tmp_path / "a", magic + content)


EXTREME = st.sampled_from([0, 1, 2, 3, 31, 32, 33, 2**31 - 1, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1)
WIDE = st.sampled_from([0, 1, 2, 3, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)


@SLOW
@given(
    st.lists(st.tuples(st.sampled_from(sorted(MAGIC.values())) | EXTREME, st.lists(EXTREME | WIDE, max_size=12))),
    st.binary(max_size=64),
)
def test_records_of_random_numbers(tmp_path: Path, records: list[tuple[int, list[int]]], tail: bytes) -> None:
    """Words and double words in any order, so that counts, dimensions and types meet extreme values often."""
    packed = [
        struct.pack("<I", magic) + b"".join(struct.pack("<I" if word < 2**32 else "<Q", word) for word in words)
        for magic, words in records
    ]
    outcome(tmp_path / "a", array_list(packed) + tail)


@SLOW
@given(
    st.text("{}[]()'\",:<>|fiubO0123456789LTrueFalsdc_ortanh \n", max_size=60),
    st.sampled_from(["", "{'descr': ", "{'descr': '<f4', 'fortran_order': False, 'shape': "]),
)
def test_random_npy_headers(tmp_path: Path, text: str, start: str) -> None:
    outcome(tmp_path / "a", npy((), TWO, header=start + text + "}"))


def peak(path: Path) -> int:
    tracemalloc.start()
    with suppress(NeutralError):
        read_arrays(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize(
    "content",
    [
        array_list([], count=1 << 60),
        array_list([], count=1 << 32) + bytes(1000),
        array_list([], name_count=1 << 60),
        array_list([dense((1 << 40,), b"")]),
        array_list([dense((2,), TWO, ndim=1 << 30)]),
        array_list([dense((), b"", version=0, ndim=0x7FFFFFF0)]),
        array_list([dense((2,), TWO)], [], name_count=1, tail=struct.pack("<Q", 1 << 40)),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 30),
    ],
)
def test_hostile_sizes_cost_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    assert peak(path) < 1 << 20


def test_more_arrays_than_any_model_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(array_list([], count=1 << 20) + bytes(4 << 20))
    assert peak(path) < 1 << 20
    with pytest.raises(NeutralError, match="1048576 arrays are announced; at most 131072"):
        read_arrays(path)


def test_more_arrays_are_read_from_a_file_that_has_the_bytes_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(limits.ARRAY_COUNT.variable, "2")
    arrays = {f"a{index}": dense((2,), TWO) for index in range(3)}
    (tmp_path / "a.params").write_bytes(array_list(list(arrays.values()), list(arrays)))
    (tmp_path / "a.npz").write_bytes(npz({f"{name}.npy": npy((2,), TWO) for name in arrays}))
    for path in (tmp_path / "a.params", tmp_path / "a.npz"):
        assert [array.name for array in read_arrays(path).arrays] == list(arrays)
    (tmp_path / "none.params").write_bytes(array_list([], count=3) + bytes(32))
    with pytest.raises(NeutralError, match="3 arrays are announced; at most 2 arrays"):
        read_arrays(tmp_path / "none.params")


@pytest.mark.parametrize("kind", ["list", "npz"])
def test_elements_are_never_read(tmp_path: Path, kind: str) -> None:
    """A tensor of 6 GiB that is a hole in the file costs neither time nor memory."""
    size = 6 << 30
    path = tmp_path / "a"
    if kind == "list":
        whole = array_list([dense((2,), b"", "U8")], ["w"])
        head, tail = whole[:48] + struct.pack("<q", 0), whole[-17:]
        head = head[:36] + struct.pack("<q3i", size, 1, 0, FLAG_U8)
    else:
        head, tail = _wide_archive(size)
    with open(path, "wb") as file:
        file.write(head)
        file.seek(size, os.SEEK_CUR)
        file.write(tail)
    assert peak(path) < 1 << 20
    (array,) = read_arrays(path).arrays
    assert array.data is not None
    assert array.data.only_range[1:] == (len(head), size)


FLAG_U8 = 3


def _wide_archive(size: int) -> tuple[bytes, bytes]:
    """What stands before and after the elements of an .npz whose member needs zip64."""
    array = npy((size,), b"", "U8")
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 45, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 5, 0) + b"w.npy"
    nbytes = len(array) + size
    wide = struct.pack("<2H2Q", 1, 16, nbytes, nbytes)
    sizes = (0, 0xFFFFFFFF, 0xFFFFFFFF, 5, len(wide), 0, 0, 0, 0, 0)
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 45, 45, 0, 0, 0, 0, *sizes) + b"w.npy" + wide
    start = len(local) + nbytes
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(entry), start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + len(entry), 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), 0xFFFFFFFF, 0)
    return local + array, entry + end64 + locator + end


def test_small_arrays_are_read_many_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(array_list([dense((2,), TWO)] * 10_000, [f"arg:layer{i}_weight" for i in range(10_000)]))
    calls = []
    pread = os.pread

    def counted(*arguments: int) -> bytes:
        calls.append(arguments)
        return pread(*arguments)

    monkeypatch.setattr(os, "pread", counted)
    assert len(read_arrays(path).arrays) == 10_000
    assert len(calls) <= path.stat().st_size // (BUFFER_SIZE - 64) + 2


def test_indices_are_checked_in_bounded_memory(tmp_path: Path) -> None:
    rows = 1 << 19
    content = array_list([row_sparse((rows, 1), bytes(4 * rows), range(rows))])
    path = tmp_path / "a"
    path.write_bytes(content)
    file = read_arrays(path)
    tracemalloc.start()
    file.arrays[0].check_indices()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 << 20 < file.arrays[0].indices.nbytes
