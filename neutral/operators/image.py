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
)
