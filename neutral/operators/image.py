"""Preprocessing of images (H, W, C), or batches of images (N, H, W, C), inside a graph."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

OPERATORS = (
    Operator(
        "image_to_tensor",
        "output = input / 255 as float32, with the channel axis moved before height and width.",
        family="image",
        rank_rule="same",
        dtype_rule="float32",
    ),
    Operator(
        "image_normalize",
        "output = (input - mean) / std for each channel of (C, H, W) or (N, C, H, W).",
        attributes=(
            Attribute("mean", "floats", "One number for each channel, or one number for all channels."),
            Attribute("std", "floats", "One number for each channel, or one number for all channels."),
        ),
        family="image",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "image_crop",
        "Cut a rectangle out of images with channels last; its first pixel is in row y and column x.",
        attributes=tuple(
            Attribute(name, "int", doc)
            for name, doc in (
                ("x", "The first column."),
                ("y", "The first row."),
                ("width", "The number of columns."),
                ("height", "The number of rows."),
            )
        ),
        family="image",
        rank_rule="same",
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "image_resize",
        "Resize images with channels last. nearest: output row i is row floor(i*H/height), at most H - 1. bilinear: row i "
        "is sampled at row (i + 0.5)*H/height - 0.5, between its two neighbours; a row beyond the image is the one at its "
        "border. bicubic: likewise by the cubic convolution of four rows with a = -0.75. Columns likewise. bilinear of "
        "uint8 is computed in fixed point: each share of a neighbour is rounded to a multiple of 1/2048, halves to even; "
        "sums of columns lose their last 4 bits, products with the shares of rows their last 16, and their sum is "
        "divided by 4, halves up. If both extents are halved, it is the mean of four pixels instead, halves up with 1, 3 "
        "or 4 channels, else to even. bicubic of uint8 is not defined.",
        attributes=(
            Attribute(
                "size", "ints", "Height and width of the output; None if side is given.", optional=True, minimum=1
            ),
            Attribute(
                "side",
                "int",
                "The output's shorter extent; the longer one is scaled alike and rounded down. None if size is given.",
                optional=True,
                minimum=1,
            ),
            Attribute("interpolation", "str", "The interpolation.", choices=("nearest", "bilinear", "bicubic")),
        ),
        family="image",
        rank_rule="same",
        dtype_rule="same",
    ),
)
