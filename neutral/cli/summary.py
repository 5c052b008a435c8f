"""The layers of a network in execution order with the shapes, the arithmetic and the sizes of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from neutral.errors import UnsupportedError, UsageError

if TYPE_CHECKING:
    from neutral.graph import Node, Value
    from neutral.store import Store


BATCH = 1


def summarize(store: Store, given: Mapping[str, tuple[int, ...]], all_nodes: bool) -> dict[str, Any]:
    """Describe each use of a layer: the shape of its output, its parameters, multiply-adds, dtype and size.

    Args:
        store: The store.
        given: Shapes of inputs by name; others are those of the graph, with common sizes where it leaves them free.
        all_nodes: Describe nodes without tensors too.

    Returns:
        A document for ``--json`` and :func:`neutral.cli.summary_table.summary_lines`.

    Raises:
        UsageError: If an input is unknown, or the store has no graph and shapes are given.
        MismatchError: If the network cannot run on inputs of the given shapes.
    """
    shapes, notes = _shapes(store, given)
    rows, seen = [], set()
    for node in store.graph.nodes if store.graph is not None else ():
        if node.layer is not None or all_nodes:
            rows.append(_row(store, node, shapes, node.layer in seen))
            seen.add(node.layer)
    if store.graph is None:
        rows = [_layer_row(store, name, None, {}, False) for name in store.layers]
    inputs = {item.name: shapes[key] for item, key in _inputs(store) if key in shapes}
    return {
        "inputs": inputs,
        "layers": rows,
        "totals": {name: sum(row[name] or 0 for row in rows) for name in ("parameters", "multiply_adds", "bytes")},
        "notes": notes,
    }


def _inputs(store: Store) -> list[Any]:
    from neutral.graph import Value

    return [] if store.graph is None else [(item, Value(item.name)) for item in store.graph.inputs]


def _shapes(store: Store, given: Mapping[str, tuple[int, ...]]) -> tuple[Mapping[Value, tuple[int, ...]], list[str]]:
    """Return the shapes of all values, empty where they cannot be known, and notes that say why or how."""
    from neutral import reference
    from neutral.text import shape_text, suggestion

    names = [item.name for item, _ in _inputs(store)]
    for name in given:
        if name not in names:
            known = ", ".join(names) or "none"
            raise UsageError(f"the graph has no input {name!r}; its inputs are {known}.{suggestion(name, names)}")
    if store.graph is None:
        return {}, ["shapes of outputs are unknown, since there is no graph"]
    try:
        known_shapes = {**reference.known_input_shapes(store, BATCH), **given}
        if all(name in known_shapes for name in names):
            return reference.output_shapes(store, known_shapes), []
        tried = reference.runnable_input_shapes(store, BATCH, given)
    except UnsupportedError as error:
        return {}, [f"shapes of outputs are unknown: {' '.join(str(error).split())}"]
    if tried is None:
        return {}, ["shapes of outputs are unknown: give that of each input, as in --shape data=1,3,224,224"]
    free = (f"{name} {shape_text(shape)}" for name, shape in tried.items() if name not in known_shapes)
    return reference.output_shapes(store, tried), [
        f"the graph leaves sizes free; the first common ones that fit are taken: {', '.join(free)}; see --shape"
    ]


def _row(store: Store, node: Node, shapes: Mapping[Value, tuple[int, ...]], repeated: bool) -> dict[str, Any]:
    from neutral.graph import Value
    from neutral.reference import multiply_adds

    tensors = {}
    if node.layer is not None:
        tensors = {role: store.tensors[key].shape for role, key in store.layers[node.layer].tensors.items()}
    shape = shapes.get(Value(node.name))
    count = None if shape is None else multiply_adds(node, shapes, tensors)
    if node.layer is not None:
        return _layer_row(store, node.layer, node.name, {"output_shape": shape, "multiply_adds": count}, repeated)
    common = {"layer": None, "node": node.name, "kind": node.kind, "output_shape": shape}
    return {**common, "parameters": 0, "multiply_adds": count, "dtype": "", "bytes": 0, "repeated": False}


def _layer_row(
    store: Store, name: str, node: str | None, computed: Mapping[str, Any], repeated: bool
) -> dict[str, Any]:
    """Return the row of a layer; a repeated use has no parameters of its own."""
    layer = store.layers[name]
    tensors = [store.tensors[key] for key in layer.tensors.values()]
    return {
        "layer": name,
        "node": node,
        "kind": layer.kind,
        "output_shape": computed.get("output_shape"),
        "parameters": 0 if repeated else _parameters(store, name),
        "multiply_adds": computed.get("multiply_adds"),
        "dtype": "/".join(dict.fromkeys(tensor.dtype for tensor in tensors)),
        "bytes": 0 if repeated else sum(tensor.nbytes for tensor in tensors),
        "repeated": repeated,
    }


def _parameters(store: Store, name: str) -> int:
    from neutral.operators import catalogue

    layer = store.layers[name]
    roles = {role: catalogue[layer.kind].role(role) for role in layer.tensors}
    return sum(
        store.tensors[key].size for role, key in layer.tensors.items() if not getattr(roles[role], "buffer", False)
    )
