"""Draw the inputs of a run that are not given, in given shapes or those that the graph declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping

import numpy as np

from neutral.errors import UsageError
from neutral.graph import Graph, Input
from neutral.reference.input_sizes import runnable_input_shapes
from neutral.reference.registry import Array
from neutral.rewriting.input_shapes import infer_input_shapes
from neutral.rewriting.state_shapes import with_state_shapes
from neutral.store import Store
from neutral.text import suggestion
from neutral.verification.index_limits import index_limits

BATCH = 2
"""The first dimension of drawn inputs where the graph leaves it free: samples must not influence each other."""


def draw_inputs(
    store: Store,
    given: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    seed: int = 0,
) -> tuple[dict[str, Array], list[str]]:
    """Return arrays for all inputs of a graph: those given, and drawn ones.

    Args:
        store: A store with a graph.
        given: Arrays by name of input; float64 values become float32, unless the input declares them.
        shapes: Shapes of further inputs by name. Other inputs have the shapes that the graph declares, or that follow
            from its layers; where these leave sizes free, the first common ones on which the network runs, with a note.
        seed: The seed of the numbers.

    Returns:
        Arrays in the order of the graph: standard normal numbers; rows of the embedding for indices; ones for other
        integers. And a note for each input that is not as it was given.

    Raises:
        UsageError: If the store has no graph, a name is unknown or given twice, or the shape of an input is unknown.

    Example:
        >>> from neutral.graph import Node, Value
        >>> graph = Graph((Input("x", (None, 3)),), (Node("y", "relu", (Value("x"),), {}),), (Value("y"),))
        >>> arrays, notes = draw_inputs(Store({}, {}, graph), {})
        >>> arrays["x"].shape, notes
        ((2, 3), ['x: standard normal numbers of shape (2, 3), seed 0.'])
    """
    if store.graph is None:
        raise UsageError(f"{store.path or 'the store'} has no graph, only layers: there is nothing to run.")
    shapes = dict(shapes or {})
    _check_names(store.graph, [*given, *shapes])
    both = [name for name in given if name in shapes]
    if both:
        raise UsageError(f"input {both[0]!r} has both values and a shape: give one of them.")
    graph = replace(store.graph, inputs=infer_input_shapes(store.graph, store.layers, store.tensors))
    inputs = with_state_shapes(graph, BATCH).inputs
    sizes = {item.name: _declared_shape(item) for item in inputs}
    sizes.update({name: np.shape(array) for name, array in given.items()}, **shapes)
    drawn_sizes = _complete(store, sizes)
    limits = index_limits(store)
    random = np.random.default_rng(seed)
    arrays: dict[str, Array] = {}
    notes = []
    for item in inputs:
        if item.name in given:
            arrays[item.name] = array = np.asarray(given[item.name])
            if array.dtype == np.float64 and item.dtype in (None, "float32"):
                arrays[item.name] = array.astype(np.float32)
                notes.append(f"{item.name}: float64 values, taken as float32.")
        else:
            shape = drawn_sizes[item.name]
            arrays[item.name], how = _drawn(item, shape, limits.get(item.name), random)
            free = "" if sizes[item.name] is not None else "; the graph leaves sizes free, these are the first that fit"
            notes.append(f"{item.name}: {how} of shape {shape}, seed {seed}{free}.")
    return arrays, notes


def _check_names(graph: Graph, names: list[str]) -> None:
    known = [item.name for item in graph.inputs]
    for name in names:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f"the graph has no input {name!r}; its inputs are {listed}.{suggestion(name, known)}")


def _declared_shape(item: Input) -> tuple[int, ...] | None:
    """Return the shape of an input with a batch where it is free; None where other sizes are."""
    if item.shape is None or None in item.shape[1:]:
        return None
    return tuple(BATCH if extent is None else extent for extent in item.shape)


def _complete(store: Store, sizes: Mapping[str, tuple[int, ...] | None]) -> dict[str, tuple[int, ...]]:
    """Return shapes with common sizes in the place of unknown ones, on which the network runs."""
    known = {name: shape for name, shape in sizes.items() if shape is not None}
    if len(known) == len(sizes):
        return known
    fitting = runnable_input_shapes(store, BATCH, known)
    if fitting is None:
        name = next(name for name, shape in sizes.items() if shape is None)
        raise UsageError(
            f"input {name!r} has no values, the graph does not tell its shape, and no common size fits: pass its "
            f"values or its shape (--input {name}=FILE.npy or --shape {name}=1,3,224,224)."
        )
    return fitting


def _drawn(item: Input, shape: tuple[int, ...], limit: int | None, random: np.random.Generator) -> tuple[Array, str]:
    """Return drawn numbers, and a description of them."""
    dtype = np.dtype("float32" if item.dtype in (None, "bfloat16") else item.dtype)
    if limit is not None:
        return random.integers(0, limit, shape).astype(dtype), f"indices below {limit}"
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool), "random bools"
    if dtype.kind in "iu":
        return np.ones(shape, dtype), "ones"
    return random.standard_normal(shape).astype(dtype), "standard normal numbers"
