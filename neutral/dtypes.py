"""The dtypes of a store: safetensors code, name, size and NumPy type, in one table."""

from __future__ import annotations

from typing import NamedTuple

from neutral.errors import UsageError
from neutral.text import suggestion


class DType(NamedTuple):
    """A dtype of a store.

    Attributes:
        code: The code in a safetensors header, such as ``F32``.
        name: The name in graphs and attributes, which NumPy and the frameworks share, such as ``float32``.
        numpy: The NumPy type that holds the bits, such as ``<f4``; NumPy has no bfloat16, so ``BF16`` has uint16.
        size: The bytes of one element.
    """

    code: str
    name: str
    numpy: str
    size: int


DTYPES = (
    DType("BOOL", "bool", "|b1", 1),
    DType("U8", "uint8", "|u1", 1),
    DType("I8", "int8", "|i1", 1),
    DType("I16", "int16", "<i2", 2),
    DType("U16", "uint16", "<u2", 2),
    DType("F16", "float16", "<f2", 2),
    DType("BF16", "bfloat16", "<u2", 2),
    DType("I32", "int32", "<i4", 4),
    DType("U32", "uint32", "<u4", 4),
    DType("F32", "float32", "<f4", 4),
    DType("F64", "float64", "<f8", 8),
    DType("I64", "int64", "<i8", 8),
    DType("U64", "uint64", "<u8", 8),
)
"""All dtypes, in the reverse of the order in which safetensors writes their data."""

ITEM_SIZE = {dtype.code: dtype.size for dtype in DTYPES}
"""Bytes of one element by code, in the order of :data:`DTYPES`."""

NUMPY_DTYPE = {dtype.code: dtype.numpy for dtype in DTYPES}
"""NumPy type by code."""

DTYPE_NAME = {dtype.code: dtype.name for dtype in DTYPES}
"""Name by code."""

DTYPE_CODE = {dtype.name: dtype.code for dtype in DTYPES}
"""Code by name."""

CODE_OF_NUMPY = {dtype.numpy: dtype.code for dtype in DTYPES if dtype.code != "BF16"}
"""Code by NumPy type, byte order included."""

FLOATING = ("F16", "BF16", "F32", "F64")
"""Codes of the floating dtypes."""


def dtype_code(name: str) -> str:
    """Return the code of a dtype.

    Args:
        name: A name such as ``float16``, or a code such as ``F16``.

    Returns:
        The code that stores use.

    Raises:
        UsageError: If the dtype is unknown.

    Example:
        >>> dtype_code("bfloat16"), dtype_code("I64")
        ('BF16', 'I64')
    """
    code = DTYPE_CODE.get(name, name)
    if code not in DTYPE_NAME:
        raise UsageError(
            f"unknown dtype {name!r}; expected one of {', '.join(DTYPE_CODE)}.{suggestion(name, DTYPE_CODE)}"
        )
    return code
