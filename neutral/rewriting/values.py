"""Follow replacements of values."""

from __future__ import annotations

from typing import Iterable, Mapping

from neutral.graph import Value


def resolve(value: Value, replacements: Mapping[Value, Value]) -> Value:
    """Follow a chain of replacements to its end.

    Example:
        >>> a, b, c = Value("a"), Value("b"), Value("c")
        >>> resolve(a, {a: b, b: c})
        Value(node='c', output=0)
    """
    while value in replacements:
        value = replacements[value]
    return value


def resolve_all(values: Iterable[Value], replacements: Mapping[Value, Value]) -> tuple[Value, ...]:
    """Resolve each of the values; see :func:`resolve`."""
    return tuple(resolve(value, replacements) for value in values)
