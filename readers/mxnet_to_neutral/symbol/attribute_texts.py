"""The attributes of a node as texts, and which of them a rule has read."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

from mxnet_to_neutral.symbol.model import SymbolNode
from mxnet_to_neutral.symbol.ranges import shown
from neutral import limits
from neutral.errors import FormatError

T = TypeVar("T")

REQUIRED: Any = object()
"""The default of an attribute that a file must state."""


class InvalidAttribute(FormatError):
    """An attribute whose value is missing, cannot be parsed, or is out of range.

    Attributes:
        reason: The attribute, the value found, and the value expected; without file and node.
    """

    def __init__(self, file: str, node: SymbolNode, reason: str) -> None:
        problem = f"node {node.name!a} ({node.operator}): {reason}."
        super().__init__(file, None, problem, "Correct the symbol, or save it again with MXNet.")
        self.reason = reason


class AttributeTexts:
    """The attributes of one node, as the file states them.

    Args:
        node: The node.
        file: The name of the symbol file, for messages.
    """

    def __init__(self, node: SymbolNode, file: str) -> None:
        self.node = node
        self.file = file
        self._asked: set[str] = set()

    def given(self, name: str) -> bool:
        """Return whether the file states the attribute.

        Args:
            name: The attribute.

        Returns:
            False where a default would be used.
        """
        return name in self.node.attributes

    def ignore(self, *names: str) -> None:
        """Mark attributes as read that do not affect the result, such as ``workspace``.

        Args:
            names: The attributes.
        """
        self._asked.update(names)

    def unread(self) -> tuple[str, ...]:
        """Return the names of the attributes in the file that were neither read nor ignored, sorted.

        Returns:
            The names; a rule that leaves some makes its node opaque.
        """
        return tuple(sorted(set(self.node.attributes) - self._asked))

    def error(self, name: str, expected: str) -> InvalidAttribute:
        """Return the error for an invalid value of an attribute; the caller raises it.

        Args:
            name: The attribute.
            expected: A description of the valid values, for the message.

        Returns:
            The error, with the value that was found.
        """
        value = shown(self.node.attributes[name]) if self.given(name) else "missing"
        return InvalidAttribute(self.file, self.node, f"attribute {name!r} is {value}, expected {expected}")

    def parsed(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        """Return the value of an attribute.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; :data:`REQUIRED` for none.
            parse: Parses the text; it raises ValueError with a description of the valid values.

        Returns:
            The parsed value, or the default.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or has too many items.
        """
        self._asked.add(name)
        text = self.node.attributes.get(name)
        if text is None:
            if default is REQUIRED:
                raise self.error(name, "a value: the operator has no default for it")
            return default
        try:
            value = parse(text)
        except ValueError as error:
            if text.strip() == "None" and default is not REQUIRED:
                return default  # Python front ends write None for arguments that are left out
            raise self.error(name, str(error)) from error
        if isinstance(value, tuple) and len(value) > limits.ITEM_COUNT.value:
            raise self.error(name, f"at most {limits.ITEM_COUNT.hint}")
        return value
