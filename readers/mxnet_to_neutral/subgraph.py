"""Convert the subgraphs of control flow operators and of fused operators."""

from __future__ import annotations

from typing import Collection, Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.drafts import Conversion
from mxnet_to_neutral.inference.dtypes import with_declared_dtypes
from neutral.graph import Input, Operand, Value


class Subgraph:
    """A converted subgraph of a node, whose inputs are bound to the node's inputs.

    A stored array that is bound to an argument becomes a parameter inside the subgraph, unless its value changes
    between iterations.

    Args:
        context: The node.
        number: The subgraph's number among the node's subgraphs.
        bound: For each argument of the subgraph the position of the node's input that it is bound to.
        varying: The positions of inputs that change between iterations: sequences and states.

    Attributes:
        conversion: The subgraph's drafts.
        needed: The positions of the node's inputs that the subgraph uses and that are not parameters inside it.

    Raises:
        Refusal: The node has no such subgraph, or ``bound`` does not fit the subgraph's arguments.
    """

    def __init__(self, context: NodeContext, number: int, bound: Sequence[int], varying: Collection[int] = ()) -> None:
        subgraphs = context.symbol_node.subgraphs
        if number >= len(subgraphs):
            count = f"{len(subgraphs)} subgraph{'s' * (len(subgraphs) != 1)}"
            context.refuse(f"it has {count}; expected at least {number + 1}")
        symbol = subgraphs[number]
        names = [symbol.nodes[index].name for index in symbol.arguments]
        if len(names) != len(bound) or len(set(names)) < len(names) or not all(0 <= k < context.count for k in bound):
            context.refuse(f"the inputs {tuple(bound)} do not bind to {names} of its subgraph")
        stored = {name: context.array(k) for name, k in zip(names, bound) if k not in varying}
        arrays = {name: array for name, array in stored.items() if array is not None}
        computed = [n for n, k in zip(names, bound) if k in varying or not context.producer(k).is_variable]
        dtypes = {name: context.dtype(k) for name, k in zip(names, bound) if name in computed}
        dtypes = {name: dtype for name, dtype in dtypes.items() if dtype != "float32"}
        self.conversion: Conversion = context.convert(with_declared_dtypes(symbol, dtypes), arrays, computed)
        used = {item.name for item in self.conversion.inputs}
        self._bound = {name: k for name, k in zip(names, bound) if name in used}
        self.needed = set(self._bound.values())

    def with_inputs(self, positions: Sequence[int]) -> Conversion:
        """Return the conversion with one graph input for each of these inputs of the node, used or not.

        Args:
            positions: Positions of the node's inputs, in the order of the graph inputs.

        Returns:
            The subgraph's conversion, changed in place.
        """
        used_inputs: dict[int, Input] = {self._bound[item.name]: item for item in self.conversion.inputs}
        taken = {draft.name for draft in self.conversion.drafts} | {item.name for item in used_inputs.values()}
        ordered = []
        for position in positions:
            item = used_inputs.get(position) or Input(_unused_name(position, taken))
            taken.add(item.name)
            ordered.append(item)
        self.conversion.inputs = ordered
        return self.conversion

    def inline(self, context: NodeContext) -> Operand:
        """Add the subgraph's drafts to those of its node; return the operand of its first output.

        Args:
            context: The node that the subgraph belongs to.

        Returns:
            An operand of the node's graph.

        Raises:
            Refusal: A tensor role is bound to a literal number.
        """
        operands = {name: context.input(k) for name, k in self._bound.items()}
        names = {draft.name: context.unique(f"{context.name}.{draft.name}") for draft in self.conversion.drafts}

        def outer(value: Value) -> Operand:
            return Value(names[value.node], value.output) if value.node in names else operands[value.node]

        for draft in self.conversion.drafts:
            draft.name = names[draft.name]
            draft.inputs = [outer(item) if isinstance(item, Value) else item for item in draft.inputs]
            for role, value in draft.roles.items():
                if isinstance(value, Value):
                    operand = outer(value)
                    if not isinstance(operand, Value):
                        context.refuse(f"its condition needs a tensor for the {role} of {draft.name!r}")
                    draft.roles[role] = operand
            context.drafts.append(draft)
        return outer(self.conversion.outputs[0])


def _unused_name(position: int, taken: Collection[str]) -> str:
    """Return a name for a graph input that the subgraph does not use."""
    name = f"unused{position}"
    while name in taken:
        name += "_"
    return name
