"""Preparation of images as gluon's transforms export it: src/operator/image/."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("_image_to_tensor")
def to_tensor(context: NodeContext) -> Operand:
    return context.node("image_to_tensor", context.input(0))


@rule("_image_normalize")
def normalize(context: NodeContext) -> Operand:
    mean, std = context.attributes.floats("mean", (0.0,)), context.attributes.floats("std", (1.0,))
    return context.node("image_normalize", context.input(0), mean=mean, std=std)


@rule("_image_crop")
def crop(context: NodeContext) -> Operand:
    x, y, width, height = (context.attributes.int(name, minimum=0) for name in ("x", "y", "width", "height"))
    return context.node("image_crop", context.input(0), x=x, y=y, width=width, height=height)


@rule("_image_flip_left_right", "_image_flip_top_bottom")
def flip(context: NodeContext) -> Operand:
    """Of one image (H, W, C), which is all that MXNet takes; it leaves the middle of an odd extent unwritten."""
    return context.node("flip", context.input(0), axes=(1 if context.operator == "_image_flip_left_right" else 0,))


@rule("_image_resize")
def resize(context: NodeContext) -> Operand:
    context.attributes.ignore("size", "keep_ratio", "interp")
    context.refuse("MXNet leaves it to OpenCV, whose rounding for integer images no other library repeats")
