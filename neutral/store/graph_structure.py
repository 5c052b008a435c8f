"""Check the structure of a graph against the catalogue: order, arity, attributes, roles and layers."""

from __future__ import annotations

from typing import Iterator, Mapping

from neutral.graph import Graph, Node, Value
from neutral.operators import Operator, catalogue
from neutral.store.role_shapes import role_shapes, shape_problems
from neutral.store.store import Store


def graph_problems(graph: Graph, store: Store, place: str = "graph") -> Iterator[str]:
    """Yield every contradiction between a graph and the catalogue, in subgraphs too.

    Args:
        graph: The graph. Its nodes have to be in execution order.
        store: The store, for the layers that the nodes use.
        place: The beginning of each line.

    Yields:
        The place and the contradiction, a line.

    Example:
        >>> from neutral.graph import Input, Node, Value
        >>> graph = Graph((Input("x"), Input("x")), (Node("y", "relu", (Value("x"),), {}),), (Value("y"),))
        >>> list(graph_problems(graph, Store({}, {})))
        ["graph: two inputs are called 'x'"]
    """
    output_counts: dict[str, int | None] = {}
    for graph_input in graph.inputs:
        if graph_input.name in output_counts:
            yield f"{place}: two inputs are called {graph_input.name!r}"
        output_counts[graph_input.name] = 1
    for node in graph.nodes:
        node_place = f"{place}, node {node.name!r}"
        operator = catalogue[node.kind]
        attribute_problems = list(operator.problems(node.attributes))
        for problem in (*attribute_problems, *_node_problems(node, operator, output_counts, store)):
            yield f"{node_place}: {problem}"
        for subgraph in node.subgraphs:
            yield from graph_problems(subgraph, store, node_place)
        if node.name in output_counts:
            yield f"{node_place}: its name is taken already"
        count = None if attribute_problems else operator.output_count(node.attributes, len(node.inputs))
        output_counts[node.name] = count
    for value in graph.outputs:
        for problem in _value_problems(value, output_counts):
            yield f"{place}, outputs: {problem}"


def _node_problems(
    node: Node, operator: Operator, output_counts: Mapping[str, int | None], store: Store
) -> Iterator[str]:
    """Yield the contradictions between a node and the catalogue, the values of its attributes excepted."""
    if node.layer is not None:
        yield from _use_problems(node, operator, store)
    for value in node.operands:
        yield from _value_problems(value, output_counts)
    for role in node.computed:
        if operator.role(role) is None:
            yield f"{node.kind} has no role {role!r}"
    arity_problem = operator.arity_problem(len(node.inputs))
    if arity_problem is not None:
        yield arity_problem


def _use_problems(node: Node, operator: Operator, store: Store) -> Iterator[str]:
    """Yield the contradictions between a node and the layer whose tensors it uses."""
    layer = store.layers.get(node.layer or "")
    if layer is None:
        yield f"its layer {node.layer!r} is not there"
    elif layer.kind != node.kind:
        yield f"its layer {layer.name!r} is a {layer.kind}, not a {node.kind}"
    else:
        yield from shape_problems(operator, node.attributes, role_shapes(layer, store))


def _value_problems(value: Value, output_counts: Mapping[str, int | None]) -> Iterator[str]:
    """Yield the faults of a value; a count is None if an opaque node or wrong attributes leave it unknown."""
    if value.node not in output_counts:
        yield f"{value.node!r} is used before it is made"
        return
    count = output_counts[value.node]
    if value.output < 0 or (count is not None and value.output >= count):
        yield f"output {value.output} of {value.node!r} is used, which has {count}"
