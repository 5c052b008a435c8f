"""Fuse scores, softmax, dropout and weighted values of attention into what torch computes in one call."""

from __future__ import annotations

from dataclasses import replace

from neutral.graph import Graph, Node, Operand, Value
from neutral.rewriting import UseDef

_SCORES = {
    "attention_values": "attention_scores",
    "self_attention_values": "self_attention_scores",
    "cross_attention_values": "cross_attention_scores",
}
"""For each kind that weighs values the kind of the scores; both take interleaved projections in the same layout."""


def fuse_attention(graph: Graph) -> Graph:
    """Write attention without a mask as one node, in the place of its last operator; drop the other operators.

    The kinds ``dot_product_attention``, ``self_dot_product_attention`` and ``cross_dot_product_attention`` are the
    emitter's own. Their inputs are those of the scores and the values, their attributes ``heads`` and ``dropout``, the
    share of weights that is dropped in training. Masked softmax stays as it is: without any position it gives 0, and
    torch's attention NaN.

    Args:
        graph: The graph; it is not changed.

    Returns:
        A graph that computes the same outputs.
    """
    chains = UseDef(graph.nodes, graph.outputs)
    return replace(graph, nodes=tuple(_fused(node, chains) for node in graph.nodes))


def _fused(node: Node, chains: UseDef[Node]) -> Node:
    if node.kind not in _SCORES:
        return node
    value, weights = node.inputs
    dropout = 0.0
    before = _private(weights, node, chains)
    softmax = before
    if before is not None and before.kind == "dropout":
        dropout = before.attributes["p"]
        if before.attributes["always"] or before.attributes["shared_axes"] or not 0 <= dropout < 1:
            return node
        softmax = _private(before.inputs[0], before, chains)
    if (
        softmax is None
        or softmax.kind != "softmax"
        or len(softmax.inputs) != 1
        or softmax.attributes["axis"] not in (-1, 2)
    ):
        return node
    scores = _private(softmax.inputs[0], softmax, chains)
    if scores is None or scores.kind != _SCORES[node.kind] or scores.attributes["heads"] != node.attributes["heads"]:
        return node
    shared = node.kind != "attention_values"
    if shared and scores.inputs[-1] != value:
        return node
    inputs = scores.inputs if shared else (*scores.inputs, value)
    kind = node.kind.replace("attention_values", "dot_product_attention")
    return Node(node.name, kind, inputs, {"heads": node.attributes["heads"], "dropout": dropout})


def _private(operand: Operand, user: Node, chains: UseDef[Node]) -> Node | None:
    """Return the node that makes an operand for this user only, or None."""
    node = chains.definition(operand)
    return node if isinstance(operand, Value) and chains.is_private(operand, [user]) else None
