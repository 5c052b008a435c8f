"""Parse the .npy format without NumPy, which would unpickle objects and cannot read all files that MXNet writes.

    b"\\x93NUMPY", u8 major, u8 minor, header length (u16 in version 1, u32 in 2 and 3), header, elements

The header is a Python dict display of ``descr``, ``fortran_order`` and ``shape``; it is matched, never
evaluated. NumPy has no bfloat16: MXNet 2 writes ``[('bfloat16', '<u2')]`` or ``'<b2'`` for it.
Source: NumPy's numpy/lib/format.py, MXNet's src/serialization/cnpy.cc.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache

from mxnet_to_neutral.arrays.array import Array, ArrayFile
from mxnet_to_neutral.arrays.signatures import NPY_MAGIC
from mxnet_to_neutral.arrays.window import DAMAGED, Window
from mxnet_to_neutral.limits import MAX_NDIM, MAX_NPY_HEADER
from neutral.tensor import Tensor

DTYPE_BY_DESCR = {
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
    r"\s*'(?:descr'\s*:\s*(?P<descr>'[^']*'|\[[^\[\]]*\])"
    r"|fortran_order'\s*:\s*(?P<fortran_order>True|False)"
    r"|shape'\s*:\s*\((?P<shape>[0-9L,\s]*)\))\s*(?:,\s*|$)"
)
_DIM = re.compile(r"\s*([0-9]{1,19})L?\s*")


def parse_npy(window: Window) -> ArrayFile:
    """Parse an .npy file as a file of one array with the name ``0``.

    Args:
        window: A window on the whole file, positioned at its start.

    Returns:
        A file of one array, whose elements are not read, with a note if bytes follow it.

    Raises:
        FormatError: The file breaks the format.
    """
    data, fortran = read_array(window)
    notes = (f"{window.remaining} bytes follow the array, from byte {window.position}",) if window.remaining else ()
    array = Array("0", data.dtype, data.shape, "dense", 0, data, fortran_order=fortran)
    return ArrayFile(window.path, window.size, "npy", named=False, arrays=(array,), notes=notes)


def read_array(window: Window) -> tuple[Tensor, bool]:
    """Read the array at the position of the window, and advance behind its elements without reading them.

    Args:
        window: The window.

    Returns:
        The stored elements, and True if they are in column-major order of the tensor's shape.

    Raises:
        FormatError: The header is invalid, or the window is shorter than the elements.
    """
    offset = window.position
    text = read_header(window)
    try:
        dtype, shape, fortran = _parse_header(text)
    except ValueError as error:
        raise window.error(f"invalid .npy header: {error}", "Save the array again with numpy.savez.", offset) from error
    return window.stored(dtype, shape), fortran and len(shape) > 1


def read_header(window: Window) -> bytes:
    """Read the text of the header at the position of the window, and advance behind it.

    Args:
        window: The window.

    Returns:
        The text of the dictionary, undecoded.

    Raises:
        FormatError: There is no header of a known version, or it is longer than ``MAX_NPY_HEADER`` bytes.
    """
    offset = window.position
    magic, major, minor = window.unpack(_START, "an .npy header")
    if magic != NPY_MAGIC or (major, minor) not in ((1, 0), (2, 0), (3, 0)):
        problem = f"unknown .npy header {magic!r}, version {major}.{minor}; expected {NPY_MAGIC!r}, version 1.0 to 3.0."
        raise window.error(problem, DAMAGED, offset)
    (length,) = window.unpack(_U16 if major == 1 else _U32, "an .npy header")
    if length > MAX_NPY_HEADER:
        raise window.error(f"an .npy header of {length} bytes; at most {MAX_NPY_HEADER} are expected.", DAMAGED, offset)
    return window.read(length, "an .npy header")


@lru_cache(maxsize=1024)
def _parse_header(text: bytes) -> tuple[str, tuple[int, ...], bool]:
    """Parse the text of a header.

    Returns:
        The dtype code, the shape, and True if the header says Fortran order.

    Raises:
        ValueError: The text is not such a header; the message says why.

    Example:
        >>> _parse_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }")
        ('F32', (2, 3), False)
    """
    items = _header_items(text.decode("latin-1").strip())
    dtype = DTYPE_BY_DESCR.get("".join(items["descr"].split()))
    if dtype is None:
        raise ValueError(f"unknown dtype {items['descr'][:60]}; expected one of {', '.join(DTYPE_BY_DESCR)}.")
    dims = items["shape"].split(",")
    if not dims[-1].strip():
        dims.pop()
    matches = [_DIM.fullmatch(dim) for dim in dims]
    if len(dims) > MAX_NDIM or not all(matches):
        raise ValueError(f"invalid shape ({items['shape'][:60]}); expected at most {MAX_NDIM} integers.")
    return dtype, tuple(int(match[1]) for match in matches if match), items["fortran_order"] == "True"


def _header_items(text: str) -> dict[str, str]:
    """Return the texts of the three values of a header, by key; raise ValueError unless it has exactly these."""
    if not (text.startswith("{") and text.endswith("}")):
        raise ValueError("no dict; expected {'descr': ..., 'fortran_order': ..., 'shape': ...}.")
    body, position = text[1:-1], 0
    items: dict[str, str] = {}
    while position < len(body):
        item = _ITEM.match(body, position)
        if item is None:
            raise ValueError(f"cannot parse {body[position : position + 60]!r}.")
        key = str(item.lastgroup)
        if key in items:
            raise ValueError(f"two values of {key}.")
        items[key] = item[key]
        position = item.end()
    if len(items) != 3:
        raise ValueError("one of descr, fortran_order and shape is missing.")
    return items
