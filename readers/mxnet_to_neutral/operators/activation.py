"""Activations: src/operator/leaky_relu-inl.h."""

from __future__ import annotations

from mxnet_to_neutral.op import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("LeakyReLU")
def leaky_relu(op: Op) -> Operand:
    act_type = op.attributes.str("act_type", "leaky")
    if act_type != "prelu":
        op.refuse(f"act_type {act_type!r}")
    op.attributes.ignore("slope", "lower_bound", "upper_bound")
    array = op.array(1)
    reshape = None
    if array is not None and len(array.shape) != 1:
        if len(array.shape) != 2 or array.shape[0] != 1:
            op.refuse(
                f"a slope of shape {array.shape} depends on the sample; only (channels,) and (1,) can be expressed"
            )
        reshape = array.shape[1:]
    return op.node("prelu", op.input(0), roles={"weight": op.role(1, reshape=reshape)})
