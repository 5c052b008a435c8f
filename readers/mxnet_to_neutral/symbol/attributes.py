"""Read the attributes of a node by type, with errors that name the attribute."""

from __future__ import annotations

from mxnet_to_neutral.symbol import values
from mxnet_to_neutral.symbol.attribute_texts import REQUIRED
from mxnet_to_neutral.symbol.scalar_attributes import ScalarAttributes


class Attributes(ScalarAttributes):
    """The attributes of one node, parsed by type on request.

    Every method takes the attribute's name and a default for a file that does not state it; an attribute without a
    default is required. Invalid values raise an :class:`InvalidAttribute` that names the file, the node and the
    attribute. After a rule has read the attributes that it knows, :meth:`unread` returns those that it does not know.

    Args:
        node: The node.
        file: The name of the symbol file, for messages.

    Example:
        >>> from mxnet_to_neutral.symbol.model import SymbolNode
        >>> node = SymbolNode("conv0", "Convolution", {"kernel": "(3, 3)", "num_filter": "8"}, {}, (), ())
        >>> attributes = Attributes(node, "model-symbol.json")
        >>> attributes.ints("kernel"), attributes.int("num_group", 1)
        ((3, 3), 1)
        >>> attributes.unread()
        ('num_filter',)
    """

    def ints(
        self,
        name: str,
        default: tuple[int, ...] = REQUIRED,
        minimum: int | None = None,
    ) -> tuple[int, ...]:
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
        value = self.parsed(name, default, values.parse_ints)
        if minimum is not None and any(item < minimum for item in value):
            raise self.error(name, f"integers of at least {minimum}")
        return value

    def ints_or_none(self, name: str, default: tuple[int, ...] | None = REQUIRED) -> tuple[int, ...] | None:
        """Return a tuple of integers, or None, as for the ``axis`` of a reduction.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The integers, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, values.parse_ints_or_none)

    def optional_ints(self, name: str, default: values.OptionalInts = REQUIRED) -> values.OptionalInts:
        """Return a tuple of integers and None, or None, as for the ``begin`` of a slice.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The integers, with None for each ``None`` among them; None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, values.parse_optional_ints)

    def pairs(self, name: str) -> tuple[tuple[int, int], ...]:
        """Return pairs of integers of at least 0, such as padding widths; the attribute is required.

        Args:
            name: The attribute.

        Returns:
            The pairs, in order.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, REQUIRED, values.parse_pairs)

    def floats(self, name: str, default: tuple[float, ...] = REQUIRED) -> tuple[float, ...]:
        """Return a tuple of numbers.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The numbers.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, values.parse_floats)
