"""Dtype inference: the dtype of an operator's first output, from its attributes and the dtypes of its operands."""

from __future__ import annotations

import math
from typing import Any, Mapping, Sequence

from neutral.dtypes import DTYPES, FLOATING

SIGNED_INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
"""The integer dtypes that promotion orders, narrowest first; bool counts as an integer of one bit."""

INTEGERS = frozenset(dtype.name for dtype in DTYPES if dtype.code not in FLOATING)
"""All dtypes that are not floating."""

_SIZE = {dtype.name: dtype.size for dtype in DTYPES}

_FLOAT_SIZE = {dtype.name: dtype.size for dtype in DTYPES if dtype.code in FLOATING}

DTYPE_RULES = ("same", "promote", "promote_to_float", "accumulate", "attribute")
"""The rules of :func:`output_dtype` besides a dtype's name."""


def promote(dtypes: Sequence[str | None]) -> str | None:
    """Return the narrowest dtype among the operands' that holds all of them.

    Args:
        dtypes: Dtype names such as ``float32``; None where a dtype is unknown.

    Returns:
        The dtype's name, or None where a dtype is unknown or the unsigned integers have no common one.

    Example:
        >>> promote(["int64", "float16"])
        'float16'
        >>> promote(["uint8", "int32"])
        'int32'
    """
    known = [dtype for dtype in dtypes if dtype is not None]
    if len(known) < len(dtypes) or not known:
        return None
    if {"uint8", "int8"} <= set(known):
        known.append("int16")
    floats = [dtype for dtype in known if dtype not in INTEGERS]
    if floats:
        return max(floats, key=lambda dtype: _FLOAT_SIZE.get(dtype, 4))
    return max(known, key=SIGNED_INTEGERS.index) if set(known) <= set(SIGNED_INTEGERS) else None


def integer_range(dtype: str) -> tuple[int, int]:
    """Return the least and the greatest number of an integer dtype.

    Args:
        dtype: The name of an integer dtype, or ``bool``.

    Returns:
        Both numbers.

    Example:
        >>> integer_range("int8"), integer_range("uint8"), integer_range("bool")
        ((-128, 127), (0, 255), (0, 1))
    """
    if dtype == "bool":
        return 0, 1
    bits = 8 * _SIZE[dtype]
    return (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def as_integer(number: float, dtype: str) -> int:
    """Return a number as C casts it to an integer dtype: without its fraction, and modulo the dtype's range.

    Args:
        number: Any number, not finite ones included.
        dtype: The name of an integer dtype, or ``bool``.

    Returns:
        The integer; of numbers that are not finite or beyond 64 bits, the last bits of the least number of 32 or 64
        bits, as x86 processors give them.

    Example:
        >>> as_integer(-2.7, "int32"), as_integer(300, "uint8"), as_integer(float("nan"), "int32")
        (-2, 44, -2147483648)
    """
    if dtype == "bool":
        return int(bool(number))
    least, greatest = integer_range(dtype)
    if not math.isfinite(number) or abs(number) >= 2**63:
        return least if _SIZE[dtype] >= 4 else 0
    if _SIZE[dtype] == 4 and not least <= number <= greatest and least:
        return least
    return (math.trunc(number) - least) % (greatest - least + 1) + least


def output_dtype(rule: str | None, attributes: Mapping[str, Any], operands: Sequence[str | None]) -> str | None:
    """Apply a dtype rule.

    Args:
        rule: The rule, usually ``catalogue[kind].dtype_rule``: ``same`` (the dtype of the first operand), ``promote``
            (the dtype that holds all operands'), ``promote_to_float`` (the same, float32 for integers),
            ``accumulate`` (as the first operand, int64 for integers), ``attribute`` (the attribute ``dtype``, or as
            the first operand where that is None), or a dtype's name.
        attributes: The node's attributes by name.
        operands: The dtypes of the operands that are tensors; None where a dtype is unknown. Literal numbers take the
            dtype of the other operands and are left out.

    Returns:
        The dtype of the first output, or None where it is unknown.

    Example:
        >>> from neutral.operators import catalogue
        >>> output_dtype(catalogue["shape"].dtype_rule, {}, ["float32"])
        'int64'
        >>> output_dtype(catalogue["divide"].dtype_rule, {}, ["int32", "int32"])
        'float32'
    """
    first = operands[0] if operands else None
    if rule == "same":
        return first
    if rule == "promote":
        return promote(operands)
    if rule == "promote_to_float":
        dtype = promote(operands)
        return "float32" if dtype in INTEGERS else dtype
    if rule == "accumulate":
        return "int64" if first in INTEGERS else first
    if rule == "attribute":
        return attributes["dtype"] or first
    return rule
