"""Select the outputs of a run and check its inputs, before anything is computed."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from neutral.errors import MismatchError, UnsupportedError, UsageError
from neutral.graph import Graph, Input, Node, Value
from neutral.operators import catalogue
from neutral.reference.registry import Array, kinds_of, load_functions
from neutral.text import suggestion


def output_name(value: Value) -> str:
    """Return the name of a value in results: the node's name, with ``:k`` for outputs after the first.

    Args:
        value: An output of a node, or an input.

    Returns:
        The name.

    Example:
        >>> output_name(Value("bn", 1)), output_name(Value("bn"))
        ('bn:1', 'bn')
    """
    return f"{value.node}:{value.output}" if value.output else value.node


def selected_outputs(graph: Graph, outputs: Sequence[str] | None, until: str | None) -> dict[str, Value]:
    """Return the values that a run computes, by their names in the result.

    Args:
        graph: The graph.
        outputs: Nodes, or ``node:output``; None for the graph's outputs.
        until: A node at which the graph ends, whose outputs are added; None for none.

    Returns:
        The values.

    Raises:
        UsageError: If there is no such node or output, or two outputs have one name.
    """
    if outputs is None and until is None:
        named: dict[str, Value] = {}
        for value in graph.outputs:
            if named.setdefault(output_name(value), value) != value:
                raise UsageError(f"the graph has two outputs named {output_name(value)!r}: choose one with --output.")
        return named
    nodes = {node.name: node for node in graph.nodes}
    chosen = {name: _value(name, nodes, graph) for name in outputs or ()}
    if until is not None:
        last = _value(until, nodes, graph).node
        values = [Value(last, number) for number in range(_output_count(nodes[last]) if last in nodes else 1)]
        chosen.update((output_name(value), value) for value in values)
    return chosen


def _value(name: str, nodes: Mapping[str, Node], graph: Graph) -> Value:
    """Return the value that a text names; the name of a node may hold a colon itself."""
    names = {*nodes, *(item.name for item in graph.inputs)}
    node, colon, number = name.rpartition(":")
    if name in names:
        return Value(name)
    if not colon or node not in names or not number.isdigit():
        raise UsageError(f"the graph has no node {name!r}.{suggestion(name, names)}")
    count = _output_count(nodes[node]) if node in nodes else 1
    if int(number) >= count:
        raise UsageError(f"node {node!r} has {count} outputs, numbered from 0; there is no output {name!r}.")
    return Value(node, int(number))


def _output_count(node: Node) -> int:
    return catalogue[node.kind].output_count(node.attributes, len(node.inputs)) or 1


def check_functions(nodes: Sequence[Node]) -> None:
    """Check that every kind that will run has a reference function.

    Args:
        nodes: The nodes that will run.

    Raises:
        UnsupportedError: With every kind that has none.
    """
    functions = load_functions()
    missing = {kind: node for kind, node in kinds_of(Graph((), tuple(nodes), ())).items() if kind not in functions}
    if missing:
        raise UnsupportedError(
            "the graph cannot be evaluated, because these kinds have no reference function:",
            tuple(f"{kind} (node {node!r})" for kind, node in sorted(missing.items())),
        )


def checked_inputs(graph: Graph, inputs: Mapping[str, Any], needed: set[str]) -> dict[str, Array]:
    """Return the inputs as arrays, after a check against the declarations of the graph.

    Args:
        graph: The graph.
        inputs: Arrays by name of input.
        needed: The names of the inputs that will be used; the others may be absent.

    Returns:
        The arrays by name.

    Raises:
        UsageError: If an input is unknown or missing.
        MismatchError: If a shape or dtype is not the declared one.
    """
    declared = {item.name: item for item in graph.inputs}
    for name in inputs:
        if name not in declared:
            raise UsageError(f"the graph has no input {name!r}; its inputs are {', '.join(declared) or 'none'}.")
    missing = [name for name in declared if name in needed and name not in inputs]
    if missing:
        raise UsageError(f"no array is given for the inputs {', '.join(missing)}.")
    arrays = {name: np.asarray(array) for name, array in inputs.items()}
    for name, array in arrays.items():
        _check_input(declared[name], array)
    return arrays


def _check_input(item: Input, array: Array) -> None:
    if array.dtype.kind not in "biuf":
        raise MismatchError(f"input {item.name!r} has dtype {array.dtype}; expected numbers.")
    shape = item.shape
    if shape is not None and (
        len(shape) != array.ndim or any(dim not in (None, size) for dim, size in zip(shape, array.shape))
    ):
        wanted = ", ".join("any" if dim is None else str(dim) for dim in shape)
        raise MismatchError(f"input {item.name!r} has shape {array.shape}; the graph declares ({wanted}).")
    if item.floating and array.dtype.kind != "f":
        raise MismatchError(
            f"input {item.name!r} has dtype {array.dtype.name}; the graph is for floating-point values. "
            f"Export the model with --dtype {item.name}={array.dtype.name} for these."
        )
    stored = "float32" if item.dtype == "bfloat16" else item.dtype
    if stored is not None and array.dtype.name != stored:
        raise MismatchError(
            f"input {item.name!r} has dtype {array.dtype.name}; the graph declares {item.dtype}: "
            f"convert the array to {stored} first."
        )
