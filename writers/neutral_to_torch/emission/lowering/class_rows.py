"""Vectorise rows of detections over classes: the source joins them class by class from slices."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from neutral.graph import Graph, Node, Operand, Value
from neutral.rewriting import UniqueNames, UseDef

FEWEST = 2
"""Classes from which on the rows are vectorised."""


def fuse_class_rows(graph: Graph) -> Graph:
    """Write ``cat([cat([a[..., k:k+1], b], -1) for each class k], 1)`` as ``class_rows`` with axes 1 and 2 merged.

    The kind ``class_rows`` is the emitter's own. Its inputs are the parts, its attributes ``classes``, ``axis`` (that
    of the classes in the parts), ``joined`` (the axis along which the parts are joined) and ``sliced``, which says for
    each part whether it has a slice for each class.

    Args:
        graph: The graph; it is not changed.

    Returns:
        A graph that computes the same outputs.
    """
    chains = UseDef(graph.nodes, graph.outputs)
    unique = UniqueNames([*chains.definitions, *(item.name for item in graph.inputs)])
    return replace(graph, nodes=tuple(item for node in graph.nodes for item in _fused(node, chains, unique)))


def _fused(node: Node, chains: UseDef[Node], unique: UniqueNames) -> tuple[Node, ...]:
    if node.kind != "concatenate" or node.attributes["axis"] != 1 or len(node.inputs) < FEWEST:
        return (node,)
    joins = [chains.definition(operand) for operand in node.inputs]
    first = joins[0]
    if first is None or any(join is None or join.kind != "concatenate" for join in joins):
        return (node,)
    rows = [join for join in joins if join is not None]
    axis = first.attributes["axis"]
    if axis in (0, 1) or any(join.attributes["axis"] != axis or len(join.inputs) != len(first.inputs) for join in rows):
        return (node,)
    parts = [_part([join.inputs[k] for join in rows], chains) for k in range(len(first.inputs))]
    axes = {part[1] for part in parts if part is not None and part[1] is not None}
    if None in parts or len(axes) != 1:
        return (node,)
    known = [part for part in parts if part is not None]
    attributes = {
        "classes": len(rows),
        "axis": axes.pop(),
        "joined": axis,
        "sliced": tuple(class_axis is not None for _, class_axis in known),
    }
    rows_of_classes = Node(unique(f"{node.name}_classes"), "class_rows", tuple(part for part, _ in known), attributes)
    merged = Node(node.name, "merge_axes", (Value(rows_of_classes.name),), {"axis": 1, "count": 2})
    return rows_of_classes, merged


def _part(operands: Sequence[Operand], chains: UseDef[Node]) -> tuple[Value, int | None] | None:
    """Return the common value of all classes, and the axis along which class k is its slice k, None where it is whole.

    None where the operands have nothing in common.
    """
    first = operands[0]
    if isinstance(first, Value) and all(operand == first for operand in operands):
        return first, None
    slices = [chains.definition(operand) for operand in operands]
    sources = {node.inputs[0] for node in slices if node is not None and node.inputs}
    axes = {_sliced_axis(node, k) for k, node in enumerate(slices)}
    if len(sources) != 1 or len(axes) != 1 or None in axes:
        return None
    source, axis = sources.pop(), axes.pop()
    return (source, axis) if isinstance(source, Value) and axis in (-1, 2) else None


def _sliced_axis(node: Node | None, position: int) -> int | None:
    """Return the axis of which the node takes one position, or None."""
    if node is None or node.kind != "slice" or len(node.attributes["axes"]) != 1:
        return None
    bounds = node.attributes["starts"], node.attributes["ends"], node.attributes["steps"]
    starts = ((position,), (None,)) if position == 0 else ((position,),)
    if bounds[0] not in starts or bounds[1:] != ((position + 1,), (1,)):
        return None
    axis: int = node.attributes["axes"][0]
    return axis
