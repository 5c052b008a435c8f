"""Infer the ranks of inputs that the graph leaves free: from shapes on which the network runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence

from neutral import reference
from neutral.errors import MismatchError, UnsupportedError
from neutral.graph import Graph, Input
from neutral.reference.input_sizes import linear_features
from neutral.store import Store
from neutral_to_onnx.rank_candidates import equal_shapes, shapes_of_other_ranks

BATCH = 2
"""The extent of the first axis, which stays free."""


def infer_input_ranks(store: Store, graph: Graph, inputs: Sequence[Input]) -> dict[str, tuple[int | None, ...]]:
    """Return shapes for the inputs without one, on which the network runs; only extents that it demands are numbers.

    A network that runs on any number of dimensions demands none, and nothing is inferred.

    Args:
        store: The store.
        graph: The part of its graph that is written.
        inputs: The inputs of that part, with the shapes that are known.

    Returns:
        Shapes by name of input, with None for free extents; empty where no shape that was tried fits.

    Example:
        >>> from neutral.graph import Node, Value
        >>> node = Node("y", "repeat", (Value("x"),), {"repeats": 2, "axis": 2})
        >>> graph = Graph((Input("x"),), (node,), (Value("y"),))
        >>> infer_input_ranks(Store({}, {}, graph), graph, graph.inputs)
        {'x': (None, None, None)}
    """
    part = Store(store.layers, store.tensors, replace(graph, inputs=tuple(inputs)))
    try:
        shapes = reference.runnable_input_shapes(part, BATCH) or _of_other_ranks(part, tuple(inputs))
    except UnsupportedError:
        return {}
    unknown = [item.name for item in inputs if item.shape is None]
    return {} if shapes is None else {name: _with_free_extents(part, shapes, name) for name in unknown}


def demanded_extents(store: Store, graph: Graph, inputs: Sequence[Input]) -> dict[str, tuple[int | None, ...]]:
    """Return the shapes of inputs with those extents as numbers without which the network does not run.

    Args:
        store: The store.
        graph: The part of its graph that is written.
        inputs: The inputs of that part, with the shapes that are known.

    Returns:
        Shapes by name of input with a free extent, with None for extents that remain free; empty where nothing fits.

    Example:
        >>> graph = Graph((Input("x", (None, 3)),), (), ())
        >>> demanded_extents(Store({}, {}, graph), graph, graph.inputs)
        {'x': (None, 3)}
    """
    part = Store(store.layers, store.tensors, replace(graph, inputs=tuple(inputs)))
    shapes = _runnable(part, BATCH)
    if shapes is None:
        return {}
    free = {item.name: item.shape for item in inputs if item.shape is not None and None in item.shape}
    return {
        name: tuple(old or new for old, new in zip(shape, _with_free_extents(part, shapes, name)))
        for name, shape in free.items()
    }


def runs_on(store: Store, graph: Graph, inputs: Sequence[Input]) -> bool:
    """Return whether a network runs on inputs of these shapes, with common sizes where they are free.

    Args:
        store: The store.
        graph: The part of its graph that is written.
        inputs: The inputs of that part, with their shapes.

    Returns:
        True also if the reference cannot evaluate the graph.
    """
    part = Store(store.layers, store.tensors, replace(graph, inputs=tuple(inputs)))
    try:
        return reference.runnable_input_shapes(part, BATCH) is not None
    except UnsupportedError:
        return True


def with_shapes(graph: Graph, shapes: Mapping[str, tuple[int | None, ...]]) -> Graph:
    """Return a graph with other shapes of inputs.

    Args:
        graph: The graph.
        shapes: Shapes by name of input; the others stay as they are.

    Returns:
        The graph.
    """
    inputs = (replace(item, shape=shapes.get(item.name, item.shape)) for item in graph.inputs)
    return replace(graph, inputs=tuple(inputs))


def shape_advice(store: Store, graph: Graph, inputs: Sequence[Input]) -> list[str]:
    """Return the advice to state free sizes, with shapes on which the network runs, if some are found.

    Args:
        store: The store.
        graph: The part of its graph that is written.
        inputs: The inputs of that part, with the shapes that are known.

    Returns:
        One line; none if no size is free.

    Example:
        >>> graph = Graph((Input("x", (None, 3, None, 8)),), (), ())
        >>> print(*shape_advice(Store({}, {}, graph), graph, graph.inputs))
        state the sizes that the graph leaves free, a number for each dimension: --shape x=1,3,224,8
    """
    part = Store(store.layers, store.tensors, replace(graph, inputs=tuple(inputs)))
    shapes = _runnable(part, 1) or {}
    free = [item for item in inputs if item.shape is None or None in item.shape]
    options = [f"--shape {item.name}={_form(item, shapes.get(item.name))}" for item in free]
    words = "state the sizes that the graph leaves free, a number for each dimension: "
    return [words + " ".join(options)] if options else []


def _form(item: Input, shape: tuple[int, ...] | None) -> str:
    """Return a shape as the option takes it; where none is known, with letters for its unknown sizes."""
    if shape is not None:
        return ",".join(map(str, shape))
    letters = "NCHW" if item.shape is None or len(item.shape) == 4 else "NABCDEFG"
    extents = item.shape if item.shape is not None else (None,) * 4
    return ",".join(
        letters[axis % len(letters)] if extent is None else str(extent) for axis, extent in enumerate(extents)
    )


def _runnable(store: Store, batch: int) -> dict[str, tuple[int, ...]] | None:
    try:
        return reference.runnable_input_shapes(store, batch)
    except UnsupportedError:
        return None


def _of_other_ranks(store: Store, inputs: tuple[Input, ...]) -> dict[str, tuple[int, ...]] | None:
    """Return the first shapes of one to four dimensions on which the network runs; None for one that runs on any."""
    if all(_runs(store, shapes) for shapes in equal_shapes(inputs, BATCH)):
        return None
    candidates = shapes_of_other_ranks(inputs, linear_features(store), BATCH)
    return next((shapes for shapes in candidates if _runs(store, shapes)), None)


def _with_free_extents(store: Store, shapes: Mapping[str, tuple[int, ...]], name: str) -> tuple[int | None, ...]:
    """Return the shape of an input with None for the batch and for extents with which the network runs if changed."""
    return tuple(
        None if (axis == 0 and size == BATCH) or _is_free(store, shapes, name, axis) else size
        for axis, size in enumerate(shapes[name])
    )


def _is_free(store: Store, shapes: Mapping[str, tuple[int, ...]], name: str, axis: int) -> bool:
    """Return whether an extent can differ, alone or with every equal one, such as the length of two sequences."""
    old = shapes[name][axis]
    for new in (old + 1, 2 * old):
        alone = {**shapes, name: (*shapes[name][:axis], new, *shapes[name][axis + 1 :])}
        together = {key: tuple(new if size == old else size for size in shape) for key, shape in shapes.items()}
        if _runs(store, together) or _runs(store, alone):
            return True
    return False


def _runs(store: Store, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    try:
        reference.output_shapes(store, shapes)
    except MismatchError:
        return False
    return True
