"""Follow replacements of values."""

from __future__ import annotations

from typing import Iterable, Mapping

from neutral.graph import Value


def resolve(value: Value, replacements: Mapping[Value, Value]) -> Value:
    """Follow a chain of replacements to its end.

    Args:
        value: The value.
        replacements: The replacement of each replaced value, without a cycle.

    Returns:
        The last value of the chain; ``value`` itself if it was not replaced.

    Example:
        >>> a, b, c = Value("a"), Value("b"), Value("c")
        >>> resolve(a, {a: b, b: c})
        Value(node='c', output=0)
    """
    while value in replacements:
        value = replacements[value]
    return value


def resolve_all(values: Iterable[Value], replacements: Mapping[Value, Value]) -> tuple[Value, ...]:
    """Resolve each of the values; see :func:`resolve`.

    Args:
        values: The values.
        replacements: The replacement of each replaced value, without a cycle.

    Returns:
        The last value of each chain, in order.

    Example:
        >>> resolve_all([Value("a"), Value("x")], {Value("a"): Value("b")})
        (Value(node='b', output=0), Value(node='x', output=0))
    """
    return tuple(resolve(value, replacements) for value in values)
