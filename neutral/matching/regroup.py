"""Split, join and fold layers of a store, for modules that group them otherwise.

The names of regrouped layers tell how they are made:

==================================================  ==================================================================
``qkv[0:12]``                                       rows 0 to 12 of a linear layer or a convolution; of a grouped
                                                    convolution, whole groups
``q + k + v``                                       several layers of one input as one, their rows concatenated
``conv * bn``                                       a convolution or a linear layer with the batch norm behind it
                                                    folded into weight and bias
``rnn_param[lstm(hidden_size=6, num_layers=2)]``    a recurrent layer whose weights and biases are one vector; see
                                                    :mod:`neutral.matching.packed_vectors`
==================================================  ==================================================================
"""

from __future__ import annotations

import re
from typing import Container, Iterable, NamedTuple

from neutral.matching.packed_vectors import unpack_vector, vector_of
from neutral.matching.regroup_rewrites import fold_norm, join_layers, split_layer
from neutral.store import Store

_ROWS = re.compile(r"(.+)\[([0-9]{1,18}):([0-9]{1,18})\]", re.DOTALL)


def rows_name(layer: str, start: int, end: int) -> str:
    """Return the name of a range of a layer's rows.

    Args:
        layer: The stored layer.
        start: The first row of its weight.
        end: The row after the last.

    Returns:
        A name that :func:`regroup_layers` recognises in a plan or mapping.

    Example:
        >>> rows_name("qkv", 0, 12)
        'qkv[0:12]'
    """
    return f"{layer}[{start}:{end}]"


def joined_name(layers: Iterable[str]) -> str:
    """Return the name of layers joined to one.

    Args:
        layers: The stored layers, in the order of their rows.

    Returns:
        A name that :func:`regroup_layers` recognises in a plan or mapping.

    Example:
        >>> joined_name(["q", "k", "v"])
        'q + k + v'
    """
    return " + ".join(layers)


def folded_name(layer: str, norm: str) -> str:
    """Return the name of a layer with a batch norm folded into it.

    Args:
        layer: The linear layer or convolution before the batch norm.
        norm: The batch norm.

    Returns:
        A name that :func:`regroup_layers` recognises in a plan or mapping.

    Example:
        >>> folded_name("conv", "bn")
        'conv * bn'
    """
    return f"{layer} * {norm}"


class Grouping(NamedTuple):
    """What the name of a regrouped layer says.

    Attributes:
        form: ``rows``, ``joined``, ``folded`` or ``vector``.
        layers: The stored layers that it is made of.
        rows: The first row and the row after the last, of ``rows``.
    """

    form: str
    layers: list[str]
    rows: tuple[int, int] = (0, 0)


def parse_grouping(name: str, layers: Container[str]) -> Grouping | None:
    """Return what the name of a regrouped layer says.

    Args:
        name: The name of a layer.
        layers: The names of the stored layers.

    Returns:
        None for a stored layer, and for a name that is none of a regrouped one.

    Example:
        >>> parse_grouping("q + k", {"q", "k"}), parse_grouping("q", {"q"})
        (Grouping(form='joined', layers=['q', 'k'], rows=(0, 0)), None)
        >>> parse_grouping("qkv[0:12]", {"qkv"}).rows
        (0, 12)
    """
    if name in layers:
        return None
    rows = _ROWS.fullmatch(name)
    terms, factors = name.split(" + "), name.split(" * ")
    if rows and rows[1] in layers:
        return Grouping("rows", [rows[1]], (int(rows[2]), int(rows[3])))
    if len(terms) > 1 and all(layer in layers for layer in terms):
        return Grouping("joined", terms)
    if len(factors) == 2 and all(layer in layers for layer in factors):
        return Grouping("folded", factors)
    vector = vector_of(name)
    return Grouping("vector", [vector]) if vector in layers else None


def regroup_layers(store: Store, names: Iterable[str]) -> Store:
    """Replace layers of a store by the regrouped layers that are named.

    Ignore existing and unknown names; read no tensor data.

    Args:
        store: The store; it is not changed.
        names: Names of layers, such as those of a plan's pairs.

    Returns:
        A store whose new tensors are made from the old ones when they are read.

    Raises:
        MatchError: A vector does not have as many elements as the recurrent layer that its name says it is.

    Example:
        >>> import numpy
        >>> from neutral.graph import Layer
        >>> from neutral.tensor import from_numpy
        >>> layer = Layer("qkv", "linear", {"out_features": 6, "flatten": False}, {"weight": "w"})
        >>> store = Store({"qkv": layer}, {"w": from_numpy(numpy.zeros((6, 2), "float32"))})
        >>> regrouped = regroup_layers(store, ["qkv[0:2]", "qkv[2:6]"])
        >>> [(name, part.attributes["out_features"]) for name, part in regrouped.layers.items()]
        [('qkv[0:2]', 2), ('qkv[2:6]', 4)]
    """
    ranges_of: dict[str, list[tuple[int, int]]] = {}
    for name in dict.fromkeys(names):
        grouping = parse_grouping(name, store.layers)
        if grouping is None:
            continue
        if grouping.form == "rows":
            ranges_of.setdefault(grouping.layers[0], []).append(grouping.rows)
        elif grouping.form == "joined":
            store = join_layers(store, name, grouping.layers)
        elif grouping.form == "folded":
            store = fold_norm(store, name, *grouping.layers)
        else:
            store = unpack_vector(store, name)
    for layer, ranges in ranges_of.items():
        new_names = {cut: rows_name(layer, *cut) for cut in sorted(ranges)}
        store = split_layer(store, layer, new_names)
    return store
