"""The .npz and .npy files of MXNet 2, and of NumPy."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Callable

import pytest

from mxnet_to_neutral.arrays import ArrayFile, read_arrays
from neutral.errors import FormatError, SourceError
from reader.ndarray_bytes import DESCR, floats, integers, npy, npz, sparse_folder

Parse = Callable[[bytes], ArrayFile]
TWO = floats(1, 2)


@pytest.fixture
def parsed(tmp_path: Path) -> Parse:
    def parse_bytes(content: bytes) -> ArrayFile:
        path = tmp_path / "a.params"
        path.write_bytes(content)
        return read_arrays(path)

    return parse_bytes


def data(file: ArrayFile, index: int = 0) -> bytes:
    stored = file.arrays[index].data
    assert stored is not None
    return b"".join(map(bytes, stored.chunks()))


@pytest.mark.parametrize("streamed", [False, True], ids=["sizes in front", "sizes behind"])
def test_members_are_arrays_by_their_names(parsed: Parse, streamed: bool) -> None:
    members = {"arg:0.weight.npy": npy((1, 2), TWO), "arg:привет.npy": npy((), floats(7)), "a/b.npy": npy((0, 2), b"")}
    file = parsed(npz(members, streamed))
    assert (file.format, file.named, file.notes) == ("npz", True, ())
    assert [(r.name, r.dtype, r.shape) for r in file.arrays] == [
        ("arg:0.weight", "F32", (1, 2)),
        ("arg:привет", "F32", ()),
        ("a/b", "F32", (0, 2)),
    ]
    assert [data(file, index) for index in range(3)] == [TWO, floats(7), b""]
    assert file.arrays[0].offset == 0


def test_an_empty_archive(parsed: Parse) -> None:
    assert parsed(npz({})).arrays == ()


def test_an_archive_with_a_comment(parsed: Parse) -> None:
    archive = npz({"w.npy": npy((2,), TWO)})
    comment = b"about PK\x05\x06 and what it is, at such length that an end could stand in it"
    file = parsed(archive[:-2] + struct.pack("<H", len(comment)) + comment)
    assert data(file) == TWO


def test_an_archive_with_the_longest_comment(parsed: Parse) -> None:
    comment = b"PK\x05\x06".ljust(65535, b"-")
    for members in ({}, {"w.npy": npy((2,), TWO)}):
        file = parsed(npz(members)[:-2] + struct.pack("<H", len(comment)) + comment)
        assert len(file.arrays) == len(members)


def test_more_members_than_sixteen_bits_count(parsed: Parse) -> None:
    array = npy((), floats(1))
    file = parsed(npz({f"{index}.npy": array for index in range(65_540)}))
    assert len(file.arrays) == 65_540
    assert data(file, 65_539) == floats(1)


@pytest.mark.parametrize("before", [b"", struct.pack("<2HI", 0x5455, 4, 0)], ids=["first", "after another field"])
def test_sizes_that_are_in_the_zip64_field(parsed: Parse, before: bytes) -> None:
    archive = bytearray(npz({"w.npy": npy((2,), TWO)}))
    entry = archive.index(b"PK\x01\x02")
    size, end = struct.unpack_from("<I", archive, entry + 24)[0], len(archive) - 22
    wide = before + struct.pack("<2H3Q", 1, 24, size, size, 0)
    struct.pack_into("<2I", archive, entry + 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", archive, entry + 30, len(wide))
    struct.pack_into("<I", archive, entry + 42, 0xFFFFFFFF)
    struct.pack_into("<I", archive, end + 12, end - entry + len(wide))
    archive[end:end] = wide
    file = parsed(bytes(archive))
    assert data(file) == TWO


def test_an_offset_alone_that_is_in_the_zip64_field(parsed: Parse) -> None:
    archive = bytearray(npz({"w.npy": npy((2,), TWO)}))
    entry, end = archive.index(b"PK\x01\x02"), len(archive) - 22
    wide = struct.pack("<2HQI", 1, 12, 0, 7)  # the last four bytes are no number of 64 bits
    struct.pack_into("<H", archive, entry + 30, len(wide))
    struct.pack_into("<I", archive, entry + 42, 0xFFFFFFFF)
    struct.pack_into("<I", archive, end + 12, end - entry + len(wide))
    archive[end:end] = wide
    assert data(parsed(bytes(archive))) == TWO


def test_extra_fields_before_the_content_are_skipped(parsed: Parse) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("w.npy")
        member.extra = struct.pack("<2HI", 0x5455, 4, 0)
        archive.writestr(member, npy((2,), TWO))
    assert data(parsed(buffer.getvalue())) == TWO


@pytest.mark.parametrize("dtype", DESCR)
def test_every_dtype(parsed: Parse, dtype: str) -> None:
    size = {"8": 1, "L": 1, "6": 2, "2": 4, "4": 8}[dtype[-1]]
    file = parsed(npz({"w.npy": npy((3,), bytes(range(3 * size)), dtype)}))
    assert file.arrays[0].dtype == dtype
    assert data(file) == bytes(range(3 * size))


def test_bfloat16_as_mxnet_master_spells_it(parsed: Parse) -> None:
    header = "{'descr': '<b2', 'fortran_order': False, 'shape': (2,), }"
    assert parsed(npz({"w.npy": npy((), bytes(4), header=header)})).arrays[0].dtype == "BF16"


@pytest.mark.parametrize(("text", "shape"), [("1, 2", (1, 2)), ("1, 2,", (1, 2)), ("2,", (2,)), ("", ())])
def test_shapes_with_and_without_a_comma_at_the_end(parsed: Parse, text: str, shape: tuple[int, ...]) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({text}), }}"
    assert parsed(npy((), TWO, header=header)).arrays[0].shape == shape


def test_column_major_order_is_told(parsed: Parse) -> None:
    file = parsed(npz({"m.npy": npy((1, 2), TWO, fortran=True), "v.npy": npy((2,), TWO, fortran=True)}))
    assert [array.fortran_order for array in file.arrays] == [True, False]


@pytest.mark.parametrize(
    "header",
    [
        "{'shape': (2,), 'descr': '<f4', 'fortran_order': False}",
        "{'descr':'<f4','fortran_order':False,'shape':(2L,),}",
        "{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , ) , }",
    ],
    ids=["another order", "Python 2", "spaced"],
)
def test_headers_as_others_write_them(parsed: Parse, header: str) -> None:
    for major in (1, 2, 3):
        file = parsed(npy((), TWO, header=header, major=major))
        assert (file.arrays[0].shape, data(file)) == ((2,), TWO)


def test_a_header_has_up_to_65536_bytes(parsed: Parse) -> None:
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"
    for size in (65536, 65537):
        archive = b"\x93NUMPY\x02\x00" + struct.pack("<I", size) + text.ljust(size) + TWO
        if size == 65536:
            assert data(parsed(archive)) == TWO
        else:
            with pytest.raises(FormatError, match="header of 65537 bytes"):
                parsed(archive)


def test_a_shape_of_32_dimensions(parsed: Parse) -> None:
    assert parsed(npy((1,) * 32, floats(1))).arrays[0].shape == (1,) * 32


def test_a_bare_npy_file_is_a_list_of_one(parsed: Parse) -> None:
    file = parsed(npy((2,), TWO) + b"more")
    assert (file.format, file.named, file.arrays[0].name) == ("npy", False, "0")
    assert file.arrays[0].offset == 0
    assert data(file) == TWO
    assert file.notes == ("4 bytes follow the array, from byte 136",)


def row_sparse_members(shape: tuple[int, ...] = (5, 2), storage: str = "row_sparse") -> dict[str, bytes]:
    return sparse_folder(
        "r", storage, shape, npy((2, 2), floats(1, 2, 3, 4)), {"indices": npy((2,), integers(1, 4), "I64")}
    )


def csr_members(name: str = "c") -> dict[str, bytes]:
    parts = {"indptr": npy((3,), integers(0, 1, 2), "I64"), "indices": npy((2,), integers(2, 0), "I64")}
    return sparse_folder(name, "csr", (2, 3), npy((2,), TWO), parts)


def test_folders_are_sparse_arrays(parsed: Parse) -> None:
    file = parsed(npz({**row_sparse_members(), "w.npy": npy((2,), TWO), **csr_members("a/b")}, streamed=True))
    assert [(r.name, r.storage, r.shape) for r in file.arrays] == [
        ("r", "row_sparse", (5, 2)),
        ("w", "dense", (2,)),
        ("a/b", "csr", (2, 3)),
    ]
    assert data(file, 0) == floats(1, 2, 3, 4)
    for array in file.arrays:
        array.check_indices()


def test_a_sparse_array_of_one_dimension(parsed: Parse) -> None:
    folder = sparse_folder("r", "row_sparse", (5,), npy((2,), TWO), {"indices": npy((2,), integers(1, 4), "I64")})
    (array,) = parsed(npz(folder)).arrays
    assert (array.storage, array.shape, array.stored_nbytes) == ("row_sparse", (5,), 2 * 4 + 2 * 8)


def test_a_sparse_array_of_32_dimensions(parsed: Parse) -> None:
    folder = sparse_folder("r", "row_sparse", (1,) * 32, npy((0,), b""), {"indices": npy((0,), b"", "I64")})
    with pytest.raises(FormatError, match="with values of shape"):
        parsed(npz(folder))


def test_a_folder_that_lacks_a_part_is_of_dense_arrays(parsed: Parse) -> None:
    file = parsed(npz({"a/data.npy": npy((2,), TWO), "a/indices.npy": npy((2,), TWO)}))
    assert [array.name for array in file.arrays] == ["a/data", "a/indices"]


def without(members: dict[str, bytes], **changed: bytes) -> dict[str, bytes]:
    return {**members, **{f"r/{part}.npy": content for part, content in changed.items()}}


BROKEN_FOLDERS = {
    "unknown storage": (row_sparse_members(storage="coo"), "storage type b'coo'"),
    "storage of another length": (row_sparse_members(storage="row_sparse_and_more"), "storage type"),
    "csr without indptr": (row_sparse_members(storage="csr"), "csr array of the parts"),
    "shape in another dtype": (without(row_sparse_members(), shape=npy((2,), TWO)), "1 to 32 I64"),
    "no shape": (without(row_sparse_members(), shape=npy((0,), b"", "I64")), "1 to 32 I64"),
    "negative shape": (row_sparse_members((-5, 2)), "negative dimension"),
    "absurd shape": (row_sparse_members((1 << 62, 2)), "larger than any file"),
    "narrow rows": (row_sparse_members((5, 3)), "values of shape (2, 2)"),
    "I32 indices": (without(row_sparse_members(), indices=npy((2,), bytes(8), "I32")), "indices of a row_sparse"),
    "Fortran order": (without(row_sparse_members(), data=npy((2, 2), TWO * 2, fortran=True)), "Fortran order"),
}


@pytest.mark.parametrize("case", BROKEN_FOLDERS)
def test_a_broken_sparse_folder_is_refused(parsed: Parse, case: str) -> None:
    members, message = BROKEN_FOLDERS[case]
    with pytest.raises(FormatError) as caught:
        parsed(npz(members))
    assert message in str(caught.value)


def header(descr: str = "'<f4'", fortran: str = "False", shape: str = "(2,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


BROKEN_ARRAYS = {
    "objects, which would be a pickle": (npy((), TWO, header=header("'|O'")), "'|O'"),
    "a structured type": (npy((), TWO, header=header("[('a', '<f4'), ('b', '<f4')]")), "('a', '<f4')"),
    "big-endian": (npy((), TWO, header=header("'>f4'")), "'>f4'"),
    "complex": (npy((), TWO, header=header("'<c8'")), "'<c8'"),
    "no dict": (npy((), TWO, header="[]"), "no dict"),
    "a dict that does not end": (npy((), TWO, header=header()[:-1] + "]"), "no dict"),
    "code": (npy((), TWO, header="{'descr': __import__('os'), }"), "__import__"),
    "a missing item": (npy((), TWO, header="{'descr': '<f4', 'shape': (2,)}"), "missing"),
    "an item twice": (npy((), TWO, header="{'descr': '<f4', 'descr': '<f4'}"), "two values of descr"),
    "a negative dimension": (npy((), TWO, header=header(shape="(-2,)")), "'shape': (-2,)"),
    "33 dimensions": (npy((1,) * 33, floats(1)), "shape (1,"),
    "a long dimension": (npy((10**19,), b""), "shape ("),
    "absurd dimensions": (npy((0, 10**18, 10**18), b""), "larger than any file"),
    "data cut short": (npy((3,), TWO), "12 bytes"),
    "bytes behind": (npy((2,), TWO + b"more"), "4 bytes follow"),
    "no magic": (b"NUMPY" + bytes(100), "unknown .npy header"),
    "version 9": (npy((2,), TWO, major=9), "version 9.0"),
    "a header beyond the member": (b"\x93NUMPY\x01\x00\xff\xff{", "65535 bytes"),
    "a header beyond reason": (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{", "2147483647 bytes"),
    "nothing": (b"", "an .npy header"),
}


@pytest.mark.parametrize("case", BROKEN_ARRAYS)
def test_a_broken_member_is_refused_by_name(parsed: Parse, case: str) -> None:
    content, message = BROKEN_ARRAYS[case]
    with pytest.raises(FormatError, match=r"member 'w\.npy'") as caught:
        parsed(npz({"v.npy": npy((2,), TWO), "w.npy": content, "x.npy": npy((100,), bytes(400))}))
    assert message in str(caught.value)


def test_compressed_members_are_refused_with_advice(parsed: Parse) -> None:
    with pytest.raises(FormatError, match=r"compressed .* numpy\.savez"):
        parsed(npz({"w.npy": npy((200,), bytes(800))}, compression=zipfile.ZIP_DEFLATED))


def patched(offset_from: bytes, offset: int, value: bytes) -> bytes:
    """An archive of two arrays with ``value`` at ``offset`` after the first ``offset_from``."""
    archive = bytearray(npz({"v.npy": npy((2,), TWO), "w.npy": npy((2,), TWO)}))
    at = archive.index(offset_from) + offset
    archive[at : at + len(value)] = value
    return bytes(archive)


ENTRY, END, LOCAL = b"PK\x01\x02", b"PK\x05\x06", b"PK\x03\x04"
DIRECTORY = patched(ENTRY, 0, ENTRY).index(ENTRY)
BROKEN_ARCHIVES = {
    "encrypted": (patched(ENTRY, 8, b"\x01"), "encrypted"),
    "a name twice": (patched(ENTRY, 46 + 46 + 5, b"v"), "two arrays have the name 'v.npy'"),
    "NUL in a name": (patched(ENTRY, 46, b"\0"), "NUL"),
    "another name in front": (patched(LOCAL, 30, b"x"), "no local header"),
    "two sizes": (patched(ENTRY, 20, b"\x00"), "announces"),
    "a member beyond the directory": (patched(ENTRY, 20, b"\xff\xff\0\0\xff\xff\0\0"), "reaches beyond"),
    "an offset beyond the directory": (patched(ENTRY, 42, b"\xff\xff"), "outside"),
    "an offset in the directory": (patched(ENTRY, 42, struct.pack("<I", DIRECTORY)), "begins outside"),
    "an offset at no header": (patched(ENTRY, 42, b"\x05"), "no local header"),
    "more entries than fit": (patched(END, 8, b"\xf0\x00\xf0\x00"), "240 members"),
    "one entry more than fits": (patched(END, 8, b"\x03\x00\x03\x00"), "3 members in a zip directory of 102 bytes"),
    "fewer entries than there are": (patched(END, 8, b"\x01\x00\x01\x00"), "should end"),
    "a directory elsewhere": (patched(END, 16, b"\x01"), "does not end where"),
    "two disks": (patched(END, 4, b"\x01"), "does not end where"),
    "zip64 without its locator": (patched(END, 8, b"\xff\xff\xff\xff"), "zip64 locator"),
    "zip64 without its field": (patched(ENTRY, 20, b"\xff" * 4), "zip64 field"),
    "zip64 in a file that has no room for a locator": (END + b"\xff" * 16 + bytes(2), "zip64 locator"),
    "zip64 with a locator that points to no room for a directory end": (
        LOCAL + bytes(52) + struct.pack("<4sIQI", b"PK\x06\x07", 0, 50, 1) + END + bytes(4) + b"\xff" * 12 + bytes(2),
        "no zip64 locator",
    ),
    "zip64 without its directory end": (
        LOCAL + bytes(52) + struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1) + END + bytes(4) + b"\xff" * 12 + bytes(2),
        "no zip64 directory end",
    ),
    "no entry in the directory": (patched(ENTRY, 0, b"XX"), "no zip directory entry"),
    "no directory": (npz({"w.npy": npy((2,), TWO)})[:-1], "without a directory"),
}


@pytest.mark.parametrize("case", BROKEN_ARCHIVES)
def test_a_broken_archive_is_refused(parsed: Parse, case: str) -> None:
    archive, message = BROKEN_ARCHIVES[case]
    with pytest.raises(FormatError) as caught:
        parsed(archive)
    assert message in str(caught.value)
    if case == "zip64 without its locator":
        assert caught.value.offset == archive.index(END) - 20


def test_more_members_than_the_limit_are_refused(parsed: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may have an array for every 32 of its bytes, whatever the limit: a directory that claims more lies."""
    archive = bytearray(npz({"w.npy": npy((2,), TWO)}))
    end = archive.index(b"PK\x05\x06")
    monkeypatch.setenv("NEUTRAL_LIMIT_ARRAY_COUNT", "1")
    most = len(archive) // 32
    for count, place in ((most, "directory of 51 bytes"), (most + 1, "archive; expected at most 1 arrays")):
        for offset in (8, 10):
            struct.pack_into("<H", archive, end + offset, count)
        with pytest.raises(FormatError, match=f"{count} members in a zip {place}"):
            parsed(bytes(archive))


def test_members_that_overlap_are_refused(parsed: Parse) -> None:
    inner = npz({"w.npy": npy((2,), TWO)})
    inner = inner[: inner.index(ENTRY)]  # a whole local header and array, inside another array's bytes
    archive = bytearray(npz({"v.npy": npy((len(inner),), inner, "U8"), "w.npy": npy((2,), TWO)}))
    second = archive.index(ENTRY, archive.index(ENTRY) + 1)
    struct.pack_into("<I", archive, second + 42, archive.index(inner))
    with pytest.raises(FormatError, match="overlap"):
        parsed(bytes(archive))


def test_other_zip_files_are_named(parsed: Parse) -> None:
    for members in (
        {"archive/data.pkl": b"", "archive/data/0": b""},
        {"x.npy": npy((1, 2), TWO), "archive/data.pkl": b""},
    ):
        with pytest.raises(SourceError, match="PyTorch"):
            parsed(npz(members))
    with pytest.raises(SourceError, match=r"zip archive with the member 'model\.json'; expected \.npy"):
        parsed(npz({"model.json": b"{}"}))
