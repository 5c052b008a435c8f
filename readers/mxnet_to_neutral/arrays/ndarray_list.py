"""Parse the NDArray list that ``mx.nd.save`` writes, in the four versions of its records.

    list     u64 0x112, u64 reserved, u64 N, N records, u64 K (0 or N), K names (u64 length, UTF-8)
    V0       u32 ndim, ndim x u32 dims                                    up to 0.10
    V1       u32 0xF993FAC8, shape                                        0.11
    V2       u32 0xF993FAC9, i32 storage, [storage shape], shape          from 0.12
    V3       u32 0xF993FACA, i32 0, shape                                 from 1.5, where shapes are NumPy's
    then     i32 device, i32 device id, i32 dtype, [i32 dtype, shape of each index array], values, index arrays

A shape is i32 ndim, ndim x i64 dims. In V0 to V2, ndim 0 marks an uninitialized array, and the record ends with the
shape; in V3 it is a scalar. Everything is little-endian and unaligned.
Source: src/ndarray/ndarray.cc, include/mxnet/tuple.h.
"""

from __future__ import annotations

import struct
from collections import Counter
from functools import lru_cache
from typing import Iterator

from mxnet_to_neutral.arrays.array import Array, ArrayFile
from mxnet_to_neutral.arrays.names import claim_name, decode_name
from mxnet_to_neutral.arrays.sparse import layout_problem, stored_shape
from mxnet_to_neutral.arrays.window import DAMAGED, TRUNCATED, Window, no_subject
from mxnet_to_neutral.limits import BYTES_OF_AN_ARRAY, MAX_NAME, MAX_NDIM
from neutral import limits

LIST_MAGIC = struct.pack("<Q", 0x112)
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA

DTYPES_BY_FLAG = ("F32", "F64", "F16", "U8", "I32", "I8", "I64", "BOOL", "I16", "U16", "U32", "U64", "BF16")
STORAGE_BY_CODE = {0: "dense", 1: "row_sparse", 2: "csr"}
DEVICES = frozenset((1, 2, 3, 5))  # CPU, GPU, pinned and shared CPU memory

MIN_RECORD, MIN_NAME = 4, 8  # bytes: a V0 record of an uninitialized array; an empty name

_U64 = struct.Struct("<Q")
_I32 = struct.Struct("<i")
_START = struct.Struct("<3Q")
_VERSION_STORAGE_NDIM = struct.Struct("<I2i")  # at least as many bytes follow the start of any record, in a valid file
_DIMS = tuple(struct.Struct(f"<{ndim}q") for ndim in range(MAX_NDIM + 1))
_DIMS_AND_DTYPE = tuple(struct.Struct(f"<{ndim}q3i") for ndim in range(MAX_NDIM + 1))
_DIMS_AND_DTYPE_V0 = tuple(struct.Struct(f"<{ndim}I3i") for ndim in range(MAX_NDIM + 1))


def parse_list(window: Window) -> ArrayFile:
    """Parse an NDArray list.

    Args:
        window: A window on the whole file, positioned at its start.

    Returns:
        The arrays with their byte ranges, in the order of the file; no elements are read.

    Raises:
        FormatError: The file breaks the format, or announces more arrays than it can hold.
    """
    _, reserved, count = window.unpack(_START, "the list's header")
    _check_count(window, count)
    unknown_devices: Counter[int] = Counter()
    arrays: list[Array] = []
    window.subject = lambda: f"array {len(arrays)} of {count}"
    for _ in range(count):
        arrays.append(_read_record(window, unknown_devices))
    window.subject = no_subject
    names = _read_names(window, count)
    for array, name in zip(arrays, names or map(str, range(count))):
        array.name = name
    notes = tuple(_notes(window, reserved, unknown_devices))
    return ArrayFile(window.path, window.size, "ndarray-list", bool(names), tuple(arrays), notes)


