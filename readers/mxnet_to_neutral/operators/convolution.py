"""Rules for convolutions.

MXNet's sources: src/operator/nn/convolution.cc, deconvolution-inl.h, contrib/deformable_convolution-inl.h.
"""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

CHANNELS_LAST = ("NWC", "NHWC", "NDHWC")


def window(context: NodeContext, bias_default: bool) -> tuple[dict[str, Any], bool]:
    """Return the attributes that all convolutions share.

    Args:
        context: The node.
        bias_default: Whether the operator has a bias when ``no_bias`` is left out.

    Returns:
        The attributes for the catalogue's convolutions, and whether there is a bias.

    Raises:
        Refusal: Stride, padding or dilation have another number of dimensions than the kernel.
    """
    kernel = context.attributes.ints("kernel")
    rank = len(kernel)
    attributes: dict[str, Any] = {
        "out_channels": context.attributes.int("num_filter"),
        "kernel_size": kernel,
        "stride": context.attributes.ints("stride", ()) or (1,) * rank,
        "padding": context.attributes.ints("pad", ()) or (0,) * rank,
        "dilation": context.attributes.ints("dilate", ()) or (1,) * rank,
        "groups": context.attributes.int("num_group", 1),
    }
    for name in ("stride", "padding", "dilation"):
        if len(attributes[name]) != rank:
            context.refuse(f"{name} {attributes[name]} does not have the {rank} dimensions of the kernel")
    return attributes, not context.attributes.bool("no_bias", not bias_default)


def kernel_role(context: NodeContext, index: int, shape: Sequence[int | None], channels_last: bool) -> Any:
    """Return the content of the role ``weight``.

    Args:
        context: The node.
        index: The input's position.
        shape: The shape in the canonical layout, channels on axis 1; None for any extent.
        channels_last: Whether the file has axis 1 at the end.

    Returns:
        The draft that :meth:`NodeContext.role` returns, with the channels of the kernel on axis 1.
    """
    if not channels_last:
        return context.role(index, shape=shape)
    rank = len(shape)
    return context.role(index, shape=(shape[0], *shape[2:], shape[1]), axes=(0, rank - 1, *range(1, rank - 1)))


def layout_of(context: NodeContext) -> str:
    """Return the layout of a node's input: ``channels_first`` or ``channels_last``.

    Args:
        context: A node with the optional attribute ``layout``, such as ``NHWC``.

    Returns:
        The catalogue's value of the attribute ``layout``.
    """
    layout = context.attributes.optional_str("layout", None)
    return "channels_last" if layout in CHANNELS_LAST else "channels_first"


def channel_axis(layout: str) -> int:
    """Return the axis of channels in a layout.

    Args:
        layout: ``channels_first`` or ``channels_last``.

    Returns:
        1 or -1.
    """
    return -1 if layout == "channels_last" else 1


@rule("Convolution", "Convolution_v1")
def convolution(context: NodeContext) -> Operand:
    """Convert ``Convolution``.

    Raises:
        Refusal: The dtype is int8, of which MXNet limits the sums to -128 to 127.
    """
    if context.dtype(0) == "int8":
        context.refuse("a convolution of int8, whose sums MXNet limits to the range of int8")
    attributes, has_bias = window(context, bias_default=True)
    layout = layout_of(context)
    channels, input_channels = attributes["out_channels"], context.channels(0, channel_axis(layout))
    per_group = input_channels // attributes["groups"] if input_channels else None
    weight = kernel_role(context, 1, (channels, per_group, *attributes["kernel_size"]), layout == "channels_last")
    bias = context.role(2, shape=(channels,)) if has_bias else None
    roles = {"weight": weight, "bias": bias}
    return context.node("convolution", context.input(0), roles=roles, layout=layout, **attributes)


@rule("Deconvolution")
def deconvolution(context: NodeContext) -> Operand:
    """Convert ``Deconvolution``: transposed convolution, to an output of ``target_shape`` if that is given.

    The CPU kernel of MXNet 1, which float64 and builds without oneDNN use, is wrong where a dilated axis has a stride.
    """
    attributes, has_bias = window(context, bias_default=False)
    layout = layout_of(context)
    rank = len(attributes["kernel_size"])
    channels, groups = attributes["out_channels"], attributes["groups"]
    target = context.attributes.ints("target_shape", ())
    if any(stride > 1 < dilation for stride, dilation in zip(attributes["stride"], attributes["dilation"])):
        context.note(
            "Deconvolution: with a stride and a dilation, the CPU kernel of MXNet 1 gives wrong numbers (in float64, "
            "and in builds without oneDNN); the store has the transposed convolution that its other kernels compute"
        )
    shape = (context.channels(0, channel_axis(layout)), channels // groups, *attributes["kernel_size"])
    weight = kernel_role(context, 1, shape, layout == "channels_last")
    bias = context.role(2, shape=(channels,)) if has_bias else None
    return context.node(
        "transposed_convolution",
        context.input(0),
        roles={"weight": weight, "bias": bias},
        layout=layout,
        output_padding=context.attributes.ints("adj", ()) or (0,) * rank,
        output_size=target if any(target) else None,
        **attributes,
    )


@rule("_contrib_DeformableConvolution", "_npx_deformable_convolution")
def deformable_convolution(context: NodeContext) -> Operand:
    """Convert ``DeformableConvolution``: convolution at offsets from the regular grid.

    Raises:
        Refusal: The layout has channels last.
    """
    return _deformable(context, modulated=False)


@rule("_contrib_ModulatedDeformableConvolution", "_npx_modulated_deformable_convolution")
def modulated_deformable_convolution(context: NodeContext) -> Operand:
    """Convert ``ModulatedDeformableConvolution``: deformable convolution with a mask that scales each sample.

    Raises:
        Refusal: The layout has channels last.
    """
    context.attributes.ignore("im2col_step")
    return _deformable(context, modulated=True)


def _deformable(context: NodeContext, modulated: bool) -> Operand:
    attributes, has_bias = window(context, bias_default=True)
    if layout_of(context) == "channels_last":
        context.refuse("MXNet computes deformable convolution with channels first only")
    count = 3 if modulated else 2
    weight_shape = (attributes["out_channels"], None, *attributes["kernel_size"])
    roles = {
        "weight": context.role(count, shape=weight_shape),
        "bias": context.role(count + 1, shape=(attributes["out_channels"],)) if has_bias else None,
    }
    return context.node(
        "deformable_convolution",
        *(context.input(index) for index in range(count)),
        roles=roles,
        deformable_groups=context.attributes.int("num_deformable_group", 1),
        modulated=modulated,
        **attributes,
    )
