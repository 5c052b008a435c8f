"""Resizing: src/operator/nn/upsampling-inl.h."""

from __future__ import annotations

from mxnet_to_neutral.op import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("UpSampling")
def upsampling(op: Op) -> Operand:
    scale = op.attributes.int("scale")
    sample_type = op.attributes.str("sample_type", choices=("nearest", "bilinear"))
    filters = op.attributes.int("num_filter", 0)
    op.attributes.ignore("multi_input_mode")
    if sample_type == "nearest":
        op.refuse("sample_type 'nearest'")
    kernel = 2 * scale - scale % 2
    return op.node(
        "transposed_convolution",
        op.input(0),
        roles={"weight": op.role(1, shape=(filters, 1, kernel, kernel)), "bias": None},
        out_channels=filters,
        kernel_size=(kernel, kernel),
        stride=(scale, scale),
        padding=(scale // 2, scale // 2),
        dilation=(1, 1),
        groups=filters,
        output_padding=(0, 0),
        output_size=None,
        layout="channels_first",
    )
