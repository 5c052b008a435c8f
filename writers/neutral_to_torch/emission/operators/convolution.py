"""Convolutions."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import F, Symbol, helper, nn
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Unsupported
from neutral_to_torch.emission.lowering.rules import rule


def short(numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number where all are equal, as torch's layers take it.

    Args:
        numbers: One number for each spatial axis.

    Returns:
        The number itself, or the tuple unchanged.
    """
    return numbers[0] if len(set(numbers)) == 1 else numbers


def rank(node: NodeView) -> int:
    """Return the rank of a convolution's input and output.

    Args:
        node: A convolution.

    Returns:
        The number of spatial axes and two, for batch and channels.
    """
    return len(node["kernel_size"]) + 2


def channels_first(x: Symbol, rank: int) -> Symbol:
    """Move the channels from the last axis to axis 1.

    Args:
        x: A tensor (batch, spatial axes, channels).
        rank: Its number of axes.

    Returns:
        The tensor (batch, channels, spatial axes).
    """
    return x.permute(0, rank - 1, *range(1, rank - 1))


def channels_last(x: Symbol, rank: int) -> Symbol:
    """Move the channels from axis 1 to the last axis.

    Args:
        x: A tensor (batch, channels, spatial axes).
        rank: Its number of axes.

    Returns:
        The tensor (batch, spatial axes, channels).
    """
    return x.permute(0, *range(2, rank), 1)


def in_layout(node: NodeView, x: Symbol, apply: object) -> Symbol:
    """Apply a layer for channels first to an input in the node's layout.

    Args:
        node: A node with the attributes ``layout`` and ``kernel_size``.
        x: The input, in the layout that the node has.
        apply: Takes and returns a symbol with channels on axis 1.

    Returns:
        The output, in the layout that the node has.
    """
    assert callable(apply)
    if node["layout"] == "channels_first":
        result = apply(x)
    else:
        result = channels_last(apply(channels_first(x, rank(node))), rank(node))
    assert isinstance(result, Symbol)
    return result


def _dimensions(node: NodeView) -> int:
    dimensions = len(node["kernel_size"])
    if dimensions not in (1, 2, 3):
        raise Unsupported(f"kernel_size={node['kernel_size']} has {dimensions} dimensions, torch knows 1 to 3")
    return dimensions


@rule("convolution")
def convolution(node: NodeView, x: Symbol) -> Symbol:
    dimensions = _dimensions(node)
    window = {
        "stride": short(node["stride"]),
        "padding": short(node["padding"]),
        "dilation": short(node["dilation"]),
        "groups": node["groups"],
    }
    if not node.stored("weight") or (node.has("bias") and not node.stored("bias")):
        function = getattr(F, f"conv{dimensions}d")
        bias = node.tensor("bias") if node.has("bias") else None
        return in_layout(node, x, lambda x: function(x, node.tensor("weight"), bias, **written(window)))
    weight = node.shape("weight")
    layer = getattr(nn, f"Conv{dimensions}d")(
        weight[1] * node["groups"],
        weight[0],
        kernel_size=short(node["kernel_size"]),
        **window,
        bias=node.stored("bias"),
    )
    return in_layout(node, x, node.module(layer))


def written(window: dict[str, object]) -> dict[str, object]:
    """Return the arguments of a functional convolution that differ from the defaults.

    Args:
        window: Arguments of ``torch.nn.functional.conv2d`` and its relatives, by name.

    Returns:
        The arguments to be written, in the same order.
    """
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "output_padding": 0}
    return {name: value for name, value in window.items() if value != defaults[name]}


@rule("transposed_convolution")
def transposed_convolution(node: NodeView, x: Symbol) -> Symbol:
    dimensions = _dimensions(node)
    window = {
        "stride": short(node["stride"]),
        "padding": short(node["padding"]),
        "output_padding": short(node["output_padding"]),
        "groups": node["groups"],
        "dilation": short(node["dilation"]),
    }
    bias = node.has("bias")
    if node.stored("weight") and node.shape("weight")[0] % node["groups"]:
        raise Unsupported(f"groups={node['groups']}, which do not divide the {node.shape('weight')[0]} input channels")
    if node["output_size"] is not None:
        size = node["output_size"]
        if node.stored("weight") and (not bias or node.stored("bias")):
            weight = node.shape("weight")
            layer = getattr(nn, f"ConvTranspose{dimensions}d")(
                weight[0],
                weight[1] * node["groups"],
                kernel_size=short(node["kernel_size"]),
                stride=window["stride"],
                groups=node["groups"],
                bias=bias,
                dilation=window["dilation"],
            )
            sized = node.module(layer)
            return in_layout(node, x, lambda x: helper.transpose_to_size(sized, x, size))
        operands = (node.tensor("weight"), node.tensor("bias") if bias else None, size)
        options = {name: node[name] for name in ("stride", "dilation", "groups")}
        return in_layout(node, x, lambda x: helper.conv_transpose_to_size(x, *operands, **options))
    if not node.stored("weight") or (bias and not node.stored("bias")):
        function = getattr(F, f"conv_transpose{dimensions}d")
        added = node.tensor("bias") if bias else None
        return in_layout(node, x, lambda x: function(x, node.tensor("weight"), added, **written(window)))
    weight = node.shape("weight")
    layer = getattr(nn, f"ConvTranspose{dimensions}d")(
        weight[0],
        weight[1] * node["groups"],
        kernel_size=short(node["kernel_size"]),
        **window,
        bias=bias,
    )
    return in_layout(node, x, node.module(layer))


@rule("deformable_convolution")
def deformable_convolution(node: NodeView, x: Symbol, offset: Symbol, mask: Symbol | None = None) -> Symbol:
    window = {name: short(node[name]) for name in ("stride", "padding", "dilation")}
    inputs = (x, offset) if mask is None else (x, offset, mask)
    if not node.stored("weight") or (node.has("bias") and not node.stored("bias")):
        bias = node.tensor("bias") if node.has("bias") else None
        options = (node[name] for name in ("stride", "padding", "dilation", "groups", "deformable_groups"))
        return helper.deform_conv2d(x, node.tensor("weight"), bias, offset, mask, *options)
    weight = node.shape("weight")
    layer = helper.DeformableConv2d(
        weight[1] * node["groups"],
        weight[0],
        kernel_size=short(node["kernel_size"]),
        **window,
        groups=node["groups"],
        bias=node.stored("bias"),
        deformable_groups=node["deformable_groups"],
    )
    return node.module(layer)(*inputs)
