"""Rules for resizing: src/operator/nn/upsampling-inl.h, contrib/bilinear_resize-inl.h."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

_EXTENTS = {
    "size": "size",
    "odd_scale": "odd_scale",
    "like": "like",
    "to_even_down": "even_down",
    "to_even_up": "even_up",
    "to_odd_down": "odd_down",
    "to_odd_up": "odd_up",
}


@rule("UpSampling")
def upsampling(context: NodeContext) -> Operand:
    """Convert ``UpSampling``: nearest neighbours, or a transposed convolution with trained bilinear weights."""
    scale = context.attributes.int("scale")
    sample_type = context.attributes.str("sample_type", choices=("nearest", "bilinear"))
    filters = context.attributes.int("num_filter", 0)
    mode = context.attributes.str("multi_input_mode", "concat", ("concat", "sum"))
    if sample_type == "nearest":
        return _nearest(context, scale, mode)
    kernel = 2 * scale - scale % 2
    return context.node(
        "transposed_convolution",
        context.input(0),
        roles={"weight": context.role(1, shape=(filters, 1, kernel, kernel)), "bias": None},
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


def _nearest(context: NodeContext, scale: int, mode: str) -> Operand:
    """Upsample the first input by the scale and the others to its size, then concatenate or add them."""
    first = context.node("upsample_nearest", context.input(0), scale=scale)
    scaled = [first]
    scaled += [context.node("upsample_nearest_like", context.input(index), first) for index in range(1, context.count)]
    if len(scaled) == 1:
        return first
    if mode == "concat":
        return context.node("concatenate", *scaled, axis=1)
    total = scaled[0]
    for value in scaled[1:]:
        total = context.node("add", total, value)
    return total


@rule("_contrib_BilinearResize2D")
def bilinear_resize(context: NodeContext) -> Operand:
    """Convert ``_contrib_BilinearResize2D``.

    Raises:
        Refusal: Only one of the scales for height and width is given.
    """
    extent = _EXTENTS[context.attributes.str("mode", "size", tuple(_EXTENTS))]
    size = (context.attributes.int("height", 1), context.attributes.int("width", 1))
    scales = [context.attributes.optional_float(f"scale_{name}", None) for name in ("height", "width")]
    scale = None
    if extent == "odd_scale" or (extent == "size" and scales[0] is not None):
        if None in scales:
            context.refuse("it has a scale for one of height and width, and MXNet needs both")
        extent, scale = ("scale" if extent == "size" else extent), tuple(scales)
    return context.node(
        "resize_bilinear",
        *context.inputs(),
        extent=extent,
        size=size if extent == "size" else None,
        scale=scale,
        align_corners=context.attributes.bool("align_corners", True),
    )
