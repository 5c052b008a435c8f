"""Parameter files of every version, byte by byte, with nothing but ``struct`` and ``zipfile``.

``dense(...)``, ``row_sparse(...)``, ``csr(...)`` and ``none(...)`` make records, ``array_list(...)`` the file around
them, ``npy(...)`` and ``npz(...)`` the files of MXNet 2.
"""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Mapping, Sequence

MAGIC = {1: 0xF993FAC8, 2: 0xF993FAC9, 3: 0xF993FACA}
CODES = ("F32", "F64", "F16", "U8", "I32", "I8", "I64", "BOOL", "I16", "U16", "U32", "U64", "BF16")
FLAG = {code: flag for flag, code in enumerate(CODES)}
DESCR = {
    "F32": "'<f4'",
    "F64": "'<f8'",
    "F16": "'<f2'",
    "U8": "'|u1'",
    "I32": "'<i4'",
    "I8": "'|i1'",
    "I64": "'<i8'",
    "BOOL": "'|b1'",
    "I16": "'<i2'",
    "U16": "'<u2'",
    "U32": "'<u4'",
    "U64": "'<u8'",
    "BF16": "[('bfloat16', '<u2')]",
}


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def integers(*values: int) -> bytes:
    """As I64."""
    return struct.pack(f"<{len(values)}q", *values)


def shape_bytes(shape: Sequence[int], ndim: int | None = None) -> bytes:
    return struct.pack(f"<i{len(shape)}q", len(shape) if ndim is None else ndim, *shape)


def dense(
    shape: Sequence[int],
    data: bytes,
    dtype: str | int = "F32",
    version: int = 2,
    device: tuple[int, int] = (1, 0),
    storage: int = 0,
    ndim: int | None = None,
) -> bytes:
    """A dense record of version 0 to 3. ``dtype`` as a number, ``storage`` and ``ndim`` are for broken ones."""
    flag = FLAG[dtype] if isinstance(dtype, str) else dtype
    if version == 0:
        head = struct.pack(f"<I{len(shape)}I", len(shape) if ndim is None else ndim, *shape)
    else:
        head = struct.pack("<I", MAGIC[version])
        if version > 1:
            head += struct.pack("<i", storage)
        head += shape_bytes(shape, ndim)
    return head + struct.pack("<3i", *device, flag) + data


def none(version: int = 1) -> bytes:
    """The record of an array that was never made: no dimensions, and nothing after that."""
    return {
        0: struct.pack("<I", 0),
        1: struct.pack("<Ii", MAGIC[1], 0),
        2: struct.pack("<Iii", MAGIC[2], 0, 0),
    }[version]


def _sparse(
    storage: int,
    shape: Sequence[int],
    values_shape: Sequence[int],
    data: bytes,
    dtype: str,
    parts: Sequence[tuple[str, int, bytes]],
) -> bytes:
    head = struct.pack("<Ii", MAGIC[2], storage) + shape_bytes(values_shape) + shape_bytes(shape)
    head += struct.pack("<3i", 1, 0, FLAG[dtype])
    for part_dtype, length, _ in parts:
        head += struct.pack("<i", FLAG[part_dtype]) + shape_bytes((length,))
    return head + data + b"".join(content for *_, content in parts)


def row_sparse(
    shape: Sequence[int], data: bytes, rows: Sequence[int], dtype: str = "F32", values_shape: Sequence[int] = ()
) -> bytes:
    """A row-sparse record of version 2, whose values are ``(len(rows), *shape[1:])`` unless said otherwise."""
    values = values_shape or (len(rows), *shape[1:])
    return _sparse(1, shape, values, data, dtype, [("I64", len(rows), integers(*rows))])


def csr(
    shape: Sequence[int],
    data: bytes,
    columns: Sequence[int],
    indptr: Sequence[int],
    dtype: str = "F32",
    values_shape: Sequence[int] = (),
) -> bytes:
    """A CSR record of version 2."""
    parts = [("I64", len(indptr), integers(*indptr)), ("I64", len(columns), integers(*columns))]
    return _sparse(2, shape, values_shape or (len(columns),), data, dtype, parts)


def array_list(
    records: Sequence[bytes],
    names: Sequence[str | bytes] = (),
    count: int | None = None,
    name_count: int | None = None,
    reserved: int = 0,
    tail: bytes = b"",
) -> bytes:
    """The list; ``count`` and ``name_count`` are for wrong ones."""
    body = struct.pack("<3Q", 0x112, reserved, len(records) if count is None else count) + b"".join(records)
    body += struct.pack("<Q", len(names) if name_count is None else name_count)
    for name in names:
        raw = name if isinstance(name, bytes) else name.encode()
        body += struct.pack("<Q", len(raw)) + raw
    return body + tail


def npy(
    shape: Sequence[int],
    data: bytes,
    dtype: str = "F32",
    fortran: bool = False,
    header: str | None = None,
    major: int = 1,
) -> bytes:
    """A .npy file; ``header`` replaces the text that ``dtype``, ``shape`` and ``fortran`` make."""
    dims = "".join(f"{dim}, " for dim in shape)
    text = header or f"{{'descr': {DESCR[dtype]}, 'fortran_order': {fortran}, 'shape': ({dims}), }}"
    raw = text.encode("latin-1")
    raw += b" " * (-(len(raw) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + struct.pack("<2BH" if major == 1 else "<2BI", major, 0, len(raw)) + raw + data


def npz(members: Mapping[str, bytes], streamed: bool = False, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive. ``streamed`` leaves sizes out of the local headers, as MXNet does."""
    buffer = io.BytesIO()
    target = _Unseekable(buffer) if streamed else buffer
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, compression)
    return buffer.getvalue()


class _Unseekable(io.RawIOBase):
    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        return self._target.write(data)


def sparse_folder(
    name: str, storage: str, shape: Sequence[int], data: bytes, parts: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The members of a sparse array of MXNet 2: ``data`` and ``parts`` are whole .npy files."""
    broken = f"{{'descr': '|s{len(storage)}{{'descr': '<i8', 'fortran_order': False, 'shape': (), }}"
    return {
        f"{name}/data.npy": data,
        **{f"{name}/{part}.npy": content for part, content in parts.items()},
        f"{name}/shape.npy": npy((len(shape),), integers(*shape), "I64"),
        f"{name}/format.npy": npy((), storage.encode(), header=broken),
    }
