"""Pooling over windows, over everything, and over regions."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.convolution import LAYOUT, window_rank

_WINDOW = (
    Attribute("kernel_size", "ints", "Extent of the window in each spatial dimension; its length is their number."),
    Attribute("stride", "ints", "Step of the window in each spatial dimension."),
    Attribute("padding", "ints", "Positions added at both ends of each spatial dimension."),
    Attribute(
        "rounding",
        "str",
        "What becomes of a last window that does not fit: the output size is 1 + (in + 2*padding - kernel_size)/stride, "
        "rounded down or up. same: it is in/stride rounded up, and padding is 0. A window reaches over the end "
        "where it does not fit, and may hold no position at all.",
        choices=("down", "up", "same"),
    ),
    LAYOUT,
)

OPERATORS = (
    Operator(
        "max_pool",
        "The largest input in each window; padding never is. A window without any gives the lowest finite number.",
        attributes=_WINDOW,
        family="pooling",
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    Operator(
        "average_pool",
        "The sum of the input in each window, divided by a count. A window without any input gives 0.",
        attributes=(
            *_WINDOW,
            Attribute(
                "divisor",
                "str",
                "What is counted: the window's positions in the input, those in the input and its padding, or all of "
                "the kernel's.",
                choices=("input", "padded_input", "kernel"),
            ),
        ),
        family="pooling",
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    Operator(
        "sum_pool",
        "The sum of the input in each window.",
        attributes=_WINDOW,
        family="pooling",
        rank_rule=window_rank,
        dtype_rule="same",
    ),
    *(
        Operator(
            f"global_{name}_pool",
            f"The {what} over all spatial dimensions, which stay with extent 1.",
            attributes=(LAYOUT,),
            family="pooling",
            rank_rule="same",
            dtype_rule="same",
        )
        for name, what in (("max", "largest input"), ("average", "mean"), ("sum", "sum"))
    ),
    Operator(
        "adaptive_average_pool",
        "2-D, (N, C, H, W): output row i is the mean of the input rows from floor(i*H/size) to ceil((i + 1)*H/size), "
        "the last excluded; columns likewise.",
        attributes=(Attribute("output_size", "ints", "Rows and columns of the output."),),
        family="pooling",
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "roi_pool",
        "Maxima of the bins of regions of a map (N, C, H, W). A region is a row (image, x1, y1, x2, y2) of the second "
        "input. Its corners times spatial_scale are rounded, halves away from zero; both belong to it, and it is at "
        "least one position high and wide. Bin i of n, of the s rows of the region, goes from floor(i*s/n) to "
        "ceil((i + 1)*s/n), the last excluded, and is cut to the map. A bin without positions gives 0, and so does a "
        "region of an image that is not there. The output is (regions, C, *output_size).",
        inputs=("input", "regions"),
        attributes=(
            Attribute("output_size", "ints", "Rows and columns of bins."),
            Attribute("spatial_scale", "float", "From the regions' coordinates to the map's."),
        ),
        family="pooling",
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "roi_align",
        "Means over samples of the bins of regions of a map (N, C, H, W). A region is a row (image, x1, y1, x2, y2) of "
        "the second input, times spatial_scale; unless aligned it is made at least 1 high "
        "and wide, and if aligned 0.5 is subtracted from all coordinates. It is divided into equal bins, and in each "
        "samples lie in the middle of samples*samples equal cells; where samples is 0, ceil(height of a bin) times "
        "ceil(width of a bin) of them. A sample interpolates linearly between the four nearest positions. Beyond the "
        "first or last row or column it takes that one's value, and further than 1 before the first, or beyond H or W, it "
        "is 0. A region with a negative image gives 0. The output is (regions, C, *output_size). If position_sensitive, "
        "the map's channels are C groups of one channel for each bin, which takes just that one.",
        inputs=("input", "regions"),
        attributes=(
            Attribute("output_size", "ints", "Rows and columns of bins."),
            Attribute("spatial_scale", "float", "From the regions' coordinates to the map's."),
            Attribute("samples", "int", "Samples of a bin in each direction; 0: as many as it has rows or columns."),
            Attribute("aligned", "bool", "Whether positions are the centres of pixels, at 0.5 and so on."),
            Attribute("position_sensitive", "bool", "Whether each bin has a channel of its own."),
        ),
        family="pooling",
        rank_rule=4,
        dtype_rule="same",
    ),
)
