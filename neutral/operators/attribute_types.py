"""The types of attributes, and checks that a value has a type."""

from __future__ import annotations

from typing import Any, Callable


def is_of_type(type_name: str, value: Any) -> bool:
    """Return whether a value is of an attribute type.

    Args:
        type_name: A key of :data:`TYPES`.
        value: Any object.

    Returns:
        True if the value has the type; an int has the type ``float`` too, and a bool is not an int.

    Example:
        >>> is_of_type("ints", (1, 2)), is_of_type("ints", [1, 2]), is_of_type("int", True)
        (True, False, False)
    """
    return TYPES[type_name](value)


def numbers_in(value: Any) -> list[float]:
    """Return the numbers of an attribute's value: itself, or the items of a tuple; bools and None are left out.

    Args:
        value: The value of an attribute.

    Returns:
        The numbers, those within tuples too.

    Example:
        >>> numbers_in((1, None, 2.5)), numbers_in(True)
        ([1, 2.5], [])
    """
    items = value if isinstance(value, tuple) else (value,)
    return [item for item in items if _is_number(item)]


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_int(value)


def _is_graph(value: Any) -> bool:
    from neutral.graph import Graph

    return isinstance(value, Graph)


def _tuple_of(is_item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and all(map(is_item, value))


TYPES: dict[str, Callable[[Any], bool]] = {
    "int": _is_int,
    "float": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "ints": _tuple_of(_is_int),
    "floats": _tuple_of(_is_number),
    "optional_ints": _tuple_of(lambda item: item is None or _is_int(item)),
    "graph": _is_graph,
    "json": lambda value: True,
}
"""The check of each attribute type by its name."""
