"""Infer shapes of values as far as attributes, declarations and stored arrays determine them."""

from __future__ import annotations

from typing import Callable, Sequence

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.inference.demanded_shapes import demanded_shape
from mxnet_to_neutral.inference.shape_rules import SHAPE_RULES, ShapedNode
from mxnet_to_neutral.inference.shape_types import PartialShape
from mxnet_to_neutral.symbol.attribute_texts import InvalidAttribute
from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.declarations import declared_shape
from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode
from mxnet_to_neutral.symbol.ranges import range_problem


def infer_shapes(symbol: Symbol, array: Callable[[Entry], Array | None], file: str) -> Sequence[PartialShape | None]:
    """Return the shape of every node's first output.

    Args:
        symbol: The symbol.
        array: Gives the stored array at the source of an edge, None if there is none.
        file: The symbol's file, for messages.

    Returns:
        For each node of the symbol the shape of its first output, with None for each extent that is not known; None
        where not even the rank is known. See :func:`shape_at` for other outputs.
    """
    shapes: list[PartialShape | None] = []
    for index, node in enumerate(symbol.nodes):
        if node.is_variable:
            shapes.append(_variable_shape(symbol, index, array, file))
        else:
            shapes.append(_output_shape(node, [shape_at(symbol, shapes, entry) for entry in node.inputs], file))
    return shapes


def shape_at(symbol: Symbol, shapes: Sequence[PartialShape | None], entry: Entry) -> PartialShape | None:
    """Return the shape at the source of an edge.

    Args:
        symbol: The symbol.
        shapes: The shapes of the nodes' first outputs.
        entry: The source of the edge.

    Returns:
        The shape; None where it is not known.
    """
    is_first = entry.output == 0 or symbol.nodes[entry.node].operator == "SliceChannel"  # all its outputs are alike
    return shapes[entry.node] if is_first else None


def _variable_shape(
    symbol: Symbol, index: int, array: Callable[[Entry], Array | None], file: str
) -> PartialShape | None:
    """Return the shape of a stored array, or the one that a variable declares, or else that its users demand."""
    stored = array(Entry(index, 0))
    if stored is not None:
        return stored.shape
    try:
        declared = declared_shape(symbol.nodes[index], symbol.numpy_shape, file)
    except InvalidAttribute:
        return None
    return declared if declared is not None else demanded_shape(symbol, index, array, file)


def _output_shape(node: SymbolNode, inputs: list[PartialShape | None], file: str) -> PartialShape | None:
    """Return the shape of a node's outputs, None also if an attribute or an input's shape is invalid."""
    rule = SHAPE_RULES.get(node.operator)
    if rule is None or not inputs or range_problem(node.operator, node.attributes) is not None:
        return None
    try:
        return rule(ShapedNode(node.operator, Attributes(node, file), inputs))
    except (InvalidAttribute, IndexError, ValueError, ZeroDivisionError):  # of a scalar, no axis is one modulo its rank
        return None
