"""Convolutions: the weight's layout is always the same, whatever the layout of the data."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator, Role
from neutral.operators.ranks import RankContext

LAYOUT = Attribute(
    "layout",
    "str",
    "Where the data's channel axis is: after the batch (N, C, *spatial) or last (N, *spatial, C).",
    choices=("channels_first", "channels_last"),
)

WINDOW = (
    Attribute("out_channels", "int", "Channels of the output."),
    Attribute("kernel_size", "ints", "Extent of the kernel in each spatial dimension; its length is the rank."),
    Attribute("stride", "ints", "Step of the window in each spatial dimension."),
    Attribute("padding", "ints", "Zeros added at both ends of each spatial dimension."),
    Attribute("dilation", "ints", "Distance of neighbouring kernel taps in each spatial dimension."),
    Attribute("groups", "int", "Groups of channels that are convolved separately."),
)

BIAS = Role("bias", "(out_channels,)", "Added to every position of a channel.", required=False)


def window_rank(node: RankContext) -> int:
    """The rank of the input and output of a kind with a ``kernel_size``: batch, channels and the spatial axes."""
    return len(node["kernel_size"]) + 2


OPERATORS = (
    Operator(
        "convolution",
        "Cross-correlation of the input with the weight (the kernel is not flipped), zero padding, output size "
        "floor((in + 2*padding - dilation*(kernel_size - 1) - 1) / stride) + 1.",
        attributes=(*WINDOW, LAYOUT),
        roles=(Role("weight", "(out_channels, in_channels/groups, *kernel_size)", "The kernel."), BIAS),
        family="convolution",
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    Operator(
        "transposed_convolution",
        "The gradient of a convolution with respect to its input: output size (in - 1)*stride - 2*padding + "
        "dilation*(kernel_size - 1) + output_padding + 1. Where output_size is given it decides, for each spatial "
        "dimension, padding and output_padding instead: with t = (in - 1)*stride + dilation*(kernel_size - 1) + 1 "
        "- output_size, output_padding is t mod 2 and padding is (t + 1) // 2.",
        attributes=(
            *WINDOW,
            Attribute("output_padding", "ints", "Positions added at the end of each spatial dimension."),
            Attribute("output_size", "ints", "Size asked for; None: as padding gives it.", optional=True),
            LAYOUT,
        ),
        roles=(Role("weight", "(in_channels, out_channels/groups, *kernel_size)", "The kernel."), BIAS),
        family="convolution",
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    Operator(
        "deformable_convolution",
        "2-D convolution whose taps are moved by the offset input: channels 2*(g*taps + tap) and the next are the "
        "vertical and horizontal shift of tap number `tap` in deformable group g. Samples are bilinear. Not modulated: a "
        "sample outside [0, H) x [0, W) is 0 and one beyond the last row or column is clamped to it. Modulated: "
        "each tap is multiplied by the mask input (channel g*taps + tap) and the image is surrounded by zeros, so that "
        "samples within one pixel of the border blend with 0.",
        inputs=("input", "offset", "mask?"),
        attributes=(
            *WINDOW,
            Attribute("deformable_groups", "int", "Groups of input channels, each with offsets of its own."),
            Attribute("modulated", "bool", "Whether there is a mask input (version 2)."),
        ),
        roles=(Role("weight", "(out_channels, in_channels/groups, *kernel_size)", "The kernel."), BIAS),
        family="convolution",
        rank_rule=4,
        dtype_rule="same",
    ),
)
