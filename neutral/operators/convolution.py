"""Convolutions. The layout of the weights does not depend on the layout of the data."""

from __future__ import annotations

from typing import Any, Mapping

from neutral.operators.declarations import Attribute, Operator, Role
from neutral.operators.ranks import RankContext

LAYOUT = Attribute(
    "layout",
    "str",
    "The layout of input and output: channels_first is (N, C, *spatial), channels_last is (N, *spatial, C).",
    choices=("channels_first", "channels_last"),
)

WINDOW = (
    Attribute("out_channels", "int", "The number of channels of the output.", minimum=1),
    Attribute(
        "kernel_size",
        "ints",
        "The extent of the kernel, for each spatial axis; its length is the number of spatial axes.",
        minimum=1,
    ),
    Attribute(
        "stride", "ints", "The step of the window, for each spatial axis.", minimum=1, same_length_as="kernel_size"
    ),
    Attribute(
        "padding",
        "ints",
        "The number of zeros added at both ends, for each spatial axis.",
        minimum=0,
        same_length_as="kernel_size",
    ),
    Attribute(
        "dilation",
        "ints",
        "The distance between neighbouring elements of the kernel, for each spatial axis.",
        minimum=1,
        same_length_as="kernel_size",
    ),
    Attribute("groups", "int", "The number of groups of channels that are convolved separately.", minimum=1),
)

BIAS = Role("bias", "(out_channels,)", "The number added to every position of a channel.", required=False)


def window_rank(node: RankContext) -> int:
    """Return the rank of the input and output of a kind with a ``kernel_size``: batch, channels and the spatial axes.

    Args:
        node: The node, by whose attributes the rank is known.

    Returns:
        The number of axes.

    Example:
        >>> window_rank(RankContext({"kernel_size": (3, 3)}))
        4
    """
    return len(node["kernel_size"]) + 2


def _groups_problem(attributes: Mapping[str, Any]) -> str | None:
    channels, groups = attributes["out_channels"], attributes["groups"]
    return f"out_channels={channels} is not divisible by groups={groups}" if channels % groups else None


OPERATORS = (
    Operator(
        "convolution",
        "Cross-correlate the input with the weight (the kernel is not flipped), with zero padding, and add the "
        "bias. The output size is floor((in + 2*padding - dilation*(kernel_size - 1) - 1) / stride) + 1.",
        attributes=(*WINDOW, LAYOUT),
        roles=(Role("weight", "(out_channels, in_channels/groups, *kernel_size)", "The kernel."), BIAS),
        family="convolution",
        relation=_groups_problem,
        operand_rank=window_rank,
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    Operator(
        "transposed_convolution",
        "Compute the gradient of a convolution with respect to its input. The output size is (in - 1)*stride - "
        "2*padding + dilation*(kernel_size - 1) + output_padding + 1. If output_size is given, it replaces "
        "padding and output_padding: for each spatial axis, with t = (in - 1)*stride + dilation*(kernel_size - 1) "
        "+ 1 - output_size, output_padding is t mod 2 and padding is (t + 1) // 2.",
        attributes=(
            *WINDOW,
            Attribute(
                "output_padding",
                "ints",
                "The number of positions added at the end, for each spatial axis.",
                minimum=0,
                same_length_as="kernel_size",
            ),
            Attribute(
                "output_size",
                "ints",
                "The size of the output, for each spatial axis; None: given by padding and output_padding.",
                optional=True,
                minimum=1,
                same_length_as="kernel_size",
            ),
            LAYOUT,
        ),
        roles=(Role("weight", "(in_channels, out_channels/groups, *kernel_size)", "The kernel."), BIAS),
        family="convolution",
        relation=_groups_problem,
        operand_rank=window_rank,
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    Operator(
        "deformable_convolution",
        "A 2-D convolution whose kernel elements (taps) are shifted by the operand offset: its channels 2*(g*taps "
        "+ tap) and 2*(g*taps + tap) + 1 are the vertical and horizontal shift of tap number `tap` in deformable "
        "group g. The input is sampled by bilinear interpolation. If not modulated, a sample outside [0, H) x [0, "
        "W) is 0, and one past the last row or column is clamped to it. If modulated, each tap is multiplied by "
        "the operand mask (channel g*taps + tap), and the image is surrounded by zeros: samples within one pixel "
        "outside the border are interpolated with 0.",
        inputs=("input", "offset", "mask?"),
        attributes=(
            *WINDOW,
            Attribute(
                "deformable_groups",
                "int",
                "The number of groups of input channels that have offsets of their own.",
                minimum=1,
            ),
            Attribute("modulated", "bool", "True if the operand mask is given (version 2)."),
        ),
        roles=(Role("weight", "(out_channels, in_channels/groups, *kernel_size)", "The kernel."), BIAS),
        family="convolution",
        relation=_groups_problem,
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
)
