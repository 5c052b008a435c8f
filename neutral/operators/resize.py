"""Resizing of images (N, C, H, W)."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

OPERATORS = (
    Operator(
        "upsample_nearest",
        "Every pixel becomes scale*scale equal ones.",
        attributes=(Attribute("scale", "int", "How often each row and column is repeated."),),
        family="resize",
        rank_rule=4,
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "upsample_nearest_like",
        "Every pixel becomes a block of equal ones, so that the output has the height and width of the other input, which "
        "are multiples of the input's.",
        inputs=("input", "like"),
        family="resize",
        shape_operands=1,
        rank_rule=4,
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "resize_bilinear",
        "Linear interpolation between the four nearest pixels. Output row i is taken at row i*(H - 1)/(height - 1) of the "
        "input if align_corners, else at (i + 0.5)*H/height - 0.5, but not before row 0; rows after the last are the last; "
        "an output of one row is row 0. Columns likewise. Where the other input is given the output has its height and "
        "width.",
        inputs=("input", "like?"),
        attributes=(
            Attribute(
                "extent",
                "str",
                "How the output's height and width follow, each by itself, from the input's extent n. size: they are "
                "given. scale: n*scale in single precision, its fraction cut off. odd_scale: the same where n is even, "
                "else (n - 1)*scale likewise, and 1. even_down, even_up, odd_down, odd_up: n, or n - 1 or n + 1 to make "
                "it even or odd. like: those of the other input.",
                choices=("size", "scale", "odd_scale", "even_down", "even_up", "odd_down", "odd_up", "like"),
            ),
            Attribute("size", "ints", "Height and width; None unless extent is size.", optional=True),
            Attribute("scale", "floats", "Of height and width; None unless extent says scale.", optional=True),
            Attribute("align_corners", "bool", "Whether the centres of the corner pixels stay where they are."),
        ),
        family="resize",
        shape_operands=1,
        rank_rule=4,
        dtype_rule="same",
    ),
)
