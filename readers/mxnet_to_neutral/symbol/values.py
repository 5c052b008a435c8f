"""Parse MXNet's attribute strings to typed values, by the rules of MXNet's own parsers.

Every text that MXNet 1.9.1 accepts is accepted with the same value: Python's spelling ``(3, 3)``, C++'s ``[3,3]``,
Python 2's ``(3L, 3L)``, a bare ``3`` for ``(3,)``. Every text that it refuses is refused (``2.0`` or ``0x2`` for an
integer), and so are the accidents of its number parser (``-``, ``.`` and ``e5`` for zero, ``1e`` for one). Two limits
are wider, since a string does not tell the width of its field: integers have 64 bits, and floats are doubles, zero if
they underflow.

Every parser raises ValueError with a description of the expected values.
"""

from __future__ import annotations

import math
import re
from typing import Mapping, Optional, Tuple

from mxnet_to_neutral.limits import MAX_INTEGER_DIGITS

DTYPES: Mapping[int, str] = {
    0: "float32",
    1: "float64",
    2: "float16",
    3: "uint8",
    4: "int32",
    5: "int8",
    6: "int64",
    7: "bool",
    8: "int16",
    9: "uint16",
    10: "uint32",
    11: "uint64",
    12: "bfloat16",
}
"""The names of MXNet's dtypes by number."""

OptionalInts = Optional[Tuple[Optional[int], ...]]

_SPACE = r"[ \t\n\v\f\r]*"
_DIGITS = r"[+-]?[0-9]+"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_DECIMAL = rf"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+){_EXPONENT}"


def _tuple(item: str, bare: str) -> str:
    """Return the pattern of a tuple of ``item`` in parentheses or brackets, or of one ``bare`` item."""
    items = rf"{item}(?:,{item})*(?:,{_SPACE})?"
    return rf"{_SPACE}(?:{bare}|[(\[](?:{_SPACE}|{items})[)\]]){_SPACE}"


_INT = rf"{_SPACE}({_DIGITS}){_SPACE}"
_OPTIONAL_INT = rf"{_SPACE}({_DIGITS})L?{_SPACE}"
_FLOAT = rf"{_SPACE}({_DECIMAL})[fF]?"
_OPTIONAL_FLOAT = rf"{_SPACE}({_DECIMAL}){_SPACE}"
_SPECIAL_FLOAT = rf"(?i){_SPACE}([+-]?)(?:(inf)(?:inity)?|(nan)(?:\([a-z0-9_]*\))?)"
_INTS = _tuple(rf"{_SPACE}{_DIGITS}(?:{_SPACE}L|{_SPACE})", "-?[0-9]+")
_OPTIONAL_INTS = _tuple(rf"{_SPACE}(?:None|{_DIGITS}L?){_SPACE}", "-?[0-9]+L?")
_FLOATS = _tuple(rf"{_SPACE}{_DECIMAL}{_SPACE}", rf"-?[0-9]+(?:\.[0-9]*)?{_EXPONENT}")
_PAIR = r"[(\[]\s*[0-9]{1,10}\s*,\s*[0-9]{1,10}\s*[)\]]"
_PAIRS = rf"\s*[(\[]\s*{_PAIR}(?:\s*,\s*{_PAIR})*\s*,?\s*[)\]]\s*"
_INT_ITEMS = rf"None|{_DIGITS}"
_FLOAT_ITEMS = _DECIMAL


