"""Record of a run of a module: the dataflow graph, and calls that can be repeated on other values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from neutral.graph import Graph, Input, Node, Value


@dataclass(frozen=True)
class Call:
    """Call of an operator, which can be repeated on other values.

    Attributes:
        function: The torch operator.
        arguments: The flat arguments; a :class:`Value` stands for a tensor.
        structure: The structure of positional and keyword arguments.
        names: The name in the operator's schema of the argument that each flat argument is, or is in.

    Example:
        >>> call = make_call(torch.ops.aten.add.Tensor, Value("x"), 1)
        >>> call.run({Value("x"): torch.tensor([1.0, 2.0])})
        [tensor([2., 3.])]
    """

    function: Any
    arguments: tuple[Any, ...]
    structure: Any
    names: tuple[str | None, ...] = ()

    def positional(self) -> tuple[Any, ...]:
        """Return the positional arguments.

        Returns:
            The arguments in their structure, with a :class:`Value` in the place of each tensor.
        """
        args, _ = tree_unflatten(list(self.arguments), self.structure)
        return tuple(args)

    def run(self, values: Mapping[Value, Any]) -> list[Any]:
        """Return the output tensors for other values, which are not changed.

        Args:
            values: A tensor for each value among the arguments.

        Returns:
            The tensors that the operator returns, flat.
        """
        changes = self.function._schema.is_mutable
        flat = [
            (values[item].clone() if changes else values[item]) if isinstance(item, Value) else item
            for item in self.arguments
        ]
        args, kwargs = tree_unflatten(flat, self.structure)
        function: Any = _ANY_STRIDES.get(self.function, self.function)
        return [item for item in tree_flatten(function(*args, **kwargs))[0] if isinstance(item, torch.Tensor)]


def make_call(function: Any, *args: Any) -> Call:
    """Return the call of an operator with positional arguments; a :class:`Value` stands for a tensor.

    Args:
        function: The torch operator, such as ``torch.ops.aten.add.Tensor``.
        *args: Its arguments.

    Returns:
        A call whose arguments have no names.
    """
    flat, structure = tree_flatten((args, {}))
    return Call(function, tuple(flat), structure, (None,) * len(flat))


_ANY_STRIDES: dict[Any, Any] = {
    torch.ops.aten.view.default: torch.ops.aten.reshape.default,
    torch.ops.aten._unsafe_view.default: torch.ops.aten.reshape.default,
}
"""Operators that require certain strides, and operators that do the same for any."""


@dataclass(frozen=True)
class Record:
    """Record of a run of a module.

    Attributes:
        graph: The dataflow in the catalogue's terms.
        shapes: The shape of each value.
        dtypes: The dtype of each value.
        calls: The call of each node that is not a layer.
        examples: The tensors of the graph's inputs and constants, by name.

    Example:
        >>> from torch import nn
        >>> from neutral_to_torch.trace import trace
        >>> record = trace(nn.ReLU(), (torch.zeros(1, 3),), {}).record
        >>> [record.shapes[value] for value in record.graph.outputs]
        [(1, 3)]
    """

    graph: Graph
    shapes: Mapping[Value, tuple[int, ...]]
    dtypes: Mapping[Value, torch.dtype]
    calls: Mapping[str, Call]
    examples: Mapping[str, torch.Tensor]


@dataclass
class Draft:
    """Parts of a record that is being made."""

    nodes: list[Node] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    shapes: dict[Value, tuple[int, ...]] = field(default_factory=dict)
    dtypes: dict[Value, torch.dtype] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    examples: dict[str, torch.Tensor] = field(default_factory=dict)


def argument_names(func: Any, structure: Any) -> tuple[str | None, ...]:
    """Return the name in the schema of the argument that each flat argument belongs to.

    Args:
        func: The torch operator.
        structure: The structure of its positional and keyword arguments.

    Returns:
        A name for each leaf of the structure; None for one that the schema lacks.
    """
    args, kwargs = tree_unflatten(list(range(structure.num_leaves)), structure)
    names: list[str | None] = [None] * structure.num_leaves
    for name, value in bound_arguments(func, args, kwargs, defaults=False).items():
        for position in tree_flatten(value)[0]:
            names[position] = name
    return tuple(names)


def bound_arguments(func: Any, args: Any, kwargs: Any, defaults: bool = True) -> dict[str, Any]:
    """Return the arguments by their names in the operator's schema.

    Args:
        func: The torch operator.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        defaults: Add the schema's defaults, None where it has none.

    Returns:
        The arguments by name.
    """
    bound = dict(kwargs)
    for argument, value in zip(func._schema.arguments, args):
        bound[argument.name] = value
    if defaults:
        for argument in func._schema.arguments:
            if argument.name not in bound:
                bound[argument.name] = argument.default_value if argument.has_default_value() else None
    return bound
