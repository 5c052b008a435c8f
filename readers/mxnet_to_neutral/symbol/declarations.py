"""The shape and the dtype that a variable of the symbol was declared with."""

from __future__ import annotations

from mxnet_to_neutral.symbol import values
from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.model import SymbolNode


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
