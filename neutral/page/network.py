"""Describe a store for its page: layers with statistics and origins, and the graph folded into blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from neutral.graph import Graph, Value
from neutral.nesting import label_of
from neutral.operators import catalogue
from neutral.page.folding import Block, Entry, fold
from neutral.page.ordering import ordered

if TYPE_CHECKING:
    from neutral.graph import Node
    from neutral.store import Store

RULES = {
    "identity": "as stored",
    "reshape": "reshaped",
    "transpose": "axes moved",
    "slice": "a part of a flat array",
    "concatenate": "arrays joined along the first axis",
    "blocks": "equal blocks of rows (gates) in another order",
    "dense": "zeros of a sparse array filled in",
    "dequantize": "integers times the scale of their range",
    "ones": "ones, because the source ignores the stored values",
    "repeat": "each element repeated, once for each channel of its group",
}
"""The effect on arrays of the rules of ``docs/format.md``, by their first word."""

LONGEST = 400
"""Characters of an attribute's value that are shown."""

LONGEST_END = 18
"""Characters of the first and of the last label of a stretch."""


def network_document(
    store: Store,
    description: Mapping[str, Any],
    summary: Mapping[str, Any],
    statistics: Mapping[str, Mapping[str, Any]],
    verification: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the document of a network's page.

    Args:
        store: The store.
        description: The document of ``neutral inspect``.
        summary: Its summary, with a row for each node: ``node``, ``output_shape`` and ``multiply_adds``.
        statistics: Statistics by tensor key, with a ``histogram``; empty where tensors were not read.
        verification: The document of a verification; None for none.

    Returns:
        A document for :func:`neutral.page.render_page`.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> from neutral.store import Store
        >>> nodes = (Node("act", "relu", (Value("data"),), {}),)
        >>> store = Store({}, {}, Graph((Input("data"),), nodes, (Value("act"),)))
        >>> summary = {"inputs": {}, "layers": [{"node": "act", "output_shape": (1, 3), "multiply_adds": 3}]}
        >>> description = {"path": "net", "layers": [], "others": []}
        >>> document = network_document(store, description, summary, {})
        >>> [vertex["name"] for vertex in document["graph"]["vertices"]], document["graph"]["tree"]
        (['data', 'act', 'act'], [0, 1, 2])
    """
    layers = [_layer(layer, store, statistics) for layer in description["layers"]]
    kinds = {layer["kind"] for layer in layers}
    if store.graph is not None:
        kinds.update(node.kind for node in store.graph.nodes)
    return {
        **description,
        "layers": layers,
        "others": [{**tensor, "statistics": statistics.get(tensor["key"])} for tensor in description["others"]],
        "graph": None if store.graph is None else _graph(store.graph, summary),
        "kinds": {kind: _kind(kind) for kind in sorted(kinds)},
        "summary": {name: summary[name] for name in ("inputs", "totals", "notes") if name in summary},
        "verification": verification,
    }


def _layer(layer: Mapping[str, Any], store: Store, statistics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    origins = store.layers[layer["name"]].source.origins
    tensors = []
    for tensor in layer["tensors"]:
        key, origin = tensor["key"], origins.get(tensor["role"])
        tensors.append(
            {
                **tensor,
                "sha256": store.digests.get(key),
                "statistics": statistics.get(key),
                "origin": None
                if origin is None
                else {
                    "arrays": origin.arrays,
                    "rule": origin.rule,
                    "meaning": RULES.get(origin.rule.partition(" ")[0], ""),
                },
            }
        )
    return {**layer, "attributes": _attributes(layer["kind"], layer["attributes"]), "tensors": tensors}


def _attributes(kind: str, attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and values as text, in the catalogue's order."""
    order = [attribute.name for attribute in catalogue[kind].attributes]
    known = sorted(attributes, key=lambda name: order.index(name) if name in order else len(order))
    return [(name, _text(attributes[name])) for name in known]


def _text(value: Any) -> str:
    if isinstance(value, Graph):
        return f"a graph of {len(value.nodes)} nodes"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "none" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _kind(kind: str) -> dict[str, Any]:
    operator = catalogue[kind]
    return {
        "family": operator.family,
        "meaning": operator.meaning,
        "attributes": {attribute.name: attribute.doc for attribute in operator.attributes},
        "roles": {role.name: role.doc for role in operator.roles},
    }


def _graph(graph: Graph, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the vertices (inputs, nodes in execution order, outputs), and the tree of blocks over their numbers."""
    rows = {row["node"]: row for row in summary["layers"]}
    numbers = {item.name: number for number, item in enumerate(graph.inputs)}
    vertices: list[dict[str, Any]] = [
        {
            "name": item.name,
            "type": "input",
            "dtype": item.dtype,
            "shape": summary["inputs"].get(item.name, item.shape),
            "operands": [],
        }
        for item in graph.inputs
    ]
    nodes = _arranged(graph)
    for node in nodes:
        numbers[node.name] = len(vertices)
        row = rows.get(node.name, {})
        vertices.append(
            {
                "name": node.name,
                "type": "node",
                "kind": node.kind,
                "layer": node.layer,
                "attributes": _attributes(node.kind, node.attributes),
                "operands": list(_operands(node, numbers)),
                "shape": row.get("output_shape"),
                "multiply_adds": row.get("multiply_adds"),
            }
        )
    for value in graph.outputs:
        shape = vertices[numbers[value.node]]["shape"] if value.output == 0 else None
        operands = [("value", numbers[value.node], value.output)]
        vertices.append({"name": value.node, "type": "output", "shape": shape, "operands": operands})
    return {"vertices": vertices, "tree": _tree(nodes, len(graph.inputs), vertices)}


def _arranged(graph: Graph) -> list[Node]:
    """Return the nodes in the execution order that keeps blocks together."""
    numbers = {node.name: number for number, node in enumerate(graph.nodes)}
    edges = [
        (numbers[value.node], number)
        for number, node in enumerate(graph.nodes)
        for value in node.operands
        if value.node in numbers
    ]
    return [graph.nodes[number] for number in ordered([node.name for node in graph.nodes], edges)]


def _operands(node: Node, numbers: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    """Yield the name of each operand with the vertex and output that it is, or with the text of a literal."""
    names = [name.strip("*?") for name in catalogue[node.kind].inputs]
    for position, operand in enumerate(node.inputs):
        name = names[min(position, len(names) - 1)] if names else "operand"
        if isinstance(operand, Value):
            yield (name, numbers[operand.node], operand.output)
        elif operand is not None:
            yield (name, str(operand))
    for role, value in node.computed.items():
        yield (role, numbers[value.node], value.output)


def _tree(nodes: Sequence[Node], first: int, vertices: list[dict[str, Any]]) -> list[Entry]:
    """Return the entries of the outermost level, and give every vertex its label within its block."""
    end = first + len(nodes)
    edges = [
        (operand[1] - first, number - first)
        for number in range(first, end)
        for operand in vertices[number]["operands"]
        if len(operand) == 3 and operand[1] >= first
    ]
    for vertex in (*vertices[:first], *vertices[end:]):
        vertex["label"] = vertex["name"]
    blocks = _labelled_block(fold([node.name for node in nodes], edges), vertices, first)
    return [*range(first), *blocks["members"], *range(end, len(vertices))]


def _labelled_block(block: Block, vertices: Sequence[dict[str, Any]], first: int) -> Block:
    """Return a block over the numbers of vertices, and label these; a stretch is labelled by its ends."""
    members: list[Entry] = []
    labels = []
    for member in block["members"]:
        if isinstance(member, int):
            vertex = vertices[member + first]
            vertex["label"] = label_of(vertex["name"], block["prefix"])
            members.append(member + first)
            labels.append(vertex["label"])
        else:
            inner = _labelled_block(member, vertices, first)
            members.append(inner)
            labels.append(inner["label"])
    ends = " … ".join(_end(label) for label in dict.fromkeys((*labels[:1], *labels[-1:])))
    return {"label": block["label"] or ends, "members": members}


def _end(label: str) -> str:
    """Return a label that is short enough for one of the two ends of a stretch."""
    return label if len(label) <= LONGEST_END else f"{label[: LONGEST_END - 6]}…{label[-5:]}"
