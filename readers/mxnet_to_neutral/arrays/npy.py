"""The .npy format, by hand: NumPy would unpickle objects, and cannot read all that MXNet writes.

    b"\\x93NUMPY", u8 major, u8 minor, header length (u16 in version 1, u32 in 2 and 3), header, elements

The header is a Python dict display of ``descr``, ``fortran_order`` and ``shape``; it is matched, never
evaluated. bfloat16 has no NumPy type: MXNet 2 writes ``[('bfloat16', '<u2')]`` or ``'<b2'`` for it.
Source: NumPy's numpy/lib/format.py, MXNet's src/serialization/cnpy.cc.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache

from mxnet_to_neutral.arrays.array import Array, ArrayFile
from mxnet_to_neutral.arrays.limits import DAMAGED, MAX_NDIM
from mxnet_to_neutral.arrays.window import Window
from neutral.tensor import Tensor

NPY_MAGIC = b"\x93NUMPY"
MAX_HEADER = 1 << 16

DTYPE_OF_DESCR = {
    "'|b1'": "BOOL",
    "'|u1'": "U8",
    "'|i1'": "I8",
    "'<i2'": "I16",
    "'<u2'": "U16",
    "'<f2'": "F16",
    "'<b2'": "BF16",
    "[('bfloat16','<u2')]": "BF16",
    "'<i4'": "I32",
    "'<u4'": "U32",
    "'<f4'": "F32",
    "'<f8'": "F64",
    "'<i8'": "I64",
    "'<u8'": "U64",
}

_START = struct.Struct("<6s2B")
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_ITEM = re.compile(
    r"\s*'(?:(?P<key>descr)'\s*:\s*(?P<descr>'[^']*'|\[[^\[\]]*\])"
    r"|fortran_order'\s*:\s*(?P<fortran>True|False)"
    r"|shape'\s*:\s*\((?P<shape>[0-9L,\s]*)\))\s*(?:,\s*|$)"
)
_DIM = re.compile(r"\s*([0-9]{1,19})L?\s*")


def parse_npy(window: Window) -> ArrayFile:
    """The one array of a bare .npy file, under the name ``0``."""
    data, fortran = read_array(window)
    notes = (f"{window.remaining} bytes follow the array, from byte {window.position}",) if window.remaining else ()
    array = Array("0", data.dtype, data.shape, "dense", 0, data, fortran_order=fortran)
    return ArrayFile(window.path, window.size, "npy", named=False, arrays=(array,), notes=notes)


def read_array(window: Window) -> tuple[Tensor, bool]:
    """The array at the window's position and whether it is in column-major order; leaves the position behind it."""
    offset = window.position
    text = read_header(window)
    try:
        dtype, shape, fortran = _parse_header(text)
    except ValueError as error:
        raise window.error(f"an .npy header with {error}", "Save the array again with numpy.savez.", offset) from error
    return window.stored(dtype, shape), fortran and len(shape) > 1


def read_header(window: Window) -> bytes:
    """The text of the header at the window's position; leaves the position behind it."""
    offset = window.position
    magic, major, minor = window.unpack(_START, "an .npy header")
    if magic != NPY_MAGIC or (major, minor) not in ((1, 0), (2, 0), (3, 0)):
        raise window.error(f"{magic!r}, version {major}.{minor}, begins no .npy array.", DAMAGED, offset)
    (length,) = window.unpack(_U16 if major == 1 else _U32, "an .npy header")
    if length > MAX_HEADER:
        raise window.error(f"an .npy header of {length} bytes; at most {MAX_HEADER} are expected.", DAMAGED, offset)
    return window.read(length, "an .npy header")


@lru_cache(maxsize=1024)
def _parse_header(text: bytes) -> tuple[str, tuple[int, ...], bool]:
    """dtype, shape and Fortran order; ValueError says what is wrong."""
    body = text.decode("latin-1").strip()
    if not (body.startswith("{") and body.endswith("}")):
        raise ValueError("no dict in it.")
    body, position, found = body[1:-1], 0, {}
    while position < len(body):
        item = _ITEM.match(body, position)
        if item is None:
            raise ValueError(f"{body[position : position + 60]!r} in it, which cannot be read.")
        for key in ("descr", "fortran", "shape"):
            if item[key] is not None:
                if key in found:
                    raise ValueError(f"two values of {key}.")
                found[key] = item[key]
        position = item.end()
    if len(found) != 3:
        raise ValueError("one of descr, fortran_order and shape missing.")
    dtype = DTYPE_OF_DESCR.get("".join(found["descr"].split()))
    if dtype is None:
        raise ValueError(f"dtype {found['descr'][:60]}; expected is one of {', '.join(DTYPE_OF_DESCR)}.")
    dims = found["shape"].split(",")
    if not dims[-1].strip():
        dims.pop()
    matches = [_DIM.fullmatch(dim) for dim in dims]
    if len(dims) > MAX_NDIM or not all(matches):
        raise ValueError(f"shape ({found['shape'][:60]}).")
    return dtype, tuple(int(match[1]) for match in matches if match), found["fortran"] == "True"
