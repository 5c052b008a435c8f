"""Linear maps and tables of vectors."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import F, Symbol, helper, nn
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.operators.shape import features_of_samples


@rule("linear")
def linear(node: NodeView, x: Symbol) -> Symbol:
    if node["flatten"]:
        x = features_of_samples(node, x)
    if not node.stored("weight") or (node.has("bias") and not node.stored("bias")):
        bias = (node.tensor("bias"),) if node.has("bias") else ()
        return F.linear(x, node.tensor("weight"), *bias)
    out_features, in_features = node.shape("weight")
    return node.module(nn.Linear(in_features, out_features, bias=node.stored("bias")))(x)


@rule("embedding")
def embedding(node: NodeView, index: Symbol) -> Symbol:
    if not node.stored("weight"):
        return helper.take_rows(node.tensor("weight"), index)
    return node.module(helper.ClampedEmbedding(*node.shape("weight")))(index)
