"""The rule for dropout: src/operator/nn/dropout-inl.h."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("Dropout")
def dropout(context: NodeContext) -> Operand:
    """Convert ``Dropout``; elements along ``axes`` are dropped together."""
    return context.node(
        "dropout",
        context.input(0),
        p=context.attributes.float("p", 0.5),
        shared_axes=context.attributes.ints("axes", ()),
        always=context.attributes.str("mode", "training", ("training", "always")) == "always",
    )
