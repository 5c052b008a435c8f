"""Pooling over windows, over all positions, and over regions."""

from __future__ import annotations

from neutral.operators.convolution import LAYOUT, window_rank
from neutral.operators.declarations import Attribute, Operator

_WINDOW = (
    Attribute(
        "kernel_size",
        "ints",
        "The extent of the window, for each spatial axis; its length is the number of spatial axes.",
        minimum=1,
    ),
    Attribute(
        "stride", "ints", "The step of the window, for each spatial axis.", minimum=1, same_length_as="kernel_size"
    ),
    Attribute(
        "padding",
        "ints",
        "The number of positions added at both ends, for each spatial axis.",
        minimum=0,
        same_length_as="kernel_size",
    ),
    Attribute(
        "rounding",
        "str",
        "The rounding of the output size 1 + (in + 2*padding - kernel_size)/stride: down or up. same: the output "
        "size is in/stride rounded up, and padding is 0. With up and same, the last window may extend past the "
        "end, and may contain no position at all.",
        choices=("down", "up", "same"),
    ),
    LAYOUT,
)

OPERATORS = (
    Operator(
        "max_pool",
        "The largest element in each window, not counting padding. An empty window gives the lowest finite number.",
        attributes=_WINDOW,
        family="pooling",
        operand_rank=window_rank,
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    Operator(
        "average_pool",
        "The sum of the elements in each window, divided by a number of positions. An empty window gives 0.",
        attributes=(
            *_WINDOW,
            Attribute(
                "divisor",
                "str",
                "The positions of the window that are counted: those in the input (input), those in the input and "
                "its padding (padded_input), or all (kernel).",
                choices=("input", "padded_input", "kernel"),
            ),
        ),
        family="pooling",
        operand_rank=window_rank,
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    Operator(
        "sum_pool",
        "The sum of the elements in each window.",
        attributes=_WINDOW,
        family="pooling",
        operand_rank=window_rank,
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    *(
        Operator(
            f"global_{name}_pool",
            f"The {statistic} over all spatial axes, which are kept with extent 1.",
            attributes=(LAYOUT,),
            family="pooling",
            rank_rule="same",
            dtype_rule="same",
        )
        for name, statistic in (("max", "maximum"), ("average", "mean"), ("sum", "sum"))
    ),
    Operator(
        "adaptive_average_pool",
        "Average pooling of (N, C, H, W) to a given size: output row i is the mean of the input rows from "
        "floor(i*H/size) to ceil((i + 1)*H/size) (excluded); columns likewise.",
        attributes=(Attribute("output_size", "ints", "Height and width of the output.", minimum=1),),
        family="pooling",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "roi_pool",
        "Max pooling over the bins of regions of a feature map (N, C, H, W). A region is a row (image, x1, y1, "
        "x2, y2) of the second operand. Its corners are multiplied by spatial_scale and rounded, halves away from "
        "zero; both corners belong to the region, which is at least one position high and wide. Of the s rows of "
        "a region divided into n bins, bin i holds rows floor(i*s/n) to ceil((i + 1)*s/n) (excluded), clipped to "
        "the map; columns likewise. An empty bin gives 0, and so does a region whose image does not exist. The "
        "output is (regions, C, *output_size).",
        inputs=("input", "regions"),
        attributes=(
            Attribute("output_size", "ints", "The number of rows and columns of bins.", minimum=1),
            Attribute("spatial_scale", "float", "The factor from coordinates of regions to coordinates of the map."),
        ),
        family="pooling",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "roi_align",
        "Average pooling of bilinear samples over the bins of regions of a feature map (N, C, H, W). A region is "
        "a row (image, x1, y1, x2, y2) of the second operand, with coordinates multiplied by spatial_scale; if "
        "aligned, 0.5 is subtracted from all coordinates, else the region is enlarged to be at least 1 high and "
        "wide. It is divided into equal bins, and a bin into samples*samples equal cells (ceil(height of a "
        "bin)*ceil(width of a bin) cells if samples is 0), with a sample in the middle of each. A sample is "
        "interpolated linearly between the four nearest positions. A sample outside of the first or last row or "
        "column has the value there; farther than 1 before the first one, or past H or W, it is 0. A region with "
        "a negative image gives 0. The output is (regions, C, *output_size). If position_sensitive, the map has C "
        "groups of channels with one channel for each bin, and a bin is pooled from its own channel.",
        inputs=("input", "regions"),
        attributes=(
            Attribute("output_size", "ints", "The number of rows and columns of bins.", minimum=1),
            Attribute("spatial_scale", "float", "The factor from coordinates of regions to coordinates of the map."),
            Attribute(
                "samples",
                "int",
                "The number of samples of a bin in each direction; 0: its height or width, rounded up.",
            ),
            Attribute(
                "aligned",
                "bool",
                "True if coordinates refer to the corners of pixels, whose centres are then at 0.5, 1.5, ...",
            ),
            Attribute("position_sensitive", "bool", "True if each bin is pooled from a channel of its own."),
        ),
        family="pooling",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
)
