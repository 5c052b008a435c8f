"""Declare the inputs of a model: shapes as the graph or the user states them, and names for free dimensions."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence

from neutral.dtypes import DTYPE_CODE, DTYPE_NAME
from neutral.errors import UsageError
from neutral.graph import Graph, Input, Value
from neutral.operators import catalogue
from neutral.store import Store
from neutral.text import suggestion
from neutral_to_onnx.building import GraphBuilder, OnnxValue
from neutral_to_onnx.building.value import Dim, Shape

_IMAGE = {2: "height", 3: "width"}
"""Names of the free axes of an input (N, C, H, W)."""


def infer_input_dtypes(graph: Graph, store: Store, given: Mapping[str, str]) -> list[Input]:
    """Return the inputs with dtypes: those stated, those of the weights that they meet first, or else float32.

    Args:
        graph: The graph.
        store: The store with its layers.
        given: Dtypes by name of input, for inputs without one.

    Returns:
        The inputs; float32 is the dtype of MXNet's inputs that state none.

    Raises:
        UsageError: If a dtype is unknown or contradicts the graph.
    """
    met: dict[str, str] = {}
    for node in graph.nodes:
        layer = store.layers.get(node.layer) if node.layer is not None else None
        for operand in node.inputs:
            if layer is not None and isinstance(operand, Value) and catalogue[node.kind].dtype_rule == "same":
                codes = [store.tensors[key].dtype for key in layer.tensors.values()]
                met.setdefault(operand.node, DTYPE_NAME[codes[0]] if codes else "float32")
    result = []
    for item in graph.inputs:
        wanted = given.get(item.name)
        if wanted is not None and (wanted not in DTYPE_CODE or item.dtype not in (None, wanted)):
            stated = f"the graph states {item.dtype}" if item.dtype else f"expected one of {', '.join(DTYPE_CODE)}"
            raise UsageError(f"input {item.name!r} cannot have the dtype {wanted!r}; {stated}.")
        result.append(replace(item, dtype=item.dtype or wanted or met.get(item.name, "float32")))
    return result


def declare_inputs(
    inputs: Sequence[Input], builder: GraphBuilder, shapes: Mapping[str, Sequence[int]], batch: int | None
) -> dict[Value, OnnxValue]:
    """Declare the inputs of a graph.

    Args:
        inputs: The inputs, with the shapes that the graph states or its layers demand.
        builder: The ONNX graph under construction.
        shapes: Shapes by name of input, which replace those of the graph; -1 leaves an axis as it is, 0 frees it.
        batch: The extent of the first axis of every input whose shape the user does not state; None leaves it.

    Returns:
        The values of the inputs.

    Raises:
        UsageError: If a name is unknown, or a shape contradicts the graph.
    """
    names = [item.name for item in inputs]
    for name in shapes:
        if name not in names:
            hint = suggestion(name, names)
            raise UsageError(f"the graph has no input {name!r}; its inputs are {', '.join(names) or 'none'}.{hint}")
    values = {}
    for position, item in enumerate(fixed_inputs(inputs, shapes, batch)):
        named = _with_names(item.name, item.shape, position == 0)
        values[Value(item.name)] = builder.input(item.name, item.dtype or "float32", named)
    return values


def fixed_inputs(inputs: Sequence[Input], shapes: Mapping[str, Sequence[int]], batch: int | None) -> list[Input]:
    """Return inputs with the shapes that the user states.

    Args:
        inputs: The inputs, with the shapes that the graph states or its layers demand.
        shapes: Shapes by name of input, which replace those of the graph; -1 leaves an axis as it is, 0 frees it.
        batch: The extent of the first axis of every input whose shape the user does not state; None leaves it.

    Returns:
        The inputs; those whose shape nobody states have None.

    Raises:
        UsageError: If a shape contradicts the graph.
    """
    return [replace(item, shape=_fixed(item, shapes.get(item.name), batch)) for item in inputs]


def _fixed(item: Input, given: Sequence[int] | None, batch: int | None) -> tuple[int | None, ...] | None:
    if given is None:
        if batch is None or not item.shape:
            return item.shape
        given = (batch, *(-1 for _ in item.shape[1:]))
    if item.shape is None:
        return tuple(None if size < 1 else size for size in given)
    if len(given) != len(item.shape):
        raise UsageError(shape_problem(item, given))
    return tuple(old if size < 0 else size or None for size, old in zip(given, item.shape))


def shape_problem(item: Input, given: Sequence[int]) -> str:
    """Return the message that an input cannot have a shape.

    Args:
        item: The input, with the shape that it has.
        given: The shape that the user states.

    Returns:
        The message.
    """
    wanted = ", ".join("any" if size is None else str(size) for size in item.shape or ())
    return f"input {item.name!r} cannot have the shape {tuple(given)}; the graph demands ({wanted})."


def overridden(inputs: Sequence[Input], shapes: Mapping[str, Sequence[int]]) -> list[Input]:
    """Return the inputs of which the user states another extent, other than the first, than the graph.

    Args:
        inputs: The inputs, with the shapes that the graph states or its layers demand.
        shapes: Shapes by name of input; -1 leaves an axis as it is, and 0 frees it.

    Returns:
        Inputs whose shape the network has to be tried with.
    """
    stated = [(item, shapes.get(item.name), item.shape) for item in inputs]
    return [
        item
        for item, given, shape in stated
        if given is not None
        and shape is not None
        and any(size >= 0 and old not in (None, size) for size, old in zip(given[1:], shape[1:]))
    ]


def _with_names(name: str, shape: tuple[int | None, ...] | None, first: bool) -> Shape:
    """Return the shape with a name for each free dimension: batch, height and width of the first input."""
    if shape is None:
        return None
    named = {0: "batch", **(_IMAGE if len(shape) == 4 and shape[1] is not None else {})} if first else {}
    dims: list[Dim] = [
        named.get(axis, f"{name}_dim_{axis}") if size is None else size for axis, size in enumerate(shape)
    ]
    return tuple(dims)