def parse_bool(text: str) -> bool:
    """Parse a boolean.

    Args:
        text: ``true``, ``false`` in any case, ``1`` or ``0``.

    Returns:
        The value.

    Raises:
        ValueError: The text is something else; the message states the expected value.

    Example:
        >>> parse_bool("True"), parse_bool("0")
        (True, False)
    """
    value = {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
    if value is None:
        raise ValueError("True or False")
    return value


def parse_optional_bool(text: str) -> bool | None:
    """Parse a boolean or ``None``.

    Args:
        text: A boolean, or ``none`` in any case, with spaces around it or not.

    Returns:
        The value.

    Raises:
        ValueError: The text is neither; the message states the expected value.
    """
    text = text.strip()
    return None if text.lower() == "none" else parse_bool(text)


def parse_int(text: str) -> int:
    """Parse an integer of 64 bits.

    Args:
        text: A decimal integer, with spaces around it or not.

    Returns:
        The value.

    Raises:
        ValueError: The text is something else, or the value needs more bits; the message states the expected value.

    Example:
        >>> parse_int(" 3 ")
        3
        >>> parse_int("2.0")
        Traceback (most recent call last):
        ...
        ValueError: an integer
    """
    return _number(re.fullmatch(_INT, text), "an integer")


def parse_optional_int(text: str) -> int | None:
    """Parse an integer of 64 bits or ``None``.

    Args:
        text: A decimal integer or ``None``.

    Returns:
        The value.

    Raises:
        ValueError: The text is neither; the message states the expected value.
    """
    return None if _is_none(text) else _number(re.fullmatch(_OPTIONAL_INT, text), "an integer or None")


def parse_float(text: str) -> float:
    """Parse a number, an infinity or NaN.

    Args:
        text: A decimal number, which may have C's suffix ``f``, or the name of an infinity or of NaN.

    Returns:
        The value.

    Raises:
        ValueError: The text is something else; the message states the expected value.

    Example:
        >>> parse_float("1e-5f"), parse_float("-inf")
        (1e-05, -inf)
    """
    special = re.fullmatch(_SPECIAL_FLOAT, text)
    if special:
        return float(special[1] + (special[2] or special[3]))
    return _real(re.fullmatch(_FLOAT, text), "a number")


def parse_optional_float(text: str) -> float | None:
    """Parse a finite number or ``None``.

    Args:
        text: A decimal number or ``None``.

    Returns:
        The value.

    Raises:
        ValueError: The text is neither; the message states the expected value.
    """
    return None if _is_none(text) else _real(re.fullmatch(_OPTIONAL_FLOAT, text), "a number or None")


def parse_ints(text: str) -> tuple[int, ...]:
    """Parse a tuple of integers of 64 bits.

    Args:
        text: Integers in parentheses, in brackets, or a single one alone; Python 2's suffix ``L`` is accepted.

    Returns:
        The integers; a single one as a tuple of one.

    Raises:
        ValueError: The text is something else; the message states the expected value.

    Example:
        >>> parse_ints("(3, 3)"), parse_ints("[3,3]"), parse_ints("(3L, 3L)"), parse_ints("3"), parse_ints("()")
        ((3, 3), (3, 3), (3, 3), (3,), ())
    """
    expected = "integers such as (3, 3)"
    if not re.fullmatch(_INTS, text):
        raise ValueError(expected)
    return tuple(_bounded(item, expected) for item in re.findall(_INT_ITEMS, text))


def parse_ints_or_none(text: str) -> tuple[int, ...] | None:
    """Parse a tuple of integers or ``None``, as for the ``axis`` of a reduction.

    Args:
        text: Integers as for :func:`parse_ints`, or ``None``.

    Returns:
        The integers, or None.

    Raises:
        ValueError: The text is neither; the message states the expected value.
    """
    return None if text.strip() == "None" else parse_ints(text)


def parse_optional_ints(text: str) -> OptionalInts:
    """Parse a tuple of integers and ``None``, or ``None``, as for the ``begin`` of a slice.

    Args:
        text: Integers as for :func:`parse_ints`, each of which may be ``None``; or ``None`` alone.

    Returns:
        The items, or None.

    Raises:
        ValueError: The text is neither; the message states the expected value.

    Example:
        >>> parse_optional_ints("(0, None)")
        (0, None)
    """
    expected = "integers or None, such as (0, None)"
    if text.strip() == "None":
        return None
    if not re.fullmatch(_OPTIONAL_INTS, text):
        raise ValueError(expected)
    return tuple(None if item == "None" else _bounded(item, expected) for item in re.findall(_INT_ITEMS, text))


def parse_pairs(text: str) -> tuple[tuple[int, int], ...]:
    """Parse a tuple of pairs of integers of at least 0, such as padding widths.

    Args:
        text: Pairs in parentheses, within parentheses.

    Returns:
        The pairs, one for each axis in the case of padding.

    Raises:
        ValueError: The text is something else; the message states the expected value.

    Example:
        >>> parse_pairs("((0, 0), (1, 2))")
        ((0, 0), (1, 2))
    """
    if not re.fullmatch(_PAIRS, text):
        raise ValueError("pairs of integers such as ((0, 0), (1, 1))")
    numbers = [int(item) for item in re.findall("[0-9]+", text)]
    return tuple(zip(numbers[::2], numbers[1::2]))


def parse_floats(text: str) -> tuple[float, ...]:
    """Parse a tuple of finite numbers.

    Args:
        text: Decimal numbers in parentheses or brackets.

    Returns:
        The numbers.

    Raises:
        ValueError: The text is something else, or a number is not finite; the message states the expected value.

    Example:
        >>> parse_floats("(0.1, 2)")
        (0.1, 2.0)
    """
    expected = "numbers such as (0.1, 0.2)"
    if not re.fullmatch(_FLOATS, text):
        raise ValueError(expected)
    return tuple(_finite(item, expected) for item in re.findall(_FLOAT_ITEMS, text))


def parse_dtype(text: str) -> str:
    """Return ``text`` if it is the name of one of :data:`DTYPES`.

    Args:
        text: A name such as ``float32``.

    Returns:
        The name, unchanged.

    Raises:
        ValueError: The name is unknown; the message lists the known ones.
    """
    if text not in DTYPES.values():
        raise ValueError(f"a dtype: {', '.join(DTYPES.values())}")
    return text


def _is_none(text: str) -> bool:
    return text.startswith("None") and not text[4:].strip()


def _number(match: re.Match[str] | None, expected: str) -> int:
    if not match:
        raise ValueError(expected)
    return _bounded(match[1], expected)


def _bounded(digits: str, expected: str) -> int:
    value = int(digits) if len(digits) <= MAX_INTEGER_DIGITS else None
    if value is None or not -(2**63) <= value < 2**63:
        raise ValueError(f"{expected}, within 64 bits")
    return value


def _real(match: re.Match[str] | None, expected: str) -> float:
    if not match:
        raise ValueError(expected)
    return _finite(match[1], expected)


def _finite(decimal: str, expected: str) -> float:
    value = float(decimal)
    if math.isinf(value):
        raise ValueError(f"{expected}, within a double")
    return value
