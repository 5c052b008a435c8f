"""Resizing, and preparation of images."""

from __future__ import annotations

from typing import Callable

from neutral_to_torch.emission.expression.symbols import F, Symbol, either, helper, nn, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule


@rule("upsample_nearest")
def upsample_nearest(node: NodeView, x: Symbol) -> Symbol:
    scale = node["scale"]
    return either(
        node.module(nn.Upsample(scale_factor=scale, mode="nearest"))(x),
        F.interpolate(x, scale_factor=float(scale), mode="nearest"),
    )


@rule("upsample_nearest_like")
def upsample_nearest_like(node: NodeView, x: Symbol, like: Symbol) -> Symbol:
    return F.interpolate(x, size=like.shape[2:], mode="nearest")


_NEAREST: dict[str, Callable[[Symbol], Symbol]] = {
    "even_down": lambda n: n // 2 * 2,
    "even_up": lambda n: (n + 1) // 2 * 2,
    "odd_down": lambda n: (n - 1) // 2 * 2 + 1,
    "odd_up": lambda n: n // 2 * 2 + 1,
}


@rule("resize_bilinear")
def resize_bilinear(node: NodeView, x: Symbol, like: Symbol | None = None) -> Symbol:
    aligned, extent = node["align_corners"], node["extent"]
    size: object
    if extent == "size":
        size = node["size"]
    elif extent == "like":
        assert like is not None
        size = like.shape[2:]
    else:
        size = tuple(_extent(node, x.shape[2 + axis], axis) for axis in range(2))
    certain = extent == "size" and min(node["size"]) > 1
    if aligned or certain:
        return F.interpolate(x, size=size, mode="bilinear", align_corners=aligned)
    return helper.resize_bilinear(x, size)


def _extent(node: NodeView, extent: Symbol, axis: int) -> Symbol:
    if node["extent"] in _NEAREST:
        return _NEAREST[node["extent"]](extent)
    scale = node["scale"][axis]
    if node["extent"] == "odd_scale":
        return helper.odd_scaled(extent, scale)
    if float(scale).is_integer():
        return extent * int(scale)
    return helper.scaled(extent, scale)


@rule("image_to_tensor")
def image_to_tensor(node: NodeView, image: Symbol) -> Symbol:
    return image.movedim(-1, -3).float() / 255


@rule("image_normalize")
def image_normalize(node: NodeView, x: Symbol) -> Symbol:
    return helper.normalize(x, node["mean"], node["std"])


@rule("image_crop")
def image_crop(node: NodeView, image: Symbol) -> Symbol:
    x, y, width, height = (node[name] for name in ("x", "y", "width", "height"))
    return image[..., y : y + height, x : x + width, :]


@rule("image_crop_within")
def image_crop_within(
    node: NodeView, image: Symbol, across: Symbol | None = None, down: Symbol | None = None
) -> Symbol:
    x = torch.tensor(float(node["x"])) if across is None else across
    y = torch.tensor(float(node["y"])) if down is None else down
    return helper.crop_within(image, x, y, node["width"], node["height"])


_RESIZERS: dict[str, Symbol] = {
    "nearest": helper.resize_nearest,
    "bilinear": helper.resize_image,
    "bicubic": helper.resize_bicubic,
    "lanczos": helper.resize_lanczos,
    "area": helper.resize_area,
}


@rule("image_resize")
def image_resize(node: NodeView, image: Symbol) -> Symbol:
    size = node["size"] if node["side"] is None else helper.extents_of_side(image, node["side"])
    return _RESIZERS[node["interpolation"]](image, size)
