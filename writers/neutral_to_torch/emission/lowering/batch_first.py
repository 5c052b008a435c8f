"""Let recurrent layers take the batch first where the graph swaps time and batch around them."""

from __future__ import annotations

from dataclasses import replace

from neutral.graph import Graph, Node, Value
from neutral.operators.recurrent import GATES
from neutral.rewriting import UseDef
from neutral.rewriting.cut import replace_operands


def fuse_batch_first(graph: Graph) -> Graph:
    """Set ``batch_first`` for recurrent layers whose input and outputs are all swapped; drop the swaps.

    The attribute is the emitter's own: the catalogue's layers take (time, batch, features).

    Args:
        graph: The graph; it is not changed.

    Returns:
        A graph that computes the same outputs.
    """
    chains = UseDef(graph.nodes, graph.outputs)
    changed: dict[str, Node] = {}
    aliases: dict[Value, Value] = {}
    for node in graph.nodes:
        swap = chains.definition(node.inputs[0]) if node.kind in GATES and node.inputs else None
        output = Value(node.name)
        users = chains.users.get(output, [])
        if swap is None or not _swaps_time_and_batch(swap) or len(node.inputs) > 3 or output in chains.outputs:
            continue
        if users and all(map(_swaps_time_and_batch, users)):
            attributes = {**node.attributes, "batch_first": True}
            changed[node.name] = replace(node, inputs=(swap.inputs[0], *node.inputs[1:]), attributes=attributes)
            aliases.update((Value(user.name), output) for user in users)
    nodes = tuple(replace_operands(changed.get(node.name, node), aliases) for node in graph.nodes)
    return Graph(graph.inputs, nodes, tuple(aliases.get(value, value) for value in graph.outputs))


def _swaps_time_and_batch(node: Node) -> bool:
    if node.kind == "swap_axes":
        return sorted((node.attributes["axis"], node.attributes["other_axis"])) == [0, 1]
    return node.kind == "transpose" and node.attributes["axes"] == (1, 0, 2)
