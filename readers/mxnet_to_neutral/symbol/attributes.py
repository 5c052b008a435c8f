"""How operator rules read a node's attributes: typed, each named in its errors, and none left unnoticed."""

from __future__ import annotations

import builtins
from typing import Any, Callable, Collection, TypeVar

from mxnet_to_neutral.symbol import values
from mxnet_to_neutral.symbol.model import SymbolNode
from neutral.errors import FormatError

T = TypeVar("T")

_REQUIRED: Any = object()


class Attributes:
    """The attributes of one node, by type.

    ``attributes.int("num_group", 1)`` is the value in the file, or 1 where the file leaves it to the default; without
    a default the attribute is required. Whatever cannot be parsed raises a FormatError that names the file, the node
    and the attribute. A rule that has asked for all it knows makes sure with :meth:`unread` that nothing else is set.
    """

    def __init__(self, node: SymbolNode, file: builtins.str) -> None:
        self.node = node
        self.file = file
        self._asked: set[builtins.str] = set()

    def given(self, name: builtins.str) -> builtins.bool:
        """Whether the file states the attribute."""
        return name in self.node.attributes

    def ignore(self, *names: builtins.str) -> None:
        """Count attributes as read that have no meaning for the result, such as ``workspace``."""
        self._asked.update(names)

    def unread(self) -> tuple[builtins.str, ...]:
        """The attributes in the file that nobody asked for."""
        return tuple(sorted(set(self.node.attributes) - self._asked))

    def error(self, name: builtins.str, expected: builtins.str) -> FormatError:
        """The error to raise where an attribute's value cannot be."""
        found = "missing"
        if self.given(name):
            text = ascii(self.node.attributes[name])
            found = text if len(text) <= 80 else text[:77] + "..."
        return FormatError(
            self.file,
            None,
            f"node {self.node.name!a} ({self.node.operator}): attribute {name!r} is {found}, expected {expected}.",
            "Correct the symbol, or save it again with MXNet.",
        )

    def str(
        self, name: builtins.str, default: builtins.str = _REQUIRED, choices: Collection[builtins.str] = ()
    ) -> builtins.str:
        return self._get(name, default, lambda text: _choose(text, choices))

    def optional_str(
        self, name: builtins.str, default: builtins.str | None = _REQUIRED, choices: Collection[builtins.str] = ()
    ) -> builtins.str | None:
        return self._get(name, default, lambda text: None if text == "None" else _choose(text, choices))

    def dtype(self, name: builtins.str, default: builtins.str = _REQUIRED) -> builtins.str:
        """A dtype by name, such as ``float32``."""
        return self._get(name, default, values.parse_dtype)

    def optional_dtype(self, name: builtins.str, default: builtins.str | None = _REQUIRED) -> builtins.str | None:
        return self._get(name, default, lambda text: None if text == "None" else values.parse_dtype(text))

    def bool(self, name: builtins.str, default: builtins.bool = _REQUIRED) -> builtins.bool:
        return self._get(name, default, values.parse_bool)

    def optional_bool(self, name: builtins.str, default: builtins.bool | None = _REQUIRED) -> builtins.bool | None:
        return self._get(name, default, values.parse_optional_bool)

    def int(
        self, name: builtins.str, default: builtins.int = _REQUIRED, minimum: builtins.int | None = None
    ) -> builtins.int:
        value = self._get(name, default, values.parse_int)
        if minimum is not None and value < minimum:
            raise self.error(name, f"an integer of at least {minimum}")
        return value

    def optional_int(self, name: builtins.str, default: builtins.int | None = _REQUIRED) -> builtins.int | None:
        return self._get(name, default, values.parse_optional_int)

    def float(self, name: builtins.str, default: builtins.float = _REQUIRED) -> builtins.float:
        return self._get(name, default, values.parse_float)

    def optional_float(self, name: builtins.str, default: builtins.float | None = _REQUIRED) -> builtins.float | None:
        return self._get(name, default, values.parse_optional_float)

    def ints(
        self,
        name: builtins.str,
        default: tuple[builtins.int, ...] = _REQUIRED,
        minimum: builtins.int | None = None,
    ) -> tuple[builtins.int, ...]:
        """A tuple of integers. Where MXNet takes an empty one for a default (stride, dilate, pad), () is returned."""
        value = self._get(name, default, values.parse_ints)
        if minimum is not None and any(item < minimum for item in value):
            raise self.error(name, f"integers of at least {minimum}")
        return value

    def ints_or_none(
        self, name: builtins.str, default: tuple[builtins.int, ...] | None = _REQUIRED
    ) -> tuple[builtins.int, ...] | None:
        """A tuple that may be absent as a whole, as the ``axis`` of a reduction."""
        return self._get(name, default, values.parse_ints_or_none)

    def optional_ints(self, name: builtins.str, default: values.OptionalInts = _REQUIRED) -> values.OptionalInts:
        """A tuple whose elements may be absent, as the ``begin`` of a slice; None where all of it is."""
        return self._get(name, default, values.parse_optional_ints)

    def pairs(self, name: builtins.str) -> tuple[tuple[builtins.int, builtins.int], ...]:
        """Pairs of integers that are not negative, such as the widths of a padding. There is no default."""
        return self._get(name, _REQUIRED, values.parse_pairs)

    def floats(self, name: builtins.str, default: tuple[builtins.float, ...] = _REQUIRED) -> tuple[builtins.float, ...]:
        return self._get(name, default, values.parse_floats)

    def _get(self, name: builtins.str, default: T, parse: Callable[[builtins.str], T]) -> T:
        self._asked.add(name)
        text = self.node.attributes.get(name)
        if text is None:
            if default is _REQUIRED:
                raise self.error(name, "a value: the operator has no default for it")
            return default
        try:
            return parse(text)
        except ValueError as error:
            raise self.error(name, str(error)) from error


def declared_shape(variable: SymbolNode, numpy_shape: bool, file: str) -> tuple[int | None, ...] | None:
    """The shape a variable was declared with: None for an unknown dimension, or for all of it."""
    node = SymbolNode(variable.name, variable.operator, variable.hidden, {}, (), ())
    shape = Attributes(node, file).ints_or_none("__shape__", None)
    if shape is None or (not shape and not numpy_shape):
        return None
    unknown = -1 if numpy_shape else 0
    return tuple(None if dim == unknown else dim for dim in shape)


def declared_dtype(variable: SymbolNode, file: str) -> str | None:
    """The dtype a variable was declared with, or None."""
    node = SymbolNode(variable.name, variable.operator, variable.hidden, {}, (), ())
    attributes = Attributes(node, file)
    number = attributes.int("__dtype__", -1)
    if number != -1 and number not in values.DTYPES:
        raise attributes.error("__dtype__", f"a number from 0 to {max(values.DTYPES)}, or -1")
    return values.DTYPES.get(number)


def _choose(text: str, choices: Collection[str]) -> str:
    if choices and text not in choices:
        raise ValueError(" or ".join(map(repr, choices)))
    return text
