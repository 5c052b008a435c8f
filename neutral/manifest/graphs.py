"""Convert graphs and attributes to and from the JSON of a manifest."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Mapping

from neutral.graph import Graph, Input, Node, Operand, Value
from neutral.manifest.schema import GRAPH, SPECIAL_NUMBERS
from neutral.operators import catalogue


def graph_to_json(graph: Graph) -> dict[str, Any]:
    """Return the JSON object of a graph.

    Args:
        graph: The graph, with its subgraphs.

    Returns:
        A document of lists, dicts, strings, numbers, booleans and None.
    """
    return {
        "inputs": [_input_to_json(item) for item in graph.inputs],
        "nodes": [_node_to_json(node) for node in graph.nodes],
        "outputs": [[value.node, value.output] for value in graph.outputs],
    }


def graph_from_json(item: Mapping[str, Any]) -> Graph:
    """Return the graph of a JSON object that :data:`neutral.manifest.schema.GRAPH` accepts.

    Args:
        item: The object.

    Returns:
        The graph, with tuples where the document has lists.

    Raises:
        UnknownOperator: If a node is of a kind that the catalogue lacks.
        ValueError: If an attribute is not one of its kind's, or has a wrong type.
    """
    return Graph(
        inputs=tuple(_input_from_json(i) for i in item["inputs"]),
        nodes=tuple(_node_from_json(node) for node in item["nodes"]),
        outputs=tuple(Value(name, output) for name, output in item["outputs"]),
    )


def attributes_to_json(kind: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object of the attributes of a layer or node of a kind.

    Args:
        kind: The kind, a key of the catalogue.
        attributes: The values by name.

    Returns:
        The object; types that JSON lacks are encoded as the attribute's type demands.
    """
    types = _types(kind)
    return {name: _attribute_to_json(types.get(name), value) for name, value in attributes.items()}


def attributes_from_json(kind: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a JSON object; raises as :func:`graph_from_json` does.

    Args:
        kind: The kind, a key of the catalogue.
        item: The object.

    Returns:
        The values by name, of the types in the catalogue.

    Raises:
        UnknownOperator: If the catalogue lacks the kind.
        ValueError: If an attribute is not one of the kind's, or has a wrong type.
    """
    types = _types(kind)
    for name in item:
        if name not in types:
            raise ValueError(f"unknown attribute {name!r} of {kind}; expected one of {', '.join(types) or 'none'}")
    return {name: _attribute_from_json(types[name], value) for name, value in item.items()}


@lru_cache(maxsize=None)
def _types(kind: str) -> Mapping[str, str]:
    """Return the types of the attributes of a kind by name."""
    return {attribute.name: attribute.type for attribute in catalogue[kind].attributes}


def _attribute_to_json(type_name: str | None, value: Any) -> Any:
    if value is None or type_name == "json":
        return value
    if type_name == "graph":
        return graph_to_json(value)
    if type_name == "float":
        return _number_to_json(float(value))
    if type_name == "floats":
        return [_number_to_json(float(number)) for number in value]
    return list(value) if isinstance(value, tuple) else value


def _attribute_from_json(type_name: str, value: Any) -> Any:
    if value is None or type_name == "json":
        return value
    if type_name == "graph":
        GRAPH.check(value)
        return graph_from_json(value)
    if type_name == "float":
        return _number_from_json(value)
    if type_name == "floats":
        return tuple(_number_from_json(number) for number in value)
    return tuple(value) if isinstance(value, list) else value


def _input_to_json(item: Input) -> dict[str, Any]:
    result = {"name": item.name, "shape": None if item.shape is None else list(item.shape), "dtype": item.dtype}
    return {**result, "floating": True} if item.floating else result


def _input_from_json(item: Mapping[str, Any]) -> Input:
    shape = None if item["shape"] is None else tuple(item["shape"])
    return Input(item["name"], shape, item["dtype"], item.get("floating", False))


def _node_to_json(node: Node) -> dict[str, Any]:
    item: dict[str, Any] = {
        "name": node.name,
        "kind": node.kind,
        "inputs": [_operand_to_json(operand) for operand in node.inputs],
        "attributes": attributes_to_json(node.kind, node.attributes),
    }
    if node.layer is not None:
        item["layer"] = node.layer
    if node.computed:
        item["computed"] = {role: [value.node, value.output] for role, value in node.computed.items()}
    return item


def _node_from_json(item: Mapping[str, Any]) -> Node:
    return Node(
        name=item["name"],
        kind=item["kind"],
        inputs=tuple(_operand_from_json(operand) for operand in item["inputs"]),
        attributes=attributes_from_json(item["kind"], item["attributes"]),
        layer=item.get("layer"),
        computed={role: Value(name, output) for role, (name, output) in item.get("computed", {}).items()},
    )


def _operand_to_json(operand: Operand) -> Any:
    return [operand.node, operand.output] if isinstance(operand, Value) else _number_to_json(operand)


def _operand_from_json(item: Any) -> Operand:
    if isinstance(item, list):
        return Value(item[0], item[1])
    return float(item) if isinstance(item, str) else item


def _number_to_json(value: Any) -> Any:
    """Return infinities and not-a-number, which JSON lacks, as texts."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number_from_json(value: Any) -> float:
    if (type(value) is str and value in SPECIAL_NUMBERS) or type(value) in (int, float):
        return float(value)
    raise ValueError(f"expected a number, found {value!r}")
