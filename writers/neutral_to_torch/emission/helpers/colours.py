"""Changes of the colours of images."""

from __future__ import annotations

import torch
from torch import Tensor


def to_pixels(colours: Tensor, image: Tensor) -> Tensor:
    """Convert colours to the dtype of an image; bytes are limited to their range.

    Args:
        colours: Colours of single precision.
        image: The image that has the dtype.

    Returns:
        The colours in that dtype, of integers without their fractions.
    """
    return (colours.clamp(0, 255) if image.dtype == torch.uint8 else colours).to(image.dtype)


def adjust_brightness(image: Tensor, factor: Tensor) -> Tensor:
    """Multiply the colours of an image.

    Args:
        image: The image (H, W, C).
        factor: One number.

    Returns:
        The image, in the same dtype.
    """
    return to_pixels(image.float() * factor, image)


def adjust_contrast(image: Tensor, factor: Tensor) -> Tensor:
    """Move the colours of an image away from its mean grey, or towards it.

    Args:
        image: The image (H, W, C).
        factor: One number.

    Returns:
        The image, in the same dtype.
    """
    x = image.float()
    grey = x if x.shape[-1] == 1 else x @ torch.tensor([0.299, 0.587, 0.114], device=x.device)
    return to_pixels(x * factor + (1 - factor) * grey.double().mean().float(), image)


def adjust_saturation(image: Tensor, factor: Tensor) -> Tensor:
    """Mix each pixel of an image with a grey, which is the share that blue has in it.

    Args:
        image: The image (H, W, C).
        factor: One number.

    Returns:
        The image, in the same dtype.
    """
    if image.shape[-1] == 1:
        return image
    x = image.float()
    return to_pixels(x[..., 2:] * 0.114 * (1 - factor) + x * factor, image)


def adjust_hue(image: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue of an image.

    Args:
        image: The image (H, W, C), with colours in 0 to 255.
        turn: One number, the share of a full circle.

    Returns:
        The image, in the same dtype.
    """
    if image.shape[-1] == 1:
        return image
    x = image.float() / 255
    red, green, blue = x.unbind(-1)
    most, least = x.amax(-1), x.amin(-1)
    spread, total = most - least, most + least
    lightness = total * 0.5
    grey = spread <= 2**-23
    saturation = spread / torch.where(lightness < 0.5, total, 2 - most - least)
    saturation = saturation.masked_fill(grey, 0)
    degrees = torch.full_like(spread, 60) / spread  # 60 / spread would round twice
    hue = torch.where(most == green, (blue - red) * degrees + 120, (red - green) * degrees + 240)
    hue = torch.where(most == red, (green - blue) * degrees, hue)
    hue = torch.where(hue < 0, hue + 360, hue).masked_fill(grey, 0)

    upper = lightness * (1 + saturation)
    upper = torch.where(lightness <= 0.5, upper, lightness + saturation - lightness * saturation)
    lower = 2 * lightness - upper
    place = torch.fmod((hue + turn.reshape(()) * 360) * torch.tensor(1 / 60, device=x.device), 6)
    place = torch.where(place < 0, place + 6, place)
    place = torch.where(place >= 6, place - 6, place)
    sector = place.floor()
    falling = lower + (upper - lower) * (1 - (place - sector))
    rising = lower + (upper - lower) * (place - sector)
    levels = torch.stack([upper, lower, falling, rising], -1)
    sectors = [[0, 3, 1], [2, 0, 1], [1, 0, 3], [1, 2, 0], [3, 1, 0], [0, 1, 2]]
    order = torch.tensor(sectors, device=x.device)[sector.long().clamp(0, 5)]
    turned = torch.where(
        (saturation == 0)[..., None], lightness[..., None], levels.gather(-1, order)
    )
    return to_pixels(turned * 255, image)


def adjust_lighting(image: Tensor, alpha: Tensor) -> Tensor:
    """Add the principal components of the colours of ImageNet to an image.

    Args:
        image: The image (H, W, C).
        alpha: The share of each component (3,).

    Returns:
        The image, in the same dtype.
    """
    if image.shape[-1] == 1:
        return image
    red = [55.46 * -0.5675, 4.794 * 0.7192, 1.148 * 0.4009]
    green = [55.46 * -0.5808, 4.794 * -0.0045, 1.148 * -0.8140]
    blue = [55.46 * -0.5836, 4.794 * -0.6948, 1.148 * 0.4203]
    components = torch.tensor([red, green, blue], device=image.device)
    return to_pixels(image.float() + (components * alpha).sum(-1), image)


def color_jitter(
    image: Tensor, brightness: float, contrast: float, saturation: float, hue: float
) -> Tensor:
    """Change brightness, contrast, saturation and hue of an image at random, in random order.

    Args:
        image: The image (H, W, C).
        brightness: The largest change of the brightness; none if it is 0.
        contrast: The largest change of the contrast.
        saturation: The largest change of the saturation.
        hue: The largest change of the hue, as a share of a full circle.

    Returns:
        The image, in the same dtype.
    """
    widths = torch.tensor([brightness, contrast, saturation, hue], device=image.device).clamp(min=0)
    centers = torch.tensor([1.0, 1.0, 1.0, 0.0], device=image.device)
    factors = centers + widths * (2 * torch.rand(4, device=image.device) - 1)
    # A traced graph cannot branch on the drawn order: each step computes all changes and keeps one.
    for index in torch.randperm(4, device=image.device):
        changed = torch.stack(
            [
                adjust_brightness(image, factors[0]),
                adjust_contrast(image, factors[1]),
                adjust_saturation(image, factors[2]),
                adjust_hue(image, factors[3]),
            ]
        )
        image = torch.where(widths[index] > 0, changed[index], image)
    return image
