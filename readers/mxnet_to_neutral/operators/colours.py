"""Rules for random flips and changes of colours, which MXNet computes in inference too: src/operator/image/.

MXNet draws from its generator; the distribution of the results is the same, and each result for the same draw.
"""

from __future__ import annotations

import math
from typing import Any

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.image import flip
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("_image_random_flip_left_right", "_image_random_flip_top_bottom")
def random_flip(context: NodeContext) -> Operand:
    """Convert ``_image_random_flip_*``: an image (H, W, C), flipped or not, in inference too.

    MXNet 1 flips with probability 1/2. MXNet 2 compares ``p`` with a normally distributed number, so that p = 0.5 flips
    with probability 0.69.
    """
    p = context.attributes.float("p", 0.5)
    probability = 0.5 if context.version < (2, 0, 0) else (1 + math.erf(p / math.sqrt(2))) / 2
    flipped = flip(context)
    kept = context.node("less", _uniform(context, 0.0, 1.0), 1 - probability, dtype="bool")
    return context.node("where", kept, context.input(0), flipped, rows=False)


_CHANGES = {
    "_image_random_brightness": "image_brightness",
    "_image_random_contrast": "image_contrast",
    "_image_random_saturation": "image_saturation",
    "_image_random_hue": "image_hue",
}


@rule(*_CHANGES)
def random_change(context: NodeContext) -> Operand:
    """Convert ``_image_random_brightness``, ``_contrast``, ``_saturation`` and ``_hue``, by one random factor.

    Raises:
        Refusal: A factor is negative or not finite, or the image is one of bytes with a sign.
    """
    low, high = (context.attributes.float(name) for name in ("min_factor", "max_factor"))
    if not (0 <= low < math.inf and 0 <= high < math.inf):
        context.refuse(f"the factors reach from {low:g} to {high:g}")
    return context.node(_CHANGES[context.operator], _image(context), _uniform(context, low, high))


@rule("_image_random_color_jitter")
def random_color_jitter(context: NodeContext) -> Operand:
    """Convert ``_image_random_color_jitter``: up to four changes in random order.

    Raises:
        Refusal: A width is not finite, or the image is one of bytes with a sign.
    """
    widths: dict[str, Any] = {
        name: context.attributes.float(name) for name in ("brightness", "contrast", "saturation", "hue")
    }
    if not all(map(math.isfinite, widths.values())):
        context.refuse("a change is not finite")
    return context.node("image_color_jitter", _image(context), **widths)


@rule("_image_adjust_lighting")
def adjust_lighting(context: NodeContext) -> Operand:
    """Convert ``_image_adjust_lighting``: multiples of the principal components of colours are added.

    Raises:
        Refusal: There are fewer than three finite numbers, or the image is one of bytes with a sign.
    """
    alpha = context.attributes.floats("alpha")
    if len(alpha) < 3 or not all(map(math.isfinite, alpha)):
        context.refuse(f"alpha={alpha} is not three numbers")
    return context.node("image_lighting", _image(context), alpha=alpha[:3])


@rule("_image_random_lighting")
def random_lighting(context: NodeContext) -> Operand:
    """Convert ``_image_random_lighting``: normally distributed multiples of the principal components are added.

    Raises:
        Refusal: The deviation is negative or not finite, or the image is one of bytes with a sign.
    """
    deviation = context.attributes.float("alpha_std", 0.05)
    if not 0 <= deviation < math.inf:
        context.refuse(f"alpha_std={deviation:g} is not a deviation")
    alpha = context.node("random_normal", 0.0, deviation, None, shape=(3,), place="whole", dtype="float32")
    return context.node("image_lighting", _image(context), alpha, alpha=None)


def _image(context: NodeContext) -> Operand:
    """Return the image, an array (H, W, C).

    Raises:
        Refusal: Its dtype is int8.
    """
    if context.dtype(0) == "int8":
        context.refuse("colours beyond 127 have no place in images of int8")
    return context.input(0)


def _uniform(context: NodeContext, low: float, high: float) -> Operand:
    """Draw one number for all elements of an image."""
    return context.node("random_uniform", low, high, None, shape=(1, 1, 1), place="whole", dtype="float32")
