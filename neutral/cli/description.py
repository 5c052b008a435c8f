"""The structure of a store as the document that `inspect --json` prints and pages show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neutral.cli.documents import LazyList

if TYPE_CHECKING:
    from neutral.graph import Layer
    from neutral.store import Store
    from neutral.tensor import Tensor


def describe(store: Store, name: str) -> dict[str, Any]:
    """Describe the structure of a store, without tensor values.

    Args:
        store: The store.
        name: The path that the document gives for it.

    Returns:
        The JSON document of ``inspect``; its layers and other tensors are described when they are printed.
    """
    source, graph = store.source, store.graph
    layers = LazyList(lambda: (_describe_layer(layer, store) for layer in store.layers.values()))
    is_buffer = {tensor["key"]: tensor["buffer"] for layer in layers for tensor in layer["tensors"]}
    elements = {True: 0, False: 0}
    for key, buffer in is_buffer.items():
        elements[buffer] += store.tensors[key].size
    return {
        "path": name,
        "is_store": store.path is not None,
        "source": None
        if source is None
        else {
            "framework": source.framework,
            "version": source.version,
            "files": [
                {"name": file.name, "role": file.role, "format": file.format, "size": file.size, "sha256": file.sha256}
                for file in source.files
            ],
        },
        "totals": {
            "layers": len(store.layers),
            "tensors": len(store.tensors),
            "parameters": elements[False],
            "buffers": elements[True],
            "bytes": store.nbytes,
        },
        "graph": None
        if graph is None
        else {
            "inputs": [{"name": i.name, "shape": i.shape, "dtype": i.dtype} for i in graph.inputs],
            "outputs": [{"node": value.node, "output": value.output} for value in graph.outputs],
            "nodes": len(graph.nodes),
        },
        "layers": layers,
        "others": LazyList(
            lambda: (
                {"key": key, **describe_tensor(tensor)} for key, tensor in store.tensors.items() if key not in is_buffer
            )
        ),
        "notes": list(store.notes),
    }


def _describe_layer(layer: Layer, store: Store) -> dict[str, Any]:
    """Return a layer with its roles and attributes in the catalogue's order; manifests sort them by name."""
    from neutral.operators import catalogue

    operator = catalogue[layer.kind]
    roles = [(operator.role(name), name) for name in sorted(layer.tensors)]
    roles.sort(key=lambda item: operator.roles.index(item[0]) if item[0] else len(operator.roles))
    tensors = []
    for role, name in roles:
        key = layer.tensors[name]
        buffer = role is not None and role.buffer
        tensors.append({"role": name, "key": key, "buffer": buffer, **describe_tensor(store.tensors[key])})
    names = [attribute.name for attribute in operator.attributes if attribute.name in layer.attributes]
    return {
        "name": layer.name,
        "kind": layer.kind,
        "typed_by": layer.typed_by,
        "node": layer.source.node,
        "operator": layer.source.operator,
        "attributes": {name: layer.attributes[name] for name in names},
        "parameters": sum(tensor["elements"] for tensor in tensors if not tensor["buffer"]),
        "tensors": tensors,
    }


def describe_tensor(tensor: Tensor) -> dict[str, Any]:
    """Describe a tensor without its values.

    Args:
        tensor: The tensor.

    Returns:
        Its dtype, shape and number of elements.

    Example:
        >>> from neutral.tensor import Tensor
        >>> describe_tensor(Tensor("F32", (2, 3), ()))
        {'dtype': 'F32', 'shape': (2, 3), 'elements': 6}
    """
    return {"dtype": tensor.dtype, "shape": tensor.shape, "elements": tensor.size}
