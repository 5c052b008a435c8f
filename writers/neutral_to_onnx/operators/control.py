"""Loops and branches, as Scan, Loop and If."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from neutral.graph import Graph
from neutral_to_onnx.building import GraphBuilder, OnnxValue
from neutral_to_onnx.lowering.bodies import finished, lowered, require_same_type, scan
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import NeedsShape, Unsupported, rule


def _formal(node: NodeContext, builder: GraphBuilder, value: OnnxValue, name: str, sliced: bool = False) -> OnnxValue:
    """Declare the input of a body for a value outside: its type, or that of a position of its first axis."""
    shape = value.shape[1:] if sliced and value.shape is not None else value.shape
    return builder.input(f"{node.name}/{name}", value.dtype, shape)


def _scalar_bool(node: NodeContext, value: OnnxValue) -> OnnxValue:
    return node.cast(node.reshape(value, []), "bool")


@rule("foreach")
def foreach(node: NodeContext, *operands: OnnxValue) -> list[OnnxValue]:
    graph: Graph = node["body"]
    first, count = node["sequences"], node["states"]
    sequences, states, constants = operands[:first], operands[first : first + count], operands[first + count :]
    if not sequences:
        raise Unsupported("it has no sequence, so that it has no steps")
    builder = node.builder.subgraph()
    steps = [_formal(node, builder, value, "step", sliced=True) for value in sequences]
    current = [_formal(node, builder, value, "state") for value in states]
    body = node.inside(builder)
    outputs = lowered(node, graph, builder, [*steps, *current, *constants])
    results, following = outputs[: len(outputs) - count], outputs[len(outputs) - count :]
    last = scan(node, body, (states, sequences), [*current, *steps], (following, results))
    return [*last[count:], *last[:count]]


@rule("while_loop")
def while_loop(node: NodeContext, *operands: OnnxValue) -> list[OnnxValue]:
    count = node["states"]
    states, constants = operands[:count], operands[count:]
    start = _scalar_bool(node, lowered(node, node["condition"], node.builder, operands)[0])
    builder = node.builder.subgraph()
    body = node.inside(builder)
    number, again = (
        builder.input(f"{node.name}/{name}", dtype, ()) for name, dtype in (("step", "int64"), ("again", "bool"))
    )
    current = [_formal(node, builder, value, "state") for value in states]
    outputs = lowered(node, node["body"], builder, [*current, *constants])
    results, following = outputs[: len(outputs) - count], outputs[len(outputs) - count :]
    for old, new in zip(states, following):
        require_same_type(old, new)
    _require_shapes(results)
    goes_on = _scalar_bool(body, lowered(body, node["condition"], builder, [*following, *constants])[0])
    types: list[tuple[str, Any]] = [(value.dtype, value.shape) for value in states]
    types += [(value.dtype, (None, *(value.shape or ()))) for value in results]
    last = node.ops(
        "Loop",
        [node.constant(node["max_iterations"], "int64"), start, *states],
        len(types),
        types,
        body=finished(body, "body", [number, again, *current], [goes_on, *following, *results]),
    )
    return [*(_filled(node, value) for value in last[count:]), *last[:count]]


def _require_shapes(results: Sequence[OnnxValue]) -> None:
    """Refuse results of unknown shapes: a loop without steps has to give zeros of that shape."""
    for value in results:
        if value.shape is None or any(not isinstance(extent, int) for extent in value.shape):
            raise NeedsShape("the shape of its results depends on the input")


def _filled(node: NodeContext, results: OnnxValue) -> OnnxValue:
    """Return the results of all steps with zeros for the steps that were not taken."""
    most, rank = node["max_iterations"], node.rank(results)
    taken = node.op("Shape", results, start=0, end=1)
    missing = node.op("Sub", node.ints(most), taken)
    zeros = node.constant(np.zeros(rank, np.int64), "int64")
    rest = [node.constant(np.zeros(rank - 1, np.int64), "int64")] if rank > 1 else []
    padded = node.op("Pad", results, node.op("Concat", zeros, missing, *rest, axis=0))
    return node.builder.with_shape(padded, (most, *(results.shape or ())[1:]))


@rule("branch")
def branch(node: NodeContext, condition: OnnxValue, *operands: OnnxValue) -> list[OnnxValue]:
    graphs, results = [], []
    for name in ("then", "otherwise"):
        builder = node.builder.subgraph()
        inside = node.inside(builder)
        outputs = lowered(node, node[name], builder, operands)
        results.append(outputs)
        graphs.append(finished(inside, name, [], outputs))
    types = [_common_type(then, otherwise) for then, otherwise in zip(*results)]
    truth = _scalar_bool(node, condition)
    return node.ops("If", [truth], len(types), types, then_branch=graphs[0], else_branch=graphs[1])


def _common_type(then: OnnxValue, otherwise: OnnxValue) -> tuple[str, Any]:
    if then.dtype != otherwise.dtype:
        raise Unsupported(f"an output is {then.dtype} in one branch and {otherwise.dtype} in the other")
    if then.shape is None or otherwise.shape is None or len(then.shape) != len(otherwise.shape):
        return then.dtype, None
    return then.dtype, tuple(a if a == b else None for a, b in zip(then.shape, otherwise.shape))
