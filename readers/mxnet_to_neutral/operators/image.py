"""Rules for image preprocessing, as Gluon's transforms export it: src/operator/image/."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand
from neutral.operators.dtypes import INTEGERS


@rule("_image_to_tensor")
def to_tensor(context: NodeContext) -> Operand:
    """Convert ``_image_to_tensor``: (H, W, C) in 0 to 255 becomes (C, H, W) in 0 to 1."""
    return context.node("image_to_tensor", context.input(0))


@rule("_image_normalize")
def normalize(context: NodeContext) -> Operand:
    """Convert ``_image_normalize``: subtract the mean and divide by the standard deviation, per channel.

    MXNet computes integers in float32, and drops the fractions of the results.
    """
    mean, std = context.attributes.floats("mean", (0.0,)), context.attributes.floats("std", (1.0,))
    # MXNet writes the defaults out as four numbers, for up to four channels.
    mean = (0.0,) if mean == (0.0,) * 4 else mean
    std = (1.0,) if std == (1.0,) * 4 else std
    value, dtype = context.input(0), context.dtype(0)
    if dtype not in INTEGERS:
        return context.node("image_normalize", value, mean=mean, std=std)
    value = context.node("image_normalize", context.node("cast", value, dtype="float32"), mean=mean, std=std)
    return context.node("cast", value, dtype=dtype)


@rule("_image_crop")
def crop(context: NodeContext) -> Operand:
    """Convert ``_image_crop``: a rectangle of an image."""
    x, y, width, height = (context.attributes.int(name) for name in ("x", "y", "width", "height"))
    return context.node("image_crop", context.input(0), x=x, y=y, width=width, height=height)


@rule("_image_flip_left_right", "_image_flip_top_bottom")
def flip(context: NodeContext) -> Operand:
    """Convert ``_image_flip_left_right`` and ``_image_flip_top_bottom`` of one image (H, W, C).

    MXNet accepts no batches, and leaves the middle of an odd extent unwritten.
    """
    return context.node("flip", context.input(0), axes=(1 if context.operator.endswith("left_right") else 0,))


_INTERPOLATIONS = {0: "nearest", 1: "bilinear", 2: "bicubic", 3: "area", 4: "lanczos"}
"""The interpolations of OpenCV by their numbers."""


@rule("_image_resize")
def resize(context: NodeContext) -> Operand:
    """Convert ``_image_resize``: images with channels last, resized as OpenCV does.

    Raises:
        Refusal: The interpolation is another one, or MXNet resizes no images of the dtype.
    """
    size = context.attributes.ints("size", ())
    keep_ratio = context.attributes.bool("keep_ratio", False)
    if len(size) not in (1, 2) or min(size) < 1:
        context.refuse(f"size={size} is not one or two numbers of pixels")
    side = size[0] if len(size) == 1 and keep_ratio else None
    return _resized(context, context.input(0), (size[-1], size[0]) if side is None else None, side)


@rule("_image_random_crop")
def random_crop(context: NodeContext) -> Operand:
    """Convert ``_image_random_crop`` of MXNet 2: a rectangle at a random place, or at that of a range of one number.

    It is resized where the image is smaller; where it is the whole of such an image, MXNet reads beyond it instead.

    Raises:
        Refusal: A range is not one within 0 and 1, or :func:`resize` refuses the interpolation.
    """
    width, height = (context.attributes.int(name, minimum=1) for name in ("width", "height"))
    (x, across), (y, down) = (_place(context, name) for name in ("xrange", "yrange"))
    cropped = context.node("image_crop_within", context.input(0), across, down, x=x, y=y, width=width, height=height)
    shape = context.shape(0)
    rows, columns = shape[-3:-1] if shape is not None and len(shape) in (3, 4) else (None, None)
    if rows is not None and columns is not None and rows >= height and columns >= width:
        context.attributes.ignore("interp")
        return cropped
    return _resized(context, cropped, (height, width), None)


def _place(context: NodeContext, name: str) -> tuple[float | None, Operand]:
    """Return the place of a rectangle along an axis, from 0 to 1: a number, or else a draw from a range."""
    ends = context.attributes.floats(name, (0.0, 1.0))
    if len(ends) != 2 or not 0 <= ends[0] <= ends[1] <= 1:
        context.refuse(f"{name}={ends} is not a range within 0 and 1")
    if ends[0] == ends[1]:
        return ends[0], None
    return None, context.node("random_uniform", *ends, None, shape=(1,), place="whole", dtype="float32")


def _resized(context: NodeContext, image: Operand, size: tuple[int, int] | None, side: int | None) -> Operand:
    """Resize an image of the dtype of the first input by the interpolation ``interp``."""
    number = context.attributes.int("interp", 1)
    interpolation = _INTERPOLATIONS.get(number)
    if interpolation is None:
        context.refuse(f"interp={number} is not one of OpenCV's interpolations 0 to 4")
    dtype = context.dtype(0)
    if dtype not in (None, "float32", "float64", "uint8") and not (dtype == "int32" and interpolation == "nearest"):
        context.refuse(f"MXNet does not resize images of {dtype} with interp={number}")
    return context.node("image_resize", image, size=size, side=side, interpolation=interpolation)
