"""The graphs inside a control flow operator, converted like any other, with their inputs bound to the operator's."""

from __future__ import annotations

from typing import Collection, Sequence

from mxnet_to_neutral.context import Conversion, NodeContext
from neutral.graph import Input, Operand, Value


class Subgraph:
    """Subgraph ``number`` of a node. ``bound`` gives for each of its arguments the node's input.

    An argument whose input is a stored array has that array's values, unless the input is among ``varying``, those
    that change from step to step. ``needed`` are the node's inputs that the graph uses and that are no such arrays.
    """

    def __init__(self, context: NodeContext, number: int, bound: Sequence[int], varying: Collection[int] = ()) -> None:
        symbol = context.symbol_node.subgraphs[number]
        names = [symbol.nodes[index].name for index in symbol.arguments]
        if len(names) != len(bound) or len(set(names)) < len(names) or not all(0 <= k < context.count for k in bound):
            context.refuse(f"the inputs {tuple(bound)} do not bind to {names} of its subgraph")
        stored = {name: context.array(k) for name, k in zip(names, bound) if k not in varying}
        arrays = {name: array for name, array in stored.items() if array is not None}
        computed = [n for n, k in zip(names, bound) if k in varying or not context.producer(k).is_variable]
        self.conversion: Conversion = context.convert(symbol, arrays, computed)
        used = {item.name for item in self.conversion.inputs}
        self._bound = {name: k for name, k in zip(names, bound) if name in used}
        self.needed = set(self._bound.values())

    def with_inputs(self, inputs: Sequence[int]) -> Conversion:
        """The graph with an input for each of these inputs of the node, whether it uses it or not."""
        mine: dict[int, Input] = {self._bound[item.name]: item for item in self.conversion.inputs}
        taken = {draft.name for draft in self.conversion.drafts} | {item.name for item in mine.values()}
        ordered = []
        for k in inputs:
            item = mine.get(k) or Input(_unused(k, taken))
            taken.add(item.name)
            ordered.append(item)
        self.conversion.inputs = ordered
        return self.conversion

    def operands(self, context: NodeContext) -> dict[str, Operand]:
        """What each input of the graph is outside."""
        return {name: context.input(k) for name, k in self._bound.items()}


def inlined(context: NodeContext, graph: Subgraph) -> Operand:
    """The nodes of a graph that always runs, added to those of its node; gives the graph's first output."""
    operands = graph.operands(context)
    names = {draft.name: context.unique(f"{context.name}.{draft.name}") for draft in graph.conversion.drafts}

    def outside(operand: Operand) -> Operand:
        if not isinstance(operand, Value):
            return operand
        return Value(names[operand.node], operand.output) if operand.node in names else operands[operand.node]

    for draft in graph.conversion.drafts:
        draft.name = names[draft.name]
        draft.inputs = [outside(operand) for operand in draft.inputs]
        for role, value in draft.roles.items():
            if isinstance(value, Value):
                moved = outside(value)
                if not isinstance(moved, Value):
                    context.refuse(f"its condition needs a tensor for the {role} of {draft.name!r}")
                draft.roles[role] = moved
        context.drafts.append(draft)
    return outside(graph.conversion.outputs[0])


def _unused(k: int, taken: Collection[str]) -> str:
    name = f"unused{k}"
    while name in taken:
        name += "_"
    return name
