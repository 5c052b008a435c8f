"""Images taken at other places, and compared there. A grid is (N, 2, height, width): channel 0 is x, channel 1 y."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

_PLACE = "-1 is the centre of the first column or row and 1 that of the last."

OPERATORS = (
    Operator(
        "affine_grid",
        f"The grid of an affine map (N, 6) of an image onto another. {_PLACE} With the x and y of a position of the output, "
        "evenly from -1 to 1, the grid is (a*x + b*y + c, d*x + e*y + f) for the numbers a to f of a row.",
        attributes=(Attribute("size", "ints", "Rows and columns of the grid, at least 2."),),
        family="warping",
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "flow_grid",
        f"The grid of displacements (N, 2, H, W) in pixels, x and y. {_PLACE} It is ((column + x)/((W - 1)/2) - 1, (row + "
        "y)/((H - 1)/2) - 1).",
        family="warping",
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "grid_sample",
        f"An image (N, C, H, W) taken at the places of a grid (N, 2, height, width). {_PLACE} Each interpolates linearly "
        "between the four nearest positions, and what is outside of the image is 0. The output is (N, C, height, width).",
        inputs=("input", "grid"),
        family="warping",
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "correlation",
        "How alike the surroundings of positions of two maps (N, C, H, W) are. Both are padded with zeros. With r = "
        "floor(max_displacement/displacement_stride), output channel (i + r)*(2*r + 1) + j + r, for i and j from -r to r, "
        "compares the window of kernel_size*kernel_size at (y, x) of the first with that at (y + "
        "i*displacement_stride, x + j*displacement_stride) of the second: the mean over the window and the channels of the "
        "product, or of the absolute difference. Row n of the output has windows that begin at y = max_displacement + n*stride, "
        "as long as y + kernel_size is at most the padded height - max_displacement; columns likewise.",
        inputs=("input", "other"),
        attributes=(
            Attribute("kernel_size", "int", "Extent of the window."),
            Attribute("max_displacement", "int", "The farthest that the second map is moved."),
            Attribute("stride", "int", "Step of the window."),
            Attribute("displacement_stride", "int", "Step of the displacements."),
            Attribute("padding", "int", "Zeros added at all sides."),
            Attribute("comparison", "str", "What is averaged.", choices=("product", "absolute_difference")),
        ),
        family="warping",
        rank_rule=4,
        dtype_rule="same",
    ),
)
