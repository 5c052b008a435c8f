"""Pooling: src/operator/nn/pooling.cc, pooling_v1-inl.h, roi_pooling.cc, contrib/adaptive_avg_pooling-inl.h,
contrib/roi_align.cc."""

from __future__ import annotations

from typing import Any

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.convolution import layout_of
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

_ROUNDING = {"valid": "down", "full": "up", "same": "same"}
_POOLS = {"max": "max_pool", "avg": "average_pool", "sum": "sum_pool"}
_GLOBAL_POOLS = {kind: f"global_{kind}" for kind in _POOLS.values()}


@rule("Pooling")
def pooling(op: Op) -> Operand:
    op.attributes.ignore("cudnn_off")
    pool_type = op.attributes.str("pool_type", "max", ("max", "avg", "sum", "lp"))
    power = op.attributes.optional_int("p_value", None)
    count_padding = op.attributes.optional_bool("count_include_pad", None)
    divisor = "input" if count_padding is False else "padded_input"
    window = _window(op, layout_of(op))
    if pool_type != "lp":
        return _pool(op, op.input(0), _POOLS[pool_type], window, divisor)
    if power not in (1, 2, 3):
        op.refuse(f"p_value {power}, which MXNet refuses itself")
    return _lp_pool(op, power, window)


@rule("Pooling_v1")
def pooling_v1(op: Op) -> Operand:
    """As it was before 0.10: the padding's zeros take part in a maximum, and a mean always divides by the kernel."""
    kind = _POOLS[op.attributes.str("pool_type", "max", ("max", "avg", "sum"))]
    window = _window(op, "channels_first")
    x = op.input(0)
    padding = window.get("padding", ())
    if kind == "max_pool" and window.get("rounding") == "up" and _outreaches(window):
        op.refuse("a maximum with a stride larger than the kernel, whose windows without any input give -infinity")
    if kind == "max_pool" and any(padding):
        widths = (0, 0, *padding)
        x = op.node("pad", x, before=widths, after=widths, mode="constant", value=0.0)
        window["padding"] = (0,) * len(padding)
    return _pool(op, x, kind, window, "kernel")


def _outreaches(window: dict[str, Any]) -> bool:
    return any(stride > kernel for stride, kernel in zip(window["stride"], window["kernel_size"]))


def _window(op: Op, layout: str) -> dict[str, Any]:
    """The attributes of a window; of a global pool the layout alone."""
    kernel = op.attributes.ints("kernel", ())
    rank = len(kernel)
    stride = op.attributes.ints("stride", ()) or (1,) * rank
    padding = op.attributes.ints("pad", ()) or (0,) * rank
    rounding = _ROUNDING[op.attributes.str("pooling_convention", "valid", tuple(_ROUNDING))]
    if op.attributes.bool("global_pool", False):
        return {"layout": layout}
    if not kernel:
        op.refuse("it has no kernel, which MXNet refuses itself")
    if rounding == "same":
        padding = (0,) * rank  # one of another length is the only one that some versions accept
    for name, numbers in (("stride", stride), ("pad", padding)):
        if len(numbers) != rank:
            op.refuse(f"{name} {numbers} does not have the {rank} dimensions of the kernel")
    return {"kernel_size": kernel, "stride": stride, "padding": padding, "rounding": rounding, "layout": layout}


def _pool(op: Op, x: Operand, kind: str, window: dict[str, Any], divisor: str) -> Operand:
    if "kernel_size" not in window:
        return op.node(_GLOBAL_POOLS[kind], x, **window)
    if kind == "average_pool":
        window = {**window, "divisor": divisor}
    return op.node(kind, x, **window)


def _lp_pool(op: Op, power: int, window: dict[str, Any]) -> Operand:
    """The p-th root of the sum of p-th powers; odd powers keep their sign."""
    x = op.input(0)
    if power == 1:
        return _pool(op, x, "sum_pool", window, "")
    powers = op.node("square", x)
    if power == 3:
        powers = op.node("multiply", powers, x)
    return op.node("sqrt" if power == 2 else "cbrt", _pool(op, powers, "sum_pool", window, ""))


@rule("_contrib_AdaptiveAvgPooling2D")
def adaptive_average_pooling(op: Op) -> Operand:
    size = op.attributes.ints("output_size", ())
    size = (*size, *size) if len(size) == 1 else size
    if len(size) != 2:  # more than two numbers mean what none does
        size = (1, 1)
    return op.node("adaptive_average_pool", op.input(0), output_size=size)


@rule("ROIPooling")
def roi_pooling(op: Op) -> Operand:
    return op.node(
        "roi_pool",
        op.input(0),
        op.input(1),
        output_size=op.attributes.ints("pooled_size", minimum=1),
        spatial_scale=op.attributes.float("spatial_scale"),
    )


@rule("_contrib_ROIAlign")
def roi_align(op: Op) -> Operand:
    return op.node(
        "roi_align",
        op.input(0),
        op.input(1),
        output_size=op.attributes.ints("pooled_size", minimum=1),
        spatial_scale=op.attributes.float("spatial_scale"),
        samples=max(op.attributes.int("sample_ratio", -1), 0),
        aligned=op.attributes.bool("aligned", False),
        position_sensitive=op.attributes.bool("position_sensitive", False),
    )
