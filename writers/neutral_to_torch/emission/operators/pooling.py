"""Pooling over windows, over everything, and over regions."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import F, Symbol, either, helper, nn
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Unsupported
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.operators.convolution import in_layout, short


def torch_fits(node: NodeView) -> bool:
    """Return whether torch's pooling has the same windows.

    It wants padding of at most half a kernel, and leaves out a last window that begins behind the input, which no
    window does that is rounded down or that is not shorter than stride and padding together.

    Args:
        node: A pooling node.

    Returns:
        True if ``nn.MaxPool2d`` and its relatives give the same result.
    """
    windows = list(zip(node["kernel_size"], node["stride"], node["padding"]))
    fits = all(2 * padding <= kernel for kernel, _, padding in windows)
    if node["rounding"] == "up":
        fits = fits and all(stride + padding <= kernel for kernel, stride, padding in windows)
    return fits and node["rounding"] != "same"


def _spatial(node: NodeView) -> int:
    dimensions = len(node["kernel_size"])
    if dimensions not in (1, 2, 3):
        raise Unsupported(f"kernel_size={node['kernel_size']} has {dimensions} dimensions, torch knows 1 to 3")
    return dimensions


def _window(node: NodeView) -> tuple[int | tuple[int, ...], dict[str, object]]:
    return short(node["kernel_size"]), {
        "stride": short(node["stride"]),
        "padding": short(node["padding"]),
        "ceil_mode": node["rounding"] == "up",
    }


def _exactly(node: NodeView) -> tuple[object, ...]:
    """Return the arguments of the helpers that unfold windows."""
    return node["kernel_size"], node["stride"], node["padding"], node["rounding"]


@rule("max_pool")
def max_pool(node: NodeView, x: Symbol) -> Symbol:
    dimensions = _spatial(node)
    if not torch_fits(node):
        return in_layout(node, x, lambda x: helper.max_pool(x, *_exactly(node)))
    kernel, window = _window(node)
    return in_layout(node, x, node.module(getattr(nn, f"MaxPool{dimensions}d")(kernel, **window)))


@rule("average_pool")
def average_pool(node: NodeView, x: Symbol) -> Symbol:
    dimensions, divisor = _spatial(node), node["divisor"]
    whole = divisor == "kernel" and node["rounding"] == "down"
    if not torch_fits(node) or (divisor == "kernel" and not whole):
        return in_layout(node, x, lambda x: helper.average_pool(x, *_exactly(node), divisor))
    kernel, window = _window(node)
    padded = divisor != "input" or not any(node["padding"])
    layer = getattr(nn, f"AvgPool{dimensions}d")(kernel, **window, count_include_pad=padded)
    return in_layout(node, x, node.module(layer))


@rule("sum_pool")
def sum_pool(node: NodeView, x: Symbol) -> Symbol:
    _spatial(node)
    return in_layout(node, x, lambda x: helper.sum_pool(x, *_exactly(node)))


@rule("global_average_pool")
def global_average_pool(node: NodeView, x: Symbol) -> Symbol:
    return _global(node, x, "AdaptiveAvgPool", "mean")


@rule("global_max_pool")
def global_max_pool(node: NodeView, x: Symbol) -> Symbol:
    return _global(node, x, "AdaptiveMaxPool", "amax")


@rule("global_sum_pool")
def global_sum_pool(node: NodeView, x: Symbol) -> Symbol:
    return _global(node, x, None, "sum")


def _global(node: NodeView, x: Symbol, layer: str | None, reduction: str) -> Symbol:
    dimensions, first = node.rank(), node["layout"] == "channels_first"
    if dimensions is None:
        return helper.spatial_reduction(x, reduction, 2 if first else 1)
    if layer and first and dimensions in (3, 4, 5):
        return node.module(getattr(nn, f"{layer}{dimensions - 2}d")(1))(x)
    axes = tuple(range(2, dimensions)) if first else tuple(range(1, dimensions - 1))
    method: Symbol = getattr(x, reduction)
    return method(axes, keepdim=True)


@rule("adaptive_average_pool")
def adaptive_average_pool(node: NodeView, x: Symbol) -> Symbol:
    size = short(node["output_size"])
    return either(node.module(nn.AdaptiveAvgPool2d(size))(x), F.adaptive_avg_pool2d(x, size))


@rule("roi_pool")
def roi_pool(node: NodeView, x: Symbol, regions: Symbol) -> Symbol:
    return helper.roi_pool(x, regions, node["output_size"], node["spatial_scale"])


@rule("roi_align")
def roi_align(node: NodeView, x: Symbol, regions: Symbol) -> Symbol:
    options = {name: node[name] for name in ("samples", "aligned", "position_sensitive")}
    return helper.roi_align(x, regions, node["output_size"], node["spatial_scale"], **options)
