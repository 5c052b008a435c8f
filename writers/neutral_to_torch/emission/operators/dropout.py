"""Dropout."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import F, Symbol, helper, nn
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule


@rule("dropout")
def dropout(node: NodeView, x: Symbol) -> Symbol:
    p, axes = node["p"], node["shared_axes"]
    if axes:
        return node.module(helper.SharedDropout(p, axes, always=node["always"]))(x)
    return F.dropout(x, p, training=True) if node["always"] else node.module(nn.Dropout(p))(x)
