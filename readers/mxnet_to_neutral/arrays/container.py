"""The NDArray list, which ``mx.nd.save`` writes, in the four versions of its records.

    list     u64 0x112, u64 reserved, u64 N, N records, u64 K (0 or N), K names (u64 length, UTF-8)
    V0       u32 ndim, ndim x u32 dims                                    up to 0.10
    V1       u32 0xF993FAC8, shape                                        0.11
    V2       u32 0xF993FAC9, i32 storage, [storage shape], shape          from 0.12
    V3       u32 0xF993FACA, i32 0, shape                                 from 1.5, where shapes are NumPy's
    then     i32 device, i32 device id, i32 dtype, [i32 dtype, shape of each index array], values, index arrays

A shape is i32 ndim, ndim x i64 dims. No dimensions mean "no array", and that the record ends there; in V3 they
mean one element. Everything is little-endian and unaligned. Source: src/ndarray/ndarray.cc, include/mxnet/tuple.h.
"""

from __future__ import annotations

import struct
from collections import Counter
from functools import lru_cache

from mxnet_to_neutral.arrays.array import Array, ArrayFile
from mxnet_to_neutral.arrays.limits import DAMAGED, MAX_ARRAYS, MAX_NDIM, TRUNCATED
from mxnet_to_neutral.arrays.names import claim_name, decode_name
from mxnet_to_neutral.arrays.sparse import layout_problem
from mxnet_to_neutral.arrays.window import Window, nothing

LIST_MAGIC = struct.pack("<Q", 0x112)
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA

DTYPES = ("F32", "F64", "F16", "U8", "I32", "I8", "I64", "BOOL", "I16", "U16", "U32", "U64", "BF16")  # by flag
STORAGE_OF_CODE = {0: "dense", 1: "row_sparse", 2: "csr"}
DEVICES = frozenset((1, 2, 3, 5))  # CPU, GPU, pinned and shared CPU memory

MAX_NAME = 1 << 16
MIN_RECORD, MIN_NAME = 4, 8  # bytes: a V0 record of no array, an empty name

_U64 = struct.Struct("<Q")
_I32 = struct.Struct("<i")
_START = struct.Struct("<3Q")
_VERSION_STORAGE_NDIM = struct.Struct("<I2i")  # a sound file has as many bytes even behind its shortest record
_DIMS = tuple(struct.Struct(f"<{ndim}q") for ndim in range(MAX_NDIM + 1))
_DIMS_AND_TYPE = tuple(struct.Struct(f"<{ndim}q3i") for ndim in range(MAX_NDIM + 1))
_DIMS_AND_TYPE_V0 = tuple(struct.Struct(f"<{ndim}I3i") for ndim in range(MAX_NDIM + 1))


def parse_list(window: Window) -> ArrayFile:
    """The arrays of an NDArray list; FormatError where the file breaks the format."""
    _, reserved, count = window.unpack(_START, "the list's header")
    most = max(0, window.remaining - 8) // MIN_RECORD
    if count > most:
        problem = f"{count} arrays are announced; the {window.remaining} bytes that follow hold at most {most}."
        raise window.error(problem, DAMAGED, 16)
    if count > MAX_ARRAYS:
        raise window.error(f"{count} arrays are announced; at most {MAX_ARRAYS} are expected.", DAMAGED, 16)
    devices: Counter[int] = Counter()
    arrays: list[Array] = []
    window.subject = lambda: f"array {len(arrays)} of {count}"
    for _ in range(count):
        arrays.append(_record(window, devices))
    window.subject = nothing
    names = _names(window, count)
    for array, name in zip(arrays, names or map(str, range(count))):
        array.name = name
    notes = []
    if devices:
        types = ", ".join(f"{device} ({times} times)" for device, times in sorted(devices.items())[:8])
        notes.append(f"{sum(devices.values())} arrays name devices that MXNet does not have, of type {types}")
    if reserved:
        notes.append(f"the reserved word at byte 8 is {reserved:#x} instead of 0")
    if window.remaining:
        notes.append(f"{window.remaining} bytes follow the names, from byte {window.position}")
    return ArrayFile(
        window.path,
        window.size,
        "ndarray-list",
        named=bool(names),
        arrays=tuple(arrays),
        notes=tuple(notes),
    )


