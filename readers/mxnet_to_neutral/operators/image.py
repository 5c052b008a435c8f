"""Rules for image preprocessing, as Gluon's transforms export it: src/operator/image/."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("_image_to_tensor")
def to_tensor(context: NodeContext) -> Operand:
    """Convert ``_image_to_tensor``: (H, W, C) in 0 to 255 becomes (C, H, W) in 0 to 1."""
    return context.node("image_to_tensor", context.input(0))


@rule("_image_normalize")
def normalize(context: NodeContext) -> Operand:
    """Convert ``_image_normalize``: subtract the mean and divide by the standard deviation, per channel."""
    mean, std = context.attributes.floats("mean", (0.0,)), context.attributes.floats("std", (1.0,))
    # MXNet writes the defaults out as four numbers, for up to four channels.
    mean = (0.0,) if mean == (0.0,) * 4 else mean
    std = (1.0,) if std == (1.0,) * 4 else std
    return context.node("image_normalize", context.input(0), mean=mean, std=std)


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
    return context.node("flip", context.input(0), axes=(1 if context.operator == "_image_flip_left_right" else 0,))


@rule("_image_resize")
def resize(context: NodeContext) -> Operand:
    """Refuse ``_image_resize``.

    Raises:
        Refusal: Always: OpenCV's rounding for integer images is not reproduced elsewhere.
    """
    context.attributes.ignore("size", "keep_ratio", "interp")
    context.refuse("MXNet leaves it to OpenCV, whose rounding for integer images no other library repeats")
