"""Loops and branches."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Unpacked, unpack
from neutral_to_torch.emission.lowering.rules import rule


@rule("foreach")
def foreach(node: NodeView, *inputs: Symbol) -> Unpacked:
    sequences, states = node["sequences"], node["states"]
    ranks = [node.rank(k) for k in range(len(inputs))]
    items = [None if rank is None else rank - 1 for rank in ranks[:sequences]]
    loop = node.control(inputs, {"body": [*items, *ranks[sequences:]]}, sequences=sequences, states=states)
    return unpack(loop, tuple(range(len(node.used))))


@rule("while_loop")
def while_loop(node: NodeView, *inputs: Symbol) -> Unpacked:
    ranks = [node.rank(k) for k in range(len(inputs))]
    bodies = {"condition": ranks, "body": ranks}
    loop = node.control(inputs, bodies, states=node["states"], limit=node["max_iterations"])
    return unpack(loop, tuple(range(len(node.used))))


@rule("branch")
def branch(node: NodeView, *inputs: Symbol) -> Unpacked:
    ranks = [node.rank(k) for k in range(1, len(inputs))]
    return unpack(node.control(inputs, {"then": ranks, "otherwise": ranks}), tuple(range(len(node.used))))
