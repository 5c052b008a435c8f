"""Draw the inputs of a run that are not given, in given shapes or those that the graph declares."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from neutral.errors import UsageError
from neutral.graph import Graph, Input
from neutral.reference.registry import Array
from neutral.rewriting.input_shapes import infer_input_shapes
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
        shapes: Shapes of further inputs by name. Other inputs have the shapes that the graph
            declares, or that follow from its layers.
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
    limits = index_limits(store)
    random = np.random.default_rng(seed)
    arrays: dict[str, Array] = {}
    notes = []
    for item in infer_input_shapes(store.graph, store.layers, store.tensors):
        if item.name in given:
            arrays[item.name] = array = np.asarray(given[item.name])
            if array.dtype == np.float64 and item.dtype in (None, "float32"):
                arrays[item.name] = array.astype(np.float32)
                notes.append(f"{item.name}: float64 values, taken as float32.")
        else:
            shape = shapes[item.name] if item.name in shapes else _declared_shape(item)
            arrays[item.name], how = _drawn(item, shape, limits.get(item.name), random)
            notes.append(f"{item.name}: {how} of shape {shape}, seed {seed}.")
    return arrays, notes


def _check_names(graph: Graph, names: list[str]) -> None:
    known = [item.name for item in graph.inputs]
    for name in names:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f"the graph has no input {name!r}; its inputs are {listed}.{suggestion(name, known)}")


def _declared_shape(item: Input) -> tuple[int, ...]:
    shape = item.shape
    if shape is not None and None not in shape[1:]:
        return tuple(BATCH if extent is None else extent for extent in shape)
    known = "unknown" if shape is None else "(" + ", ".join("any" if d is None else str(d) for d in shape) + ")"
    raise UsageError(
        f"input {item.name!r} has no values, and its shape is {known} in the graph: pass its values or its shape "
        f"(--input {item.name}=FILE.npy or --shape {item.name}=1,3,224,224)."
    )


def _drawn(item: Input, shape: tuple[int, ...], limit: int | None, random: np.random.Generator) -> tuple[Array, str]:
    """Return drawn numbers, and what they are."""
    dtype = np.dtype("float32" if item.dtype in (None, "bfloat16") else item.dtype)
    if limit is not None:
        return random.integers(0, limit, shape).astype(dtype), f"indices below {limit}"
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool), "random bools"
    if dtype.kind in "iu":
        return np.ones(shape, dtype), "ones"
    return random.standard_normal(shape).astype(dtype), "standard normal numbers"
