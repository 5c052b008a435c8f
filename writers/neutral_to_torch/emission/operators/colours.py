"""Changes of the colours of images."""

from __future__ import annotations

from neutral.dtypes import DTYPE_CODE
from neutral.tensor import lazy_tensor
from neutral_to_torch.emission.expression.symbols import Symbol, helper, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule


@rule("image_brightness")
def brightness(node: NodeView, image: Symbol, factor: Symbol) -> Symbol:
    return helper.adjust_brightness(image, _number(node, factor))


@rule("image_contrast")
def contrast(node: NodeView, image: Symbol, factor: Symbol) -> Symbol:
    return helper.adjust_contrast(image, _number(node, factor))


@rule("image_saturation")
def saturation(node: NodeView, image: Symbol, factor: Symbol) -> Symbol:
    return helper.adjust_saturation(image, _number(node, factor))


@rule("image_hue")
def hue(node: NodeView, image: Symbol, factor: Symbol) -> Symbol:
    return helper.adjust_hue(image, _number(node, factor))


@rule("image_lighting")
def lighting(node: NodeView, image: Symbol, alpha: Symbol | None = None) -> Symbol:
    return helper.adjust_lighting(image, _constant(node, node["alpha"]) if alpha is None else alpha)


@rule("image_color_jitter")
def color_jitter(node: NodeView, image: Symbol) -> Symbol:
    return helper.color_jitter(image, *(node[name] for name in ("brightness", "contrast", "saturation", "hue")))


def _number(node: NodeView, factor: Symbol) -> Symbol:
    """Return a factor as a tensor."""
    number = node.number(1)
    return factor if number is None else _constant(node, (float(number),))


def _constant(node: NodeView, numbers: tuple[float, ...]) -> Symbol:
    import numpy as np

    tensor = lazy_tensor(DTYPE_CODE["float32"], (len(numbers),), lambda: np.array(numbers, np.float32))
    return node.constant(torch.tensor(list(map(float, numbers))), tensor)