def _record(window: Window, devices: Counter[int]) -> Array:
    """One record as an array without its name; what ``devices`` counts are device types that MXNet does not have."""
    offset = window.position
    version, code, ndim = window.unpack(_VERSION_STORAGE_NDIM, "a record's version, storage type and shape")
    storage, values, layouts = "dense", None, _DIMS_AND_TYPE
    if version in (V2, V3):
        storage = _storage(window, version, code)
        if storage != "dense":
            values = _dims(window, ndim, "the storage shape")
            (ndim,) = window.unpack(_I32, "the shape")
    elif version == V1:
        ndim = code
        window.position -= 4
    elif version <= MAX_NDIM:
        ndim, layouts = version, _DIMS_AND_TYPE_V0
        window.position -= 8
    else:
        raise window.error(
            f"a record begins with {version:#010x}, which is no version of it and no number of dimensions.",
            DAMAGED,
            offset,
        )
    _check_ndim(window, ndim, "the shape")
    if not ndim and version != V3:
        return Array("", "", (), "none", offset)
    layout = layouts[ndim]
    shape, device, flag = _described(layout, window.read(layout.size, "the shape, device and dtype"))
    dtype = _dtype(window, flag)
    if device not in DEVICES:
        devices[device] += 1
    if values is None:
        return Array("", dtype, shape, storage, offset, window.stored(dtype, shape))
    window.check_extent(dtype, shape)
    indptr_type = _typed_shape(window, "indptr") if storage == "csr" else None
    indices_type = _typed_shape(window, "indices")
    problem = layout_problem(storage, shape, values, indices_type, indptr_type)
    if problem:
        raise window.error(problem, DAMAGED, offset)
    data = window.stored(dtype, values)
    indptr = window.stored(*indptr_type) if indptr_type else None
    return Array("", dtype, shape, storage, offset, data, window.stored(*indices_type), indptr)


@lru_cache(maxsize=1 << 12)  # a model repeats its shapes
def _described(layout: struct.Struct, raw: bytes) -> tuple[tuple[int, ...], int, int]:
    """The shape, the device and the dtype's flag that ``raw`` describes."""
    *shape, device, _, flag = layout.unpack(raw)
    return tuple(shape), device, flag


def _storage(window: Window, version: int, code: int) -> str:
    """The storage of a code that has just been read, with a number of dimensions after it."""
    storage = STORAGE_OF_CODE.get(code)
    if storage is None or (version == V3 and code):
        expected = "0 (dense)" if version == V3 else "0 (dense), 1 (row_sparse) or 2 (csr)"
        raise window.error(f"storage type {code}; {expected} is expected.", DAMAGED, window.position - 8)
    return storage


def _check_ndim(window: Window, ndim: int, field: str) -> None:
    """Refuses a number of dimensions that has just been read."""
    if not 0 <= ndim <= MAX_NDIM:
        problem = f"{field} has {ndim} dimensions; 0 to {MAX_NDIM} are expected."
        raise window.error(problem, DAMAGED, window.position - 4)


def _dims(window: Window, ndim: int, field: str) -> tuple[int, ...]:
    _check_ndim(window, ndim, field)
    return window.unpack(_DIMS[ndim], field)


def _dtype(window: Window, flag: int) -> str:
    """The type code of a flag that has just been read."""
    if not 0 <= flag < len(DTYPES):
        raise window.error(f"dtype {flag}; 0 to {len(DTYPES) - 1} are expected.", DAMAGED, window.position - 4)
    return DTYPES[flag]


def _typed_shape(window: Window, part: str) -> tuple[str, tuple[int, ...]]:
    (flag,) = window.unpack(_I32, f"the dtype of {part}")
    dtype = _dtype(window, flag)
    (ndim,) = window.unpack(_I32, f"the shape of {part}")
    return dtype, _dims(window, ndim, f"the shape of {part}")


def _names(window: Window, count: int) -> list[str]:
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
