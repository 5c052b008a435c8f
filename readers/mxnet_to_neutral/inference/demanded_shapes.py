"""Find the shape that the users of a value demand by their weights."""

from __future__ import annotations

from typing import Callable

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.inference.shape_rules import SAME_SHAPE
from mxnet_to_neutral.inference.shape_types import PartialShape, merged
from mxnet_to_neutral.symbol.attribute_texts import InvalidAttribute
from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode


def demanded_shape(
    symbol: Symbol, index: int, array: Callable[[Entry], Array | None], file: str
) -> PartialShape | None:
    """Return the shape that convolutions demand of a node's output, directly or behind operators that keep shapes.

    Args:
        symbol: The symbol.
        index: The index of the node.
        array: Gives the stored array at the source of an edge, None if there is none.
        file: The symbol's file, for messages.

    Returns:
        The shape with None for each extent that is not known; None if no user tells one or users contradict each other.
    """
    demands: list[PartialShape | None] = []
    seen, open_nodes = {index}, [index]
    while open_nodes:
        for user, position in symbol.consumers[open_nodes.pop()]:
            node = symbol.nodes[user]
            if position == 0:
                demands.append(_demand(node, array, file))
            if node.operator in SAME_SHAPE and user not in seen:
                seen.add(user)
                open_nodes.append(user)
    return merged(demands)


def _demand(node: SymbolNode, array: Callable[[Entry], Array | None], file: str) -> PartialShape | None:
    """Return the shape that a convolution with a stored weight demands of its first input."""
    weight = array(node.inputs[1]) if len(node.inputs) > 1 else None
    if node.operator not in ("Convolution", "Convolution_v1", "Deconvolution") or weight is None:
        return None
    attributes = Attributes(node, file)
    try:
        layout = attributes.optional_str("layout", None) or "NC"
        groups = attributes.int("num_group", 1)
    except InvalidAttribute:
        return None
    if not layout.startswith("NC") or len(weight.shape) < 3:
        return None
    channels = weight.shape[0] if node.operator == "Deconvolution" else weight.shape[1] * groups
    return (None, channels) + (None,) * (len(weight.shape) - 2)
