"""Changes of the colours of images."""

from __future__ import annotations

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import arithmetic
from neutral_to_onnx.registry import NeedsShape, refuse, rule

refuse("no standard operator makes changes in a random order", "image_color_jitter")


@rule("image_brightness")
def brightness(node: NodeContext, image: OnnxValue, factor: OnnxValue) -> OnnxValue:
    return _pixels(node, node.op("Mul", node.cast(image, "float32"), node.cast(factor, "float32")), image)


@rule("image_contrast")
def contrast(node: NodeContext, image: OnnxValue, factor: OnnxValue) -> OnnxValue:
    x, factor = node.cast(image, "float32"), node.cast(factor, "float32")
    weights = np.array([[0.299], [0.587], [0.114]], np.float32)
    grey = x if _channels(node, image) == 1 else node.op("MatMul", x, node.constant(weights, "float32"))
    mean = node.cast(node.reduce("ReduceMean", node.cast(grey, "float64"), None, False), "float32")
    rest = node.op("Mul", node.op("Sub", node.like(1, factor), factor), mean)
    return _pixels(node, node.op("Add", node.op("Mul", x, factor), rest), image)


@rule("image_saturation")
def saturation(node: NodeContext, image: OnnxValue, factor: OnnxValue) -> OnnxValue:
    if _channels(node, image) == 1:
        return node.op("Identity", image)
    x, factor = node.cast(image, "float32"), node.cast(factor, "float32")
    blue = node.op("Gather", x, node.ints([2]), axis=-1)
    grey = node.op("Mul", arithmetic(node, "Mul", blue, 0.114), node.op("Sub", node.like(1, factor), factor))
    return _pixels(node, node.op("Add", grey, node.op("Mul", x, factor)), image)


@rule("image_lighting")
def lighting(node: NodeContext, image: OnnxValue, alpha: OnnxValue | None = None) -> OnnxValue:
    if _channels(node, image) == 1:
        return node.op("Identity", image)
    components = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    weighted = node.constant((components * [55.46, 4.794, 1.148]).astype(np.float32), "float32")
    shares = node.constant(np.array(node["alpha"], np.float32), "float32") if alpha is None else alpha
    change = node.reduce("ReduceSum", node.op("Mul", weighted, node.cast(shares, "float32")), (1,), False)
    return _pixels(node, node.op("Add", node.cast(image, "float32"), change), image)


@rule("image_hue")
def hue(node: NodeContext, image: OnnxValue, factor: OnnxValue) -> OnnxValue:
    if _channels(node, image) == 1:
        return node.op("Identity", image)
    x = arithmetic(node, "Div", node.cast(image, "float32"), 255)
    degrees, lightness, saturation = _hue_lightness_saturation(node, x)
    turn = arithmetic(node, "Mul", node.reshape(node.cast(factor, "float32"), []), 360)
    colours = _colours(node, node.op("Add", degrees, turn), lightness, saturation)
    return _pixels(node, arithmetic(node, "Mul", colours, 255), image)


def _channels(node: NodeContext, image: OnnxValue) -> int:
    channels = node.extent(image, -1)
    if not isinstance(channels, int):
        raise NeedsShape("images with one channel are changed in another way than those with three")
    return channels


def _pixels(node: NodeContext, colours: OnnxValue, image: OnnxValue) -> OnnxValue:
    """Return float32 colours in the dtype of the image; bytes are limited to their range."""
    if image.dtype == "uint8":
        colours = node.op("Clip", colours, node.like(0, colours), node.like(255, colours))
    return node.cast(colours, image.dtype)


def _hue_lightness_saturation(node: NodeContext, x: OnnxValue) -> tuple[OnnxValue, OnnxValue, OnnxValue]:
    """Return the hue in degrees, the lightness and the saturation (H, W, 1) of colours in 0 to 1."""
    red, green, blue = (node.op("Gather", x, node.ints([channel]), axis=-1) for channel in range(3))
    most, least = node.reduce("ReduceMax", x, (-1,), True), node.reduce("ReduceMin", x, (-1,), True)
    spread, total = node.op("Sub", most, least), node.op("Add", most, least)
    lightness = arithmetic(node, "Mul", total, 0.5)
    grey = node.op("Not", arithmetic(node, "Greater", spread, 2**-23))
    zero = node.like(0, x)
    rest = node.op("Sub", node.op("Sub", node.like(2, x), most), least)
    extent = node.op("Where", arithmetic(node, "Less", lightness, 0.5), total, rest)
    saturation = node.op("Where", grey, zero, node.op("Div", spread, extent))
    scale = node.op("Div", node.like(60, x), spread)
    sides = [
        arithmetic(node, "Add", node.op("Mul", node.op("Sub", high, low), scale), offset)
        for high, low, offset in ((green, blue, 0), (blue, red, 120), (red, green, 240))
    ]
    other = node.op("Where", node.op("Equal", most, green), sides[1], sides[2])
    degrees = node.op("Where", node.op("Equal", most, red), sides[0], other)
    degrees = node.op("Where", arithmetic(node, "Less", degrees, 0), arithmetic(node, "Add", degrees, 360), degrees)
    return node.op("Where", grey, zero, degrees), lightness, saturation


def _colours(node: NodeContext, degrees: OnnxValue, lightness: OnnxValue, saturation: OnnxValue) -> OnnxValue:
    """Return the colours (H, W, 3) in 0 to 1 of a hue in degrees, a lightness and a saturation."""
    dark = node.op("Mul", lightness, arithmetic(node, "Add", saturation, 1))
    light = node.op("Sub", node.op("Add", lightness, saturation), node.op("Mul", lightness, saturation))
    bright = arithmetic(node, "Greater", lightness, 0.5)
    upper = node.op("Where", bright, light, dark)
    lower = node.op("Sub", arithmetic(node, "Mul", lightness, 2), upper)
    place = node.op("Mod", arithmetic(node, "Mul", degrees, 1 / 60), node.like(6, degrees), fmod=1)
    place = node.op("Where", arithmetic(node, "Less", place, 0), arithmetic(node, "Add", place, 6), place)
    beyond = node.op("Not", arithmetic(node, "Less", place, 6))
    place = node.op("Where", beyond, arithmetic(node, "Sub", place, 6), place)
    sector = node.op("Floor", place)
    share = node.op("Sub", place, sector)
    width = node.op("Sub", upper, lower)
    falling = node.op("Add", lower, node.op("Mul", width, node.op("Sub", node.like(1, share), share)))
    rising = node.op("Add", lower, node.op("Mul", width, share))
    levels = node.op("Concat", upper, lower, falling, rising, axis=-1)
    table = np.array([[0, 3, 1], [2, 0, 1], [1, 0, 3], [1, 2, 0], [3, 1, 0], [0, 1, 2]], np.int64)
    number = node.op("Squeeze", node.cast(sector, "int64"), node.ints([-1]))
    turned = node.op(
        "GatherElements", levels, node.op("Gather", node.constant(table, "int64"), number, axis=0), axis=-1
    )
    return node.op("Where", node.op("Equal", saturation, node.like(0, saturation)), lightness, turned)
