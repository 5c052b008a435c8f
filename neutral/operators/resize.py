"""Resizing of images (N, C, H, W)."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

OPERATORS = (
    Operator(
        "upsample_nearest",
        "Nearest-neighbour upsampling: every pixel becomes a block of scale*scale equal pixels.",
        attributes=(Attribute("scale", "int", "The number of repetitions of each row and column.", minimum=1),),
        family="resize",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "upsample_nearest_like",
        "Nearest-neighbour upsampling to the height and width of like, which are multiples of the input's: every "
        "pixel becomes a block of equal pixels.",
        inputs=("input", "like"),
        family="resize",
        shape_operands=1,
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "resize_bilinear",
        "Bilinear interpolation between the four nearest pixels. Output row i is sampled at row i*(H - 1)/(height "
        "- 1) of the input if align_corners, else at row max((i + 0.5)*H/height - 0.5, 0); rows past the last one "
        "are the last one. An output with a single row is row 0. Columns likewise. If like is "
        "given, the output has its height and width.",
        inputs=("input", "like?"),
        attributes=(
            Attribute(
                "extent",
                "str",
                "How the output's height and width are computed, each from the input's extent n. size: they are "
                "given. scale: n*scale in single precision, truncated. odd_scale: the same if n is even, else (n "
                "- 1)*scale, truncated likewise, plus 1. even_down, even_up, odd_down, odd_up: n, or n - 1 (down) "
                "or n + 1 (up) to make it even or odd. like: the extents of like.",
                choices=("size", "scale", "odd_scale", "even_down", "even_up", "odd_down", "odd_up", "like"),
            ),
            Attribute(
                "size", "ints", "Height and width of the output; None unless extent is size.", optional=True, minimum=1
            ),
            Attribute(
                "scale",
                "floats",
                "The factors of height and width; None unless extent is scale or odd_scale.",
                optional=True,
            ),
            Attribute(
                "align_corners", "bool", "True if the centres of the corner pixels of input and output coincide."
            ),
        ),
        family="resize",
        shape_operands=1,
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
)