def _check_count(window: Window, count: int) -> None:
    """Refuse a number of arrays that the rest of the window cannot hold, or that no model has."""
    most = max(0, window.remaining - 8) // MIN_RECORD
    if count > most:
        problem = f"{count} arrays are announced; the {window.remaining} bytes that follow hold at most {most}."
        raise window.error(problem, DAMAGED, 16)
    if count > max(limits.ARRAY_COUNT.value, window.size // BYTES_OF_AN_ARRAY):
        problem = f"{count} arrays are announced; at most {limits.ARRAY_COUNT.hint} are expected."
        raise window.error(problem, DAMAGED, 16)


def _notes(window: Window, reserved: int, unknown_devices: Counter[int]) -> Iterator[str]:
    """Yield a sentence for each irregularity; stores keep these sentences, so their wording is fixed."""
    if unknown_devices:
        types = ", ".join(f"{device} ({times} times)" for device, times in sorted(unknown_devices.items())[:8])
        yield f"{sum(unknown_devices.values())} arrays name devices that MXNet does not have, of type {types}"
    if reserved:
        yield f"the reserved word at byte 8 is {reserved:#x} instead of 0"
    if window.remaining:
        yield f"{window.remaining} bytes follow the names, from byte {window.position}"


def _read_record(window: Window, unknown_devices: Counter[int]) -> Array:
    """Read one record as an array without a name; count its device in ``unknown_devices`` if MXNet has no such."""
    offset = window.position
    version, code, ndim = window.unpack(_VERSION_STORAGE_NDIM, "a record's version, storage type and shape")
    storage, written_shape, layouts = "dense", None, _DIMS_AND_DTYPE
    if version in (V2, V3):
        storage = _storage_type(window, version, code)
        if storage != "dense":
            written_shape = _read_dims(window, ndim, "the storage shape")
            (ndim,) = window.unpack(_I32, "the shape")
    elif version == V1:
        ndim = code
        window.position -= 4
    elif version <= MAX_NDIM:
        ndim, layouts = version, _DIMS_AND_DTYPE_V0
        window.position -= 8
    else:
        raise window.error(
            f"unknown record version {version:#010x}; expected {V1:#x}, {V2:#x}, {V3:#x} or at most {MAX_NDIM}.",
            DAMAGED,
            offset,
        )
    _check_ndim(window, ndim, "the shape")
    if not ndim and version != V3:
        return Array("", "", (), "none", offset)
    layout = layouts[ndim]
    shape, device, flag = _unpack_shape(layout, window.read(layout.size, "the shape, device and dtype"))
    dtype = _dtype(window, flag)
    if device not in DEVICES:
        unknown_devices[device] += 1
    if written_shape is None:
        return Array("", dtype, shape, storage, offset, window.stored(dtype, shape))
    window.check_extent(dtype, shape)
    indptr_layout = _read_dtype_and_shape(window, "indptr") if storage == "csr" else None
    indices_layout = _read_dtype_and_shape(window, "indices")
    values_shape = stored_shape(written_shape, indices_layout[1])
    problem = layout_problem(storage, shape, values_shape, indices_layout, indptr_layout)
    if problem:
        raise window.error(problem, DAMAGED, offset)
    data = window.stored(dtype, values_shape)
    indptr = window.stored(*indptr_layout) if indptr_layout else None
    return Array("", dtype, shape, storage, offset, data, window.stored(*indices_layout), indptr)


@lru_cache(maxsize=1 << 12)  # a model repeats its shapes
def _unpack_shape(layout: struct.Struct, raw: bytes) -> tuple[tuple[int, ...], int, int]:
    """Return the shape, the device type and the dtype flag in ``raw``."""
    *shape, device, _, flag = layout.unpack(raw)
    return tuple(shape), device, flag


def _storage_type(window: Window, version: int, code: int) -> str:
    """Return the storage type of a code; the window is positioned behind the number of dimensions that follows it."""
    storage = STORAGE_BY_CODE.get(code)
    if storage is None or (version == V3 and code):
        expected = "0 (dense)" if version == V3 else "0 (dense), 1 (row_sparse) or 2 (csr)"
        raise window.error(f"storage type {code}; {expected} is expected.", DAMAGED, window.position - 8)
    return storage


def _check_ndim(window: Window, ndim: int, field: str) -> None:
    """Refuse a number of dimensions out of range; the window is positioned behind it."""
    if not 0 <= ndim <= MAX_NDIM:
        problem = f"{field} has {ndim} dimensions; 0 to {MAX_NDIM} are expected."
        raise window.error(problem, DAMAGED, window.position - 4)


def _read_dims(window: Window, ndim: int, field: str) -> tuple[int, ...]:
    _check_ndim(window, ndim, field)
    return window.unpack(_DIMS[ndim], field)


def _dtype(window: Window, flag: int) -> str:
    """Return the dtype code of a flag; the window is positioned behind it."""
    if not 0 <= flag < len(DTYPES_BY_FLAG):
        problem = f"dtype {flag}; 0 to {len(DTYPES_BY_FLAG) - 1} are expected."
        raise window.error(problem, DAMAGED, window.position - 4)
    return DTYPES_BY_FLAG[flag]


def _read_dtype_and_shape(window: Window, part: str) -> tuple[str, tuple[int, ...]]:
    (flag,) = window.unpack(_I32, f"the dtype of {part}")
    dtype = _dtype(window, flag)
    (ndim,) = window.unpack(_I32, f"the shape of {part}")
    return dtype, _read_dims(window, ndim, f"the shape of {part}")


def _read_names(window: Window, count: int) -> list[str]:
    """Return the names of ``count`` arrays, or none if the file stores no names."""
    offset = window.position
    (named,) = window.unpack(_U64, "the number of names")
    if named not in (0, count):
        raise window.error(f"{named} names; {count} (one per array) or 0 are expected.", DAMAGED, offset)
    if named * MIN_NAME > window.remaining:
        raise window.error(f"{named} names cannot be in the {window.remaining} bytes left.", TRUNCATED, offset)
    names: list[str] = []
    taken: set[str] = set()
    for _ in range(named):
        offset = window.position
        (length,) = window.unpack(_U64, "the length of a name")
        if length > MAX_NAME:
            raise window.error(f"a name of {length} bytes; at most {MAX_NAME} are expected.", DAMAGED, offset)
        name = decode_name(window, window.read(length, "a name"))
        claim_name(window, name, taken, offset)
        names.append(name)
    return names
