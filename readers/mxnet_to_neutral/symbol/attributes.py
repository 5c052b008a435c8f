"""Read the attributes of a node by type, with errors that name the attribute."""

from __future__ import annotations

import builtins
from typing import Any, Callable, Collection, TypeVar

from mxnet_to_neutral.symbol import values
from mxnet_to_neutral.symbol.model import SymbolNode
from neutral import limits
from neutral.errors import FormatError

T = TypeVar("T")

_REQUIRED: Any = object()


_COUNTS = {"num_layers": limits.LAYER_COUNT, "num_outputs": limits.OUTPUT_COUNT, "num_args": limits.INPUT_COUNT}
"""The limits of attributes that count; rules use memory in proportion to them."""


class InvalidAttribute(FormatError):
    """An attribute whose value is missing, cannot be parsed, or is out of range.

    Attributes:
        reason: The attribute, the value found, and the value expected; without file and node.
    """

    def __init__(self, file: str, node: SymbolNode, reason: str) -> None:
        problem = f"node {node.name!a} ({node.operator}): {reason}."
        super().__init__(file, None, problem, "Correct the symbol, or save it again with MXNet.")
        self.reason = reason


class Attributes:
    """The attributes of one node, parsed by type on request.

    Every method takes the attribute's name and a default for a file that does not state it; an attribute without a
    default is required. Invalid values raise an :class:`InvalidAttribute` that names the file, the node and the
    attribute. After a rule has read the attributes that it knows, :meth:`unread` returns those that it does not know.

    Args:
        node: The node.
        file: The name of the symbol file, for messages.

    Example:
        >>> node = SymbolNode("conv0", "Convolution", {"kernel": "(3, 3)", "num_filter": "8"}, {}, (), ())
        >>> attributes = Attributes(node, "model-symbol.json")
        >>> attributes.ints("kernel"), attributes.int("num_group", 1)
        ((3, 3), 1)
        >>> attributes.unread()
        ('num_filter',)
    """

    def __init__(self, node: SymbolNode, file: builtins.str) -> None:
        self.node = node
        self.file = file
        self._asked: set[builtins.str] = set()

    def given(self, name: builtins.str) -> builtins.bool:
        """Return whether the file states the attribute.

        Args:
            name: The attribute.

        Returns:
            False where a default would be used.
        """
        return name in self.node.attributes

    def ignore(self, *names: builtins.str) -> None:
        """Mark attributes as read that do not affect the result, such as ``workspace``.

        Args:
            names: The attributes.
        """
        self._asked.update(names)

    def unread(self) -> tuple[builtins.str, ...]:
        """Return the names of the attributes in the file that were neither read nor ignored, sorted.

        Returns:
            The names; a rule that leaves some makes its node opaque.
        """
        return tuple(sorted(set(self.node.attributes) - self._asked))

    def error(self, name: builtins.str, expected: builtins.str) -> InvalidAttribute:
        """Return the error for an invalid value of an attribute; the caller raises it.

        Args:
            name: The attribute.
            expected: A description of the valid values, for the message.

        Returns:
            The error, with the value that was found.
        """
        value = "missing"
        if self.given(name):
            text = ascii(self.node.attributes[name])
            value = text if len(text) <= 80 else text[:77] + "..."
        return InvalidAttribute(self.file, self.node, f"attribute {name!r} is {value}, expected {expected}")

    def str(
        self, name: builtins.str, default: builtins.str = _REQUIRED, choices: Collection[builtins.str] = ()
    ) -> builtins.str:
        """Return a text, one of ``choices`` if any are given.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.
            choices: The accepted texts; empty for any.

        Returns:
            The text.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, lambda text: _choose(text, choices))

    def optional_str(
        self, name: builtins.str, default: builtins.str | None = _REQUIRED, choices: Collection[builtins.str] = ()
    ) -> builtins.str | None:
        """Return a text, one of ``choices`` if any are given, or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.
            choices: The accepted texts; empty for any.

        Returns:
            The text, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, lambda text: None if text == "None" else _choose(text, choices))

    def dtype(self, name: builtins.str, default: builtins.str = _REQUIRED) -> builtins.str:
        """Return the name of a dtype, such as ``float32``.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            One of :data:`mxnet_to_neutral.symbol.values.DTYPES`.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, values.parse_dtype)

    def optional_dtype(self, name: builtins.str, default: builtins.str | None = _REQUIRED) -> builtins.str | None:
        """Return the name of a dtype, or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The name, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, lambda text: None if text == "None" else values.parse_dtype(text))

    def bool(self, name: builtins.str, default: builtins.bool = _REQUIRED) -> builtins.bool:
        """Return a boolean.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The boolean that ``True``, ``1`` and the like mean.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, values.parse_bool)

    def optional_bool(self, name: builtins.str, default: builtins.bool | None = _REQUIRED) -> builtins.bool | None:
        """Return a boolean or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The boolean, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, values.parse_optional_bool)

    def int(
        self, name: builtins.str, default: builtins.int = _REQUIRED, minimum: builtins.int | None = None
    ) -> builtins.int:
        """Return an integer, at least ``minimum`` if given; counts are limited by :mod:`neutral.limits`.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.
            minimum: The least accepted integer.

        Returns:
            The integer.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        value = self._get(name, default, values.parse_int)
        limit = _COUNTS.get(name)
        if limit is not None and value > limit.value:
            raise self.error(name, f"an integer of at most {limit.value}. {limit.variable} raises this limit")
        if minimum is not None and value < minimum:
            raise self.error(name, f"an integer of at least {minimum}")
        return value

    def optional_int(self, name: builtins.str, default: builtins.int | None = _REQUIRED) -> builtins.int | None:
        """Return an integer or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The integer, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, values.parse_optional_int)

    def float(self, name: builtins.str, default: builtins.float = _REQUIRED) -> builtins.float:
        """Return a number.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The number; infinities and NaN are accepted as MXNet writes them.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, values.parse_float)

    def optional_float(self, name: builtins.str, default: builtins.float | None = _REQUIRED) -> builtins.float | None:
        """Return a number or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The number, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, values.parse_optional_float)

    def ints(
        self,
        name: builtins.str,
        default: tuple[builtins.int, ...] = _REQUIRED,
        minimum: builtins.int | None = None,
    ) -> tuple[builtins.int, ...]:
        """Return a tuple of integers, each at least ``minimum`` if given; () where the file states an empty one.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.
            minimum: The least accepted integer.

        Returns:
            The integers, at most :data:`neutral.limits.ITEM_COUNT`.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        value = self._get(name, default, values.parse_ints)
        if minimum is not None and any(item < minimum for item in value):
            raise self.error(name, f"integers of at least {minimum}")
        return value

    def ints_or_none(
        self, name: builtins.str, default: tuple[builtins.int, ...] | None = _REQUIRED
    ) -> tuple[builtins.int, ...] | None:
        """Return a tuple of integers, or None, as for the ``axis`` of a reduction.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The integers, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, values.parse_ints_or_none)

    def optional_ints(self, name: builtins.str, default: values.OptionalInts = _REQUIRED) -> values.OptionalInts:
        """Return a tuple of integers and None, or None, as for the ``begin`` of a slice.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The integers, with None for each ``None`` among them; None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, values.parse_optional_ints)

    def pairs(self, name: builtins.str) -> tuple[tuple[builtins.int, builtins.int], ...]:
        """Return pairs of integers of at least 0, such as padding widths; the attribute is required.

        Args:
            name: The attribute.

        Returns:
            The pairs, in order.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, _REQUIRED, values.parse_pairs)

    def floats(self, name: builtins.str, default: tuple[builtins.float, ...] = _REQUIRED) -> tuple[builtins.float, ...]:
        """Return a tuple of numbers.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The numbers.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self._get(name, default, values.parse_floats)

    def _get(self, name: builtins.str, default: T, parse: Callable[[builtins.str], T]) -> T:
        self._asked.add(name)
        text = self.node.attributes.get(name)
        if text is None:
            if default is _REQUIRED:
                raise self.error(name, "a value: the operator has no default for it")
            return default
        try:
            value = parse(text)
        except ValueError as error:
            if text.strip() == "None" and default is not _REQUIRED:
                return default  # Python front ends write None for arguments that are left out
            raise self.error(name, str(error)) from error
        if isinstance(value, tuple) and len(value) > limits.ITEM_COUNT.value:
            raise self.error(name, f"at most {limits.ITEM_COUNT.hint}")
        return value


def declared_shape(variable: SymbolNode, numpy_shape: bool, file: str) -> tuple[int | None, ...] | None:
    """Return the shape that a variable was declared with.

    Args:
        variable: The variable.
        numpy_shape: Whether the symbol uses NumPy's shapes, in which -1 is an unknown dimension; otherwise 0 is one
            too.
        file: The name of the symbol file, for messages.

    Returns:
        The shape, with None for each unknown dimension; None if nothing is known.

    Raises:
        FormatError: The declaration is not a shape.

    Example:
        >>> declared_shape(SymbolNode("w", "null", {}, {"__shape__": "(8, 0)"}, (), ()), False, "m.json")
        (8, None)
    """
    node = SymbolNode(variable.name, variable.operator, variable.hidden, {}, (), ())
    shape = Attributes(node, file).ints_or_none("__shape__", None)
    if shape is None or (not shape and not numpy_shape):
        return None
    if min(shape, default=0) < -1:
        raise Attributes(node, file).error("__shape__", "numbers from 0 up, or -1 for an unknown dimension")
    return tuple(None if dim == -1 or (dim == 0 and not numpy_shape) else dim for dim in shape)


def declared_dtype(variable: SymbolNode, file: str) -> str | None:
    """Return the dtype that a variable was declared with, such as ``float32``, or None.

    Args:
        variable: The variable.
        file: The name of the symbol file, for messages.

    Returns:
        The dtype's name, None if the variable declares none.

    Raises:
        FormatError: The declaration is not a dtype number.
    """
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
