"""Rules for pooling.

MXNet's sources: src/operator/nn/pooling.cc, pooling_v1-inl.h, roi_pooling.cc, contrib/adaptive_avg_pooling-inl.h,
contrib/roi_align.cc.
"""

from __future__ import annotations

from typing import Any

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.convolution import layout_of
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

_ROUNDING = {"valid": "down", "full": "up", "same": "same"}
_POOLS = {"max": "max_pool", "avg": "average_pool", "sum": "sum_pool"}
_GLOBAL_POOLS = {kind: f"global_{kind}" for kind in _POOLS.values()}


@rule("Pooling")
def pooling(context: NodeContext) -> Operand:
    """Convert ``Pooling``: maximum, average, sum or Lp pooling, over windows or over all positions.

    Raises:
        Refusal: ``p_value`` is not 1, 2 or 3, or the window's attributes differ in their number of dimensions.
    """
    context.attributes.ignore("output_size")  # MXNet 2 reads it for adaptive pooling only
    pool_type = context.attributes.str("pool_type", "max", ("max", "avg", "sum", "lp"))
    power = context.attributes.optional_int("p_value", None)
    count_padding = context.attributes.optional_bool("count_include_pad", None)
    divisor = "input" if count_padding is False else "padded_input"
    window = _window(context, layout_of(context))
    if pool_type != "lp":
        return _pool(context, context.input(0), _POOLS[pool_type], window, divisor)
    if power not in (1, 2, 3):
        context.refuse(f"p_value {power}, which MXNet refuses itself")
    return _lp_pool(context, power, window)


@rule("Pooling_v1")
def pooling_v1(context: NodeContext) -> Operand:
    """Convert ``Pooling_v1``, the operator of versions before 0.10.

    Zeros of the padding take part in a maximum, and an average divides by the size of the kernel.

    Raises:
        Refusal: Windows of a maximum may be empty, which gives -infinity.
    """
    kind = _POOLS[context.attributes.str("pool_type", "max", ("max", "avg", "sum"))]
    window = _window(context, "channels_first")
    x = context.input(0)
    padding = window.get("padding", ())
    if kind == "max_pool" and window.get("rounding") == "up" and _has_gaps(window):
        context.refuse("a maximum with a stride larger than the kernel, whose windows without any input give -infinity")
    if kind == "max_pool" and any(padding):
        widths = (0, 0, *padding)
        x = context.node("pad", x, before=widths, after=widths, mode="constant", value=0.0)
        window["padding"] = (0,) * len(padding)
    return _pool(context, x, kind, window, "kernel")


def _has_gaps(window: dict[str, Any]) -> bool:
    """Return whether a stride is larger than the kernel."""
    return any(stride > kernel for stride, kernel in zip(window["stride"], window["kernel_size"]))


def _window(context: NodeContext, layout: str) -> dict[str, Any]:
    """Return the attributes of a window; for global pooling only the layout."""
    kernel = context.attributes.ints("kernel", ())
    rank = len(kernel)
    stride = context.attributes.ints("stride", ()) or (1,) * rank
    padding = context.attributes.ints("pad", ()) or (0,) * rank
    rounding = _ROUNDING[context.attributes.str("pooling_convention", "valid", tuple(_ROUNDING))]
    if context.attributes.bool("global_pool", False):
        return {"layout": layout}
    if not kernel:
        context.refuse("it has no kernel, which MXNet refuses itself")
    if rounding == "same":
        padding = (0,) * rank  # ignored; some versions accept only paddings of another length
    for name, numbers in (("stride", stride), ("pad", padding)):
        if len(numbers) != rank:
            context.refuse(f"{name} {numbers} does not have the {rank} dimensions of the kernel")
    return {"kernel_size": kernel, "stride": stride, "padding": padding, "rounding": rounding, "layout": layout}


def _pool(context: NodeContext, x: Operand, kind: str, window: dict[str, Any], divisor: str) -> Operand:
    """Add a pooling operator, global if there is no window."""
    if "kernel_size" not in window:
        return context.node(_GLOBAL_POOLS[kind], x, **window)
    if kind == "average_pool":
        window = {**window, "divisor": divisor}
    return context.node(kind, x, **window)


def _lp_pool(context: NodeContext, power: int, window: dict[str, Any]) -> Operand:
    """Add Lp pooling: the p-th root of the sum of p-th powers; odd powers keep their sign."""
    x = context.input(0)
    if power == 1:
        return _pool(context, x, "sum_pool", window, "")
    powers = context.node("square", x)
    if power == 3:
        powers = context.node("multiply", powers, x)
    return context.node("sqrt" if power == 2 else "cbrt", _pool(context, powers, "sum_pool", window, ""))


@rule("_contrib_AdaptiveAvgPooling2D")
def adaptive_average_pooling(context: NodeContext) -> Operand:
    """Convert ``_contrib_AdaptiveAvgPooling2D``: average pooling to an output size.

    In MXNet 2 the operator has all attributes of ``Pooling``. They have no effect if there is an output size; without
    one, it is the same operator.
    """
    size = context.attributes.ints("output_size", ())
    if not size and context.attributes.ints("kernel", ()):
        return pooling(context)
    context.attributes.ignore("kernel", "pool_type", "global_pool", "pooling_convention", "stride", "pad", "p_value")
    context.attributes.ignore("count_include_pad", "layout")
    size = (*size, *size) if len(size) == 1 else size
    if len(size) != 2:  # MXNet treats three or more numbers as no size
        size = (1, 1)
    return context.node("adaptive_average_pool", context.input(0), output_size=size)


@rule("ROIPooling")
def roi_pooling(context: NodeContext) -> Operand:
    """Convert ``ROIPooling``: maximum pooling of regions of interest."""
    return context.node(
        "roi_pool",
        context.input(0),
        context.input(1),
        output_size=context.attributes.ints("pooled_size"),
        spatial_scale=context.attributes.float("spatial_scale"),
    )


@rule("_contrib_ROIAlign")
def roi_align(context: NodeContext) -> Operand:
    """Convert ``_contrib_ROIAlign``: bilinear samples of regions of interest, averaged."""
    return context.node(
        "roi_align",
        context.input(0),
        context.input(1),
        output_size=context.attributes.ints("pooled_size"),
        spatial_scale=context.attributes.float("spatial_scale"),
        samples=max(context.attributes.int("sample_ratio", -1), 0),
        aligned=context.attributes.bool("aligned", False),
        position_sensitive=context.attributes.bool("position_sensitive", False),
    )
