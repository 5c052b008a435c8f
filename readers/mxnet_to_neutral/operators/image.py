"""Preparation of images as gluon's transforms export it: src/operator/image/."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("_image_to_tensor")
def to_tensor(op: Op) -> Operand:
    return op.node("image_to_tensor", op.input(0))


@rule("_image_normalize")
def normalize(op: Op) -> Operand:
    mean, std = op.attributes.floats("mean", (0.0,)), op.attributes.floats("std", (1.0,))
    return op.node("image_normalize", op.input(0), mean=mean, std=std)


@rule("_image_crop")
def crop(op: Op) -> Operand:
    x, y, width, height = (op.attributes.int(name, minimum=0) for name in ("x", "y", "width", "height"))
    return op.node("image_crop", op.input(0), x=x, y=y, width=width, height=height)


@rule("_image_flip_left_right", "_image_flip_top_bottom")
def flip(op: Op) -> Operand:
    """Of one image (H, W, C), which is all that MXNet takes; it leaves the middle of an odd extent unwritten."""
    return op.node("flip", op.input(0), axes=(1 if op.operator == "_image_flip_left_right" else 0,))


@rule("_image_resize")
def resize(op: Op) -> Operand:
    op.attributes.ignore("size", "keep_ratio", "interp")
    op.refuse("MXNet leaves it to OpenCV, whose rounding for integer images no other library repeats")
