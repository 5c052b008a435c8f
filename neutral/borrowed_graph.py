"""Give a store without a graph the graph of another checkpoint of the same network."""

from __future__ import annotations

from neutral.errors import MatchError, UsageError
from neutral.graph import Layer, LayerSource, Origin
from neutral.store import Store
from neutral.tensor import Tensor

_SHOWN = 5


def with_graph_of(store: Store, like: Store) -> Store:
    """Return a store with the layers and the graph of ``like`` and the values of ``store``.

    Arrays are paired by their names in the source. A scale that the graph fixes to ones stays ones; tensors that
    ``like`` makes of arrays by another rule are refused.

    Args:
        store: A store of a checkpoint without a graph.
        like: The store of another checkpoint of the same network, with a graph.

    Returns:
        A store that reads its values from ``store``; close both after it.

    Raises:
        UsageError: ``store`` has a graph already, or ``like`` has none.
        MatchError: An array is missing, left over, or of another shape.

    Example:
        >>> import numpy
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> from neutral.tensor import from_numpy
        >>> size = {"out_features": 2, "flatten": False}
        >>> layers = {"fc": Layer("fc", "linear", size, {"weight": "fc.weight"})}
        >>> graph = Graph((Input("x"),), (Node("fc", "linear", (Value("x"),), size, layer="fc"),), (Value("fc"),))
        >>> zeros, ones = (from_numpy(numpy.full((2, 3), number, "float32")) for number in (0, 1))
        >>> like, store = Store(layers, {"fc.weight": zeros}, graph), Store(layers, {"fc.weight": ones})
        >>> float(with_graph_of(store, like).tensors["fc.weight"].numpy().sum())
        6.0
    """
    if store.graph is not None:
        raise UsageError(f"{store.path or 'the store'} has a graph of its own; --like is for checkpoints without one.")
    if like.graph is None:
        raise UsageError(f"{like.path or 'the other store'} has no graph; --like needs a store that has one.")
    arrays = {_origin(layer, role): (layer.name, key) for layer in store.layers.values() for role, key in _roles(layer)}
    executed = set(like.graph.layer_names())
    tensors: dict[str, Tensor] = {}
    used: set[str] = set()
    problems: list[str] = []
    for layer in like.layers.values():
        for role, key in _roles(layer):
            origin, template = _origin(layer, role), like.tensors[key]
            name, stored_key = arrays.get(origin, ("", ""))
            used.update(origin.arrays)
            if not stored_key and (origin.rule == "ones" or layer.name not in executed):
                tensors[key] = template
            elif not stored_key or origin.rule != "identity":
                text = (
                    "missing" if origin.rule == "identity" else f"which {origin.rule} makes, has to be made by a symbol"
                )
                problems.append(f"{layer.name}.{role} of {', '.join(origin.arrays)}: {text}")
            elif store.tensors[stored_key].shape != template.shape:
                problems.append(
                    f"{layer.name}.{role} has shape {template.shape}, and {name} {store.tensors[stored_key].shape}"
                )
            else:
                tensors[key] = store.tensors[stored_key]
    problems += [f"{name} has no place" for origin, (name, _) in arrays.items() if not used.issuperset(origin.arrays)]
    if problems:
        more = [f"  and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        lines = "\n".join((*(f"  - {problem}" for problem in problems[:_SHOWN]), *more))
        names = store.path or "the store", like.path or "the other store"
        raise MatchError(
            f"{names[0]} is not a checkpoint of the network of {names[1]}:\n{lines}\nExport it with its own symbol."
        )
    notes = (*store.notes, f"the graph is that of {like.path or 'another store'}")
    return Store(like.layers, tensors, like.graph, store.source, notes, path=store.path)


def _roles(layer: Layer) -> list[tuple[str, str]]:
    return list(layer.tensors.items())


def _origin(layer: Layer, role: str) -> Origin:
    """Return the origin of a role's tensor; without a source, the role itself."""
    source = layer.source or LayerSource()
    return source.origins.get(role) or Origin((f"{layer.name}.{role}",))
