"""Dropout: src/operator/nn/dropout-inl.h."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("Dropout")
def dropout(op: Op) -> Operand:
    return op.node(
        "dropout",
        op.input(0),
        p=op.attributes.float("p", 0.5),
        shared_axes=op.attributes.ints("axes", (), minimum=0),
        always=op.attributes.str("mode", "training", ("training", "always")) == "always",
    )
