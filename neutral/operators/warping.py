"""Sampling and comparison of images at other positions. A grid is (N, 2, height, width): channel 0 is x, channel 1 is y."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

_COORDINATES = "-1 is the centre of the first column or row, and 1 the centre of the last one."

OPERATORS = (
    Operator(
        "affine_grid",
        "Compute the sampling grid of an affine map of images; the operand (N, 6) holds the numbers a to f of "
        f"each map. {_COORDINATES} With the x and y of a position of the output, evenly spaced from -1 to 1, the grid is "
        "(a*x + b*y + c, d*x + e*y + f).",
        attributes=(Attribute("size", "ints", "The number of rows and columns of the grid, at least 2.", minimum=1),),
        family="warping",
        operand_rank=2,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "flow_grid",
        f"Compute the sampling grid of displacements (N, 2, H, W), x and y in pixels. {_COORDINATES} The grid is "
        "((column + x)/((W - 1)/2) - 1, (row + y)/((H - 1)/2) - 1).",
        family="warping",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "grid_sample",
        f"Sample images (N, C, H, W) at the positions of a grid (N, 2, height, width). {_COORDINATES} Each position is "
        "interpolated linearly between the four nearest pixels; pixels outside of the image are 0. The output is "
        "(N, C, height, width).",
        inputs=("input", "grid"),
        family="warping",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "correlation",
        "Compare the neighbourhoods of positions of two feature maps (N, C, H, W), which are both padded with "
        "zeros. With r = floor(max_displacement/displacement_stride), output channel (i + r)*(2*r + 1) + j + r, "
        "for i and j from -r to r, compares the window of kernel_size*kernel_size that begins at (y, x) of the "
        "first map with the one that begins at (y + i*displacement_stride, x + j*displacement_stride) of the "
        "second: it is the mean over the window and the channels of the product, or of the absolute difference. "
        "The windows of output row n begin at y = max_displacement + n*stride; there are as many rows as satisfy "
        "y + kernel_size <= padded height - max_displacement. Columns likewise.",
        inputs=("input", "other"),
        attributes=(
            Attribute("kernel_size", "int", "The height and width of the window.", minimum=1),
            Attribute("max_displacement", "int", "The largest displacement of the second map.", minimum=0),
            Attribute("stride", "int", "The step of the window.", minimum=1),
            Attribute("displacement_stride", "int", "The step between displacements.", minimum=1),
            Attribute("padding", "int", "The number of zeros added on all sides.", minimum=0),
            Attribute(
                "comparison", "str", "The quantity that is averaged.", choices=("product", "absolute_difference")
            ),
        ),
        family="warping",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
)
