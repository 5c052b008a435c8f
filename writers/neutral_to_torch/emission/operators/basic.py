"""Stored tensors as values, and values without a gradient."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule


@rule("parameter")
def parameter(node: NodeView) -> Symbol:
    return node.tensor("value")


@rule("stop_gradient")
def stop_gradient(node: NodeView, x: Symbol) -> Symbol:
    return x.detach()
