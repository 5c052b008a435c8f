"""Parse JSON strictly: no duplicate keys, no number without a bound, no NaN or infinity."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Callable

_LONGEST_INTEGER = 19
"""Digits of the largest signed 64-bit number."""


def parse_object(text: bytes | memoryview) -> dict[str, Any]:
    """Parse a JSON object in which every key is unique and every number is whole.

    Args:
        text: UTF-8.

    Returns:
        The object as nested dicts and lists.

    Raises:
        ValueError: If the text is not such an object; RecursionError and MemoryError are passed on.

    Example:
        >>> parse_object(b'{"shape": [2, 3]}')
        {'shape': [2, 3]}
        >>> parse_object(b'{"a": 1, "a": 2}')
        Traceback (most recent call last):
            ...
        ValueError: duplicate key 'a'
    """
    document: dict[str, Any] = json.loads(
        str(text, "utf-8"),
        object_pairs_hook=_unique_keys,
        parse_int=bounded_int(_LONGEST_INTEGER),
        parse_float=_reject_number,
        parse_constant=_reject_number,
    )
    if type(document) is not dict:
        raise ValueError("not an object")
    return document


def bounded_int(digits: int) -> Callable[[str], int]:
    """Return a parser of whole numbers that raises ValueError for more than ``digits`` characters.

    Args:
        digits: The largest allowed length, the sign included.

    Returns:
        A function for the argument ``parse_int`` of :func:`json.loads`.
    """

    def parse(text: str) -> int:
        if len(text) > digits:
            raise ValueError(f"a number of {len(text)} digits; at most {digits} are allowed")
        return int(text)

    return parse


def reject_constant(text: str) -> Any:
    """Raise ValueError: NaN, Infinity and -Infinity are not JSON.

    Args:
        text: The constant, as :func:`json.loads` passes it to ``parse_constant``.

    Returns:
        Nothing; it always raises.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{text} is not a number of JSON")


def _reject_number(text: str) -> Any:
    raise ValueError(f"{text[:30]} is not a whole number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"duplicate key {key!r}")
    return result
