"""Read a stored vector as the weights and biases of a recurrent layer, in the order of :mod:`neutral.packed_rnn`."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping

from neutral.dtypes import ITEM_SIZE
from neutral.errors import MatchError
from neutral.graph import Layer
from neutral.matching.mapping_matcher import expand_mapping
from neutral.matching.network import Network, describe_store
from neutral.operators.recurrent import GATES
from neutral.packed_rnn import Slice, locate_matrices, packed_matrices, packed_size
from neutral.store import Store
from neutral.tensor import Tensor

_SIZES = ("hidden_size", "num_layers", "bidirectional", "projection_size")
"""The attributes that decide which matrices there are."""

_NAME = re.compile(
    rf"(?P<vector>.+)\[(?P<kind>{'|'.join(GATES)})\(hidden_size=(?P<hidden_size>[1-9][0-9]{{0,17}}), "
    r"num_layers=(?P<num_layers>[1-9][0-9]{0,17})(?P<bidirectional>, bidirectional=True)?"
    r"(?:, projection_size=(?P<projection_size>[1-9][0-9]{0,17}))?\)\]",
    re.DOTALL,
)


def unpacked_name(vector: str, kind: str, attributes: Mapping[str, Any]) -> str:
    """Return the name of a recurrent layer whose weights and biases are one stored vector.

    Args:
        vector: The stored layer that holds the vector.
        kind: ``lstm``, ``gru`` or ``rnn``.
        attributes: The layer's attributes; those that do not decide the sizes are ignored.

    Returns:
        A name that :func:`neutral.matching.regroup.regroup_layers` recognises in a plan or mapping.

    Example:
        >>> unpacked_name("rnn_param", "gru", {"hidden_size": 6, "num_layers": 2, "bidirectional": True})
        'rnn_param[gru(hidden_size=6, num_layers=2, bidirectional=True)]'
    """
    optional = [f"{name}={attributes[name]}" for name in _SIZES[2:] if attributes.get(name)]
    sizes = [*(f"{name}={attributes[name]}" for name in _SIZES[:2]), *optional]
    return f"{vector}[{kind}({', '.join(sizes)})]"


def vector_of(name: str) -> str:
    """Return the stored layer whose vector a name says holds a recurrent layer; empty for other names.

    Args:
        name: A name as of :func:`unpacked_name`.

    Example:
        >>> vector_of("rnn_param[gru(hidden_size=6, num_layers=2)]"), vector_of("fc")
        ('rnn_param', '')
    """
    match = _NAME.fullmatch(name)
    return match["vector"] if match and (match["kind"] == "lstm" or not match["projection_size"]) else ""


def unpack_vector(store: Store, name: str) -> Store:
    """Replace a stored vector by the recurrent layer that a name says it is.

    Args:
        store: The store.
        name: A name as of :func:`unpacked_name`.

    Returns:
        A store with the layer instead, its tensors ranges of the vector; the same store for other names, and where
        the store has a graph.

    Raises:
        MatchError: The vector does not have the layer's number of elements.

    Example:
        >>> store = Store({"p": Layer("p", "parameter", {}, {"value": "p"})}, {"p": Tensor("F32", (36,), ())})
        >>> unpacked = unpack_vector(store, "p[rnn(hidden_size=3, num_layers=1)]")
        >>> {role: unpacked.tensors[key].shape for role, key in unpacked.layers.popitem()[1].tensors.items()}
        {'weight_ih_l0': (3, 7), 'weight_hh_l0': (3, 3), 'bias_ih_l0': (3,), 'bias_hh_l0': (3,)}
    """
    match = _NAME.fullmatch(name)
    if match is None or not is_vector(store, vector_of(name)):
        return store
    vector, kind = store.layers[match["vector"]], match["kind"]
    (key,) = vector.tensors.values()
    packed = store.tensors[key]
    attributes = {
        "hidden_size": int(match["hidden_size"]),
        "num_layers": int(match["num_layers"]),
        "bidirectional": match["bidirectional"] is not None,
        **({"projection_size": int(match["projection_size"] or 0)} if kind == "lstm" else {}),
    }
    matrices = list(packed_matrices(kind, attributes)) if attributes["num_layers"] <= packed.size else []
    slices = locate_matrices(matrices, packed.size)
    if slices is None:
        raise MatchError(
            f"{name} cannot be: {vector.name} has {packed.size} elements, and no size of the input gives as many."
        )
    roles = {item.role: f"{name}.{item.role}" for item in slices}
    layer = vector._replace(name=name, kind=kind, attributes=attributes, tensors=roles, typed_by="names")
    layers = {new.name: new for old in store.layers.values() for new in [layer if old is vector else old]}
    tensors = {**store.tensors, **{roles[item.role]: _part(packed, item) for item in slices}}
    if all(key not in other.tensors.values() for other in layers.values()):
        del tensors[key]
    return Store(layers, tensors, store.graph, store.source, store.notes, store.digests, store.path)


def name_mapped_vectors(mapping: Mapping[str, str], store: Store, module: Network) -> dict[str, str]:
    """Name the vectors that a mapping leads to recurrent layers as such layers.

    Args:
        mapping: From names or patterns of stored layers to the module's.
        store: The store.
        module: The module's network.

    Returns:
        The mapping, with the name of :func:`unpacked_name` for each vector.

    Raises:
        MatchError: A vector does not have as many elements as the module's layer.
        UsageError: A pattern cannot be used.

    Example:
        >>> store = Store({"p": Layer("p", "parameter", {}, {"value": "p"})}, {"p": Tensor("F32", (36,), ())})
        >>> attributes = {"hidden_size": 3, "num_layers": 1, "bidirectional": False}
        >>> layer = Layer("net", "rnn", attributes, {"weight_ih_l0": "net.weight_ih_l0"})
        >>> name_mapped_vectors({"p": "net"}, store, Network({"net": layer}, {"net.weight_ih_l0": (3, 7)}))
        {'p[rnn(hidden_size=3, num_layers=1)]': 'net'}
    """
    vectors = [name for name in store.layers if is_vector(store, name)]
    if not vectors or not any(map(_is_packable, module.layers.values())):
        return dict(mapping)
    named = {}
    for source, target in expand_mapping(mapping, describe_store(store)).items():
        layer = module.layers.get(target)
        if source in vectors and layer is not None and _is_packable(layer):
            size, expected = _vector_size(store, source), _layer_size(module, layer)
            name = unpacked_name(source, layer.kind, layer.attributes)
            if size != expected:
                raise MatchError(
                    f"the mapping of {source!r} to {target!r} cannot be: {source} has {size} elements, and the weights "
                    f"and biases of the module's {target} have {expected} in all "
                    f"({layer.kind}, input_size={_input_size(module, layer)}, {name.rpartition('(')[2][:-2]})."
                )
            source = name
        named[source] = target
    return named


def propose_unpacking(
    store: Store, unmatched_stored: set[str], unmatched_module: set[str], module: Network
) -> Iterator[tuple[str, str]]:
    """Yield the vectors that fit one recurrent layer of a module, and it them alone, by the number of elements.

    Args:
        store: The store.
        unmatched_stored: Its layers without a partner.
        unmatched_module: The module's layers without a partner.
        module: The module's network.

    Yields:
        The name of :func:`unpacked_name`, and the module's layer.

    Example:
        >>> store = Store({"p": Layer("p", "parameter", {}, {"value": "p"})}, {"p": Tensor("F32", (36,), ())})
        >>> attributes = {"hidden_size": 3, "num_layers": 1, "bidirectional": False}
        >>> layer = Layer("net", "rnn", attributes, {"weight_ih_l0": "net.weight_ih_l0"})
        >>> list(propose_unpacking(store, {"p"}, {"net"}, Network({"net": layer}, {"net.weight_ih_l0": (3, 7)})))
        [('p[rnn(hidden_size=3, num_layers=1)]', 'net')]
    """
    vectors = [name for name in store.layers if name in unmatched_stored and is_vector(store, name)]
    layers = [layer for name, layer in module.layers.items() if name in unmatched_module and _is_packable(layer)]
    if not vectors or not layers:
        return
    sizes = {layer.name: _layer_size(module, layer) for layer in layers}
    for vector in vectors:
        size = _vector_size(store, vector)
        fitting = [layer for layer in layers if sizes[layer.name] == size]
        if len(fitting) == 1 and [_vector_size(store, name) for name in vectors].count(size) == 1:
            yield unpacked_name(vector, fitting[0].kind, fitting[0].attributes), fitting[0].name


def is_vector(store: Store, name: str) -> bool:
    """Return whether a layer is one vector whose meaning no graph tells.

    Args:
        store: The store.
        name: The name of a layer, which it may lack.
    """
    layer = store.layers.get(name)
    if store.graph is not None or layer is None or layer.kind != "parameter":
        return False
    return [len(store.tensors[key].shape) for key in layer.tensors.values()] == [1]


def _is_packable(layer: Layer) -> bool:
    return layer.kind in GATES and "weight_ih_l0" in layer.tensors


def _vector_size(store: Store, name: str) -> int:
    (key,) = store.layers[name].tensors.values()
    return store.tensors[key].size


def _input_size(module: Network, layer: Layer) -> int:
    return module.shape(layer.name, "weight_ih_l0")[1]


def _layer_size(module: Network, layer: Layer) -> int:
    return packed_size(list(packed_matrices(layer.kind, layer.attributes)), _input_size(module, layer))


def _part(packed: Tensor, item: Slice) -> Tensor:
    """Return a slice of a vector: a range of the file where the vector is one, so that it can be mapped."""
    part = Tensor(packed.dtype, item.shape, ())
    start = item.start * ITEM_SIZE[packed.dtype]
    if isinstance(packed.content, tuple) and len(packed.content) == 1:
        return part._replace(content=(packed.only_range.part(start, part.nbytes),))
    return part._replace(content=lambda: packed.part(start, part.nbytes))
