"""Bodies of loops and branches: subgraphs that rules or the graphs of a node fill."""

from __future__ import annotations

from typing import Any, Sequence

from onnx import GraphProto, helper

from neutral.graph import Graph, Value
from neutral_to_onnx.building import GraphBuilder, OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import Unsupported


def finished(node: NodeContext, name: str, inputs: Sequence[OnnxValue], outputs: Sequence[OnnxValue]) -> GraphProto:
    """Return the graph of a body; an output that no node of the body makes, or a second time, gets an Identity.

    Args:
        node: The node inside of the body.
        name: The name of the body, such as ``body``.
        inputs: The inputs of the body.
        outputs: The values that are its outputs.

    Returns:
        The graph.
    """
    builder = node.builder
    results: list[OnnxValue] = []
    computed = {text for item in builder.nodes for text in item.output}
    for value in outputs:
        if value.name not in computed or any(value.name == other.name for other in results):
            value = node.op("Identity", value)
        results.append(value)
    return helper.make_graph(
        builder.nodes,
        f"{node.name}/{name}",
        [helper.make_value_info(value.name, value.type_proto()) for value in inputs],
        [helper.make_value_info(value.name, value.type_proto()) for value in results],
    )


def lowered(node: NodeContext, graph: Graph, builder: GraphBuilder, operands: Sequence[OnnxValue]) -> list[OnnxValue]:
    """Add the nodes of a graph of the store to a body.

    Args:
        node: The node whose attribute the graph is.
        graph: The graph.
        builder: The builder of the body.
        operands: The values of the graph's inputs.

    Returns:
        The values of its outputs.

    Raises:
        Unsupported: If one depends on a node that cannot be expressed.
    """
    values = {Value(item.name): value for item, value in zip(graph.inputs, operands)}
    prefix = f"{builder.unique(node.name + '/body')}/"
    builder.reserve(prefix + item.name for item in graph.nodes)
    node.lowering.nodes(graph, builder, values, prefix)
    if any(value not in values for value in graph.outputs):
        raise Unsupported("its body has nodes that cannot be expressed")
    return [values[value] for value in graph.outputs]


def scan(
    node: NodeContext,
    body: NodeContext,
    operands: tuple[Sequence[OnnxValue], Sequence[OnnxValue]],
    inputs: Sequence[OnnxValue],
    outputs: tuple[Sequence[OnnxValue], Sequence[OnnxValue]],
    backward: bool = False,
) -> list[OnnxValue]:
    """Add a Scan.

    Args:
        node: The node outside of the body.
        body: The node inside of the body.
        operands: The initial states, and the sequences over the first axis.
        inputs: The inputs of the body: states, and a position of each sequence.
        outputs: The next states, and the results of a step.
        backward: Whether it runs from the last position to the first; results keep the order of the positions.

    Returns:
        The last states, and the results of all positions.
    """
    states, sequences = operands
    length = next((value.shape[0] for value in sequences if value.shape), None)
    next_states, results = outputs
    for old, new in zip(states, next_states):
        require_same_type(old, new)
    types: list[tuple[str, Any]] = [(value.dtype, value.shape) for value in states]
    types += [(value.dtype, None if value.shape is None else (length, *value.shape)) for value in results]
    return node.ops(
        "Scan",
        [*states, *sequences],
        len(types),
        types,
        body=finished(body, "body", inputs, [*next_states, *results]),
        num_scan_inputs=len(sequences),
        scan_input_directions=[1] * len(sequences) if backward else None,
        scan_output_directions=[1] * len(results) if backward and results else None,
    )


def require_same_type(old: OnnxValue, new: OnnxValue) -> None:
    """Refuse a state that changes its dtype or shape in a step.

    Args:
        old: The state before the step.
        new: The state after it.

    Raises:
        Unsupported: If they differ.
    """
    shapes = old.shape, new.shape
    differ = None not in shapes and (
        len(old.shape or ()) != len(new.shape or ())
        or any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(old.shape or (), new.shape or ()))
    )
    if old.dtype != new.dtype or differ:
        raise Unsupported(f"a state is {old.dtype} {old.shape} before a step and {new.dtype} {new.shape} after it")
