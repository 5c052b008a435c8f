"""Shapes of inputs on which a network runs, where its graph leaves sizes free."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterator, Mapping

from neutral.errors import MismatchError
from neutral.graph import Input
from neutral.reference.shapes import output_shapes
from neutral.rewriting.input_shapes import infer_input_shapes
from neutral.rewriting.state_shapes import with_state_shapes
from neutral.store import Store

IMAGE_SIZES = (224, 112, 64, 32, 28, 24, 16, 12, 8, 48, 96, 128, 160, 227, 256, 299, 300, 320, 384, 416, 448, 480, 512)
"""Extents of images that are tried, the commonest first."""

LENGTHS = (8, 16, 32, 64, 128)
"""Other extents that are tried, such as the length of a sequence."""


def known_input_shapes(store: Store, batch: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the inputs of which the graph knows all but the first dimension.

    Args:
        store: A store with a graph.
        batch: The first dimension where it is free.

    Returns:
        Shapes by name of input.

    Example:
        >>> from neutral.graph import Graph, Value
        >>> graph = Graph((Input("x", (None, 3)), Input("y", (1, None))), (), (Value("x"),))
        >>> known_input_shapes(Store({}, {}, graph), 2)
        {'x': (2, 3)}
    """
    completed = ((item.name, _completed(item, batch, None)) for item in _inputs(store, batch))
    return {name: shape for name, shape in completed if shape is not None}


def runnable_input_shapes(
    store: Store, batch: int, given: Mapping[str, tuple[int, ...]] | None = None
) -> dict[str, tuple[int, ...]] | None:
    """Return the first shapes of all inputs on which the network runs: the graph's, with common sizes where it is free.

    An input with any number of dimensions gets two, as many features as a linear layer takes.

    Args:
        store: A store with a graph.
        batch: The first dimension where it is free.
        given: Shapes of inputs that are known.

    Returns:
        Shapes by name of input, in the graph's order; None where nothing that is tried fits.

    Raises:
        UnsupportedError: If a kind has no reference function.

    Example:
        >>> from neutral.graph import Graph, Node, Value
        >>> graph = Graph((Input("x", (None, 3, None)),), (Node("y", "relu", (Value("x"),), {}),), (Value("y"),))
        >>> runnable_input_shapes(Store({}, {}, graph), 2)
        {'x': (2, 3, 8)}
    """
    inputs = _inputs(store, batch)
    has_states = store.graph is not None and with_state_shapes(store.graph) != store.graph
    lengths = (batch, *LENGTHS) if has_states else LENGTHS  # samples may be the second axis
    for shapes in _candidates(inputs, linear_features(store), batch, given or {}, lengths):
        try:
            output_shapes(store, shapes)
        except MismatchError:
            continue
        return shapes
    return None


def _candidates(
    inputs: tuple[Input, ...],
    features: int | None,
    batch: int,
    given: Mapping[str, tuple[int, ...]],
    lengths: tuple[int, ...],
) -> Iterator[dict[str, tuple[int, ...]]]:
    tried = []
    for number, size in enumerate(IMAGE_SIZES):
        length = lengths[min(number, len(lengths) - 1)]
        shapes: dict[str, tuple[int, ...]] = {}
        for item in inputs:
            flat = item if item.shape is not None else replace(item, shape=(None, features))
            extent = None if item.shape is None else size if len(item.shape) > 3 else length
            shape = given.get(item.name) or _completed(flat, batch, extent)
            if shape is None:
                return
            shapes[item.name] = shape
        if shapes not in tried:
            tried.append(shapes)
            yield shapes


def linear_features(store: Store) -> int | None:
    """Return the number of features that the first linear layer takes.

    Args:
        store: A store.

    Returns:
        The number; None without such a layer.

    Example:
        >>> linear_features(Store({}, {})) is None
        True
    """
    linear = (layer for layer in store.layers.values() if layer.kind == "linear" and "weight" in layer.tensors)
    return next((store.tensors[layer.tensors["weight"]].shape[1] for layer in linear), None)


def _inputs(store: Store, batch: int) -> tuple[Input, ...]:
    if store.graph is None:
        return ()
    graph = replace(store.graph, inputs=infer_input_shapes(store.graph, store.layers, store.tensors))
    return with_state_shapes(graph, batch).inputs


def _completed(item: Input, batch: int, extent: int | None) -> tuple[int, ...] | None:
    """Return an input's shape with extents for free dimensions; None where one remains free."""
    if item.shape is None:
        return None
    shape = [batch if size is None else size for size in item.shape[:1]]
    for size in item.shape[1:]:
        if size is None and extent is None:
            return None
        shape.append(extent if size is None else size)  # type: ignore[arg-type]
    return tuple(shape)
