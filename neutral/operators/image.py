"""Preprocessing of images (H, W, C), or batches of images (N, H, W, C), inside a graph."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

_COLOURS = {
    "image_brightness": "output = input * factor.",
    "image_contrast": "output = input * factor + (1 - factor) * mean, where mean is the mean over all pixels of "
    "0.299 * red + 0.587 * green + 0.114 * blue, of images with one channel that of the channel.",
    "image_saturation": "output = input * factor + (1 - factor) * 0.114 * blue, where blue is the last channel of the same "
    "pixel; images with one channel are not changed.",
    "image_hue": "Turn the hue by factor, a share of a full circle: colours in 0 to 255 become hue, lightness and "
    "saturation, and afterwards colours again; images with one channel are not changed.",
}
"""The kinds that change the colours of an image by one number, with their meanings."""

_PIXELS = (
    " Images are (H, W, C) with one or three channels. It is computed in float32; of integer images the fraction is cut off, "
    "and uint8 is limited to 0 to 255 before."
)

OPERATORS = (
    *(
        Operator(
            kind,
            meaning + _PIXELS,
            inputs=("input", "factor"),
            family="image",
            rank_rule="same",
            keeps_shape=True,
            dtype_rule="same",
        )
        for kind, meaning in _COLOURS.items()
    ),
    Operator(
        "image_lighting",
        "output = input + A @ alpha for the three channels of each pixel, where A are the principal components of the colours "
        "of ImageNet, times their deviations: rows (55.46 * -0.5675, 4.794 * 0.7192, 1.148 * 0.4009), (55.46 * -0.5808, "
        "4.794 * -0.0045, 1.148 * -0.814), (55.46 * -0.5836, 4.794 * -0.6948, 1.148 * 0.4203); images with one channel are "
        "not changed." + _PIXELS,
        inputs=("input", "alpha?"),
        attributes=(Attribute("alpha", "floats", "Three numbers; None: the operand, (3,).", optional=True),),
        family="image",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "image_color_jitter",
        "Change brightness, contrast, saturation and hue in a random order, as image_brightness, image_contrast, "
        "image_saturation and image_hue, each by a random factor: from [1 - v, 1 + v), of the hue from [-v, v), uniformly, where "
        "v is the attribute of that name. One whose attribute is 0 or negative is left out.",
        attributes=tuple(
            Attribute(name, "float", f"The largest change of the {name}.")
            for name in ("brightness", "contrast", "saturation", "hue")
        ),
        family="image",
        random=True,
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
    ),
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
        "image_crop_within",
        "Cut a rectangle out of images with channels last. Its first column is floor(across * (W - width)) and its "
        "first row floor(down * (H - height)), where the products are float32. If height exceeds H, it becomes H and width becomes "
        "floor(width * H / height); afterwards, if width exceeds W, it becomes W.",
        inputs=("input", "across?", "down?"),
        attributes=(
            Attribute("x", "float", "A number for across; None: the operand, one number.", optional=True),
            Attribute("y", "float", "A number for down; None: the operand, one number.", optional=True),
            Attribute("width", "int", "The number of columns.", minimum=1),
            Attribute("height", "int", "The number of rows.", minimum=1),
        ),
        family="image",
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "image_resize",
        "Resize images with channels last. nearest: output row i is row floor(i*H/height), at most H - 1. bilinear: row i "
        "is sampled at row (i + 0.5)*H/height - 0.5, between its two neighbours; a row beyond the image is the one at its "
        "border. bicubic: likewise by the cubic convolution of four rows with a = -0.75. lanczos: likewise of eight rows, "
        "weighted by sinc(d)*sinc(d/4) at the distance d, divided by the sum of weights. area: if neither extent grows, the "
        "mean of the pixels that lie below an output pixel, each by the share of it that does; shares of at most 1/1000 of a "
        "pixel are left out. If one grows, output row i lies between rows s and s + 1 with the weight f of the latter, where "
        "s = floor(i*H/height) and f is the fraction of max(i + 1 - (s + 1)*height/H, 0). Columns likewise. Weights are single precision. "
        "uint8 is computed in fixed point except by area that shrinks: weights are rounded to multiples of "
        "1/2048, halves to even. bilinear: sums of columns lose their last 4 bits, products with the weights of rows their "
        "last 16, and their sum is divided by 4, halves up. If both extents are halved, it is area. bicubic and lanczos: "
        "the sums of both are divided by 2^22, halves up; but bicubic adds the rows for all of the first 8*floor(width*C/8) "
        "numbers of a row in single precision, from the first to the last, and rounds halves to even. area: the sums of columns, "
        "then those of rows, are added in single precision from the first pixel to the last, and rounded to even; "
        "where H/height and W/width are integers, sums of integers are multiplied by the reciprocal of the number of pixels "
        "instead, or, of 2 by 2 pixels with 1, 3 or 4 channels, rounded halves up.",
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
            Attribute(
                "interpolation",
                "str",
                "The interpolation.",
                choices=("nearest", "bilinear", "bicubic", "lanczos", "area"),
            ),
        ),
        family="image",
        rank_rule="same",
        dtype_rule="same",
    ),
)
