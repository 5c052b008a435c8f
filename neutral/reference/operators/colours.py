"""Changes of the colours of images."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from neutral.reference.registry import Array, reference

Generator = Any


@reference("image_brightness")
def image_brightness(input: Array, factor: Array) -> Array:
    return _pixels(input.astype(np.float32) * np.float32(factor), input.dtype)


@reference("image_contrast")
def image_contrast(input: Array, factor: Array) -> Array:
    image, factor = input.astype(np.float32), np.float32(factor)
    grey = image if image.shape[-1] == 1 else image @ np.array([0.299, 0.587, 0.114], np.float32)
    mean = np.float32(grey.mean(dtype=np.float64))
    return _pixels(image * factor + (1 - factor) * mean, input.dtype)


@reference("image_saturation")
def image_saturation(input: Array, factor: Array) -> Array:
    if input.shape[-1] == 1:
        return input
    image, factor = input.astype(np.float32), np.float32(factor)
    grey = image[..., 2:] * np.float32(0.114) * (1 - factor)
    return _pixels(grey + image * factor, input.dtype)


@reference("image_hue")
def image_hue(input: Array, factor: Array) -> Array:
    if input.shape[-1] == 1:
        return input
    hue, lightness, saturation = _hue_lightness_saturation(input.astype(np.float32) / np.float32(255))
    turned = hue + (np.float32(factor) * np.float32(360)).reshape(())
    return _pixels(_colours(turned, lightness, saturation) * np.float32(255), input.dtype)


@reference("image_lighting")
def image_lighting(input: Array, operand: Array | None = None, *, alpha: Sequence[float] | None) -> Array:
    if input.shape[-1] == 1:
        return input
    components = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    weighted = (components * [55.46, 4.794, 1.148]).astype(np.float32)
    shares = np.asarray(operand if alpha is None else alpha, np.float32)
    return _pixels(input.astype(np.float32) + (weighted * shares).sum(1), input.dtype)


@reference("image_color_jitter", context="random")
def image_color_jitter(
    input: Array, random: Generator, brightness: float, contrast: float, saturation: float, hue: float
) -> Array:
    changes: list[tuple[Callable[[Array, Array], Array], float, float]] = [
        (image_brightness, 1.0, brightness),
        (image_contrast, 1.0, contrast),
        (image_saturation, 1.0, saturation),
        (image_hue, 0.0, hue),
    ]
    for index in random.permutation(4):
        change, center, width = changes[index]
        if width > 0:
            input = change(input, np.float32(random.uniform(center - width, center + width)))
    return input


def _pixels(image: Array, dtype: Any) -> Array:
    """Return float32 colours in the dtype of an image; bytes are limited to their range."""
    if dtype == np.uint8:
        image = np.clip(image, 0, 255)
    return (np.trunc(image) if np.dtype(dtype).kind in "iu" else image).astype(dtype)


def _hue_lightness_saturation(image: Array) -> tuple[Array, Array, Array]:
    """Return the hue in degrees, the lightness and the saturation of colours (..., 3) in 0 to 1."""
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    most, least = image.max(-1), image.min(-1)
    spread, total = most - least, most + least
    lightness = total * np.float32(0.5)
    grey = spread <= np.finfo(np.float32).eps
    with np.errstate(all="ignore"):
        saturation = spread / np.where(lightness < 0.5, total, 2 - most - least)
        degrees = np.float32(60) / spread
        sides = [(green - blue) * degrees, (blue - red) * degrees + 120, (red - green) * degrees + 240]
    hue = np.where(most == red, sides[0], np.where(most == green, sides[1], sides[2]))
    hue = np.where(hue < 0, hue + 360, hue)
    return np.where(grey, 0, hue), lightness, np.where(grey, 0, saturation)


def _colours(hue: Array, lightness: Array, saturation: Array) -> Array:
    """Return the colours (..., 3) in 0 to 1 of a hue in degrees, a lightness and a saturation."""
    upper = np.where(lightness <= 0.5, lightness * (1 + saturation), lightness + saturation - lightness * saturation)
    lower = 2 * lightness - upper
    place = np.fmod(hue * np.float32(1 / 60), np.float32(6))
    place = np.where(place < 0, place + 6, place)
    place = np.where(place >= 6, place - 6, place)
    sector = np.floor(place)
    share = place - sector
    falling, rising = lower + (upper - lower) * (1 - share), lower + (upper - lower) * share
    levels = np.stack([upper, lower, falling, rising], -1)
    order = np.array([[0, 3, 1], [2, 0, 1], [1, 0, 3], [1, 2, 0], [3, 1, 0], [0, 1, 2]])
    turned = np.take_along_axis(levels, order[sector.astype(int)], -1)
    return np.where(saturation[..., None] == 0, lightness[..., None], turned)
