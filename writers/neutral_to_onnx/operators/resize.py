"""Resizing of images (N, C, H, W)."""

from __future__ import annotations

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import Unsupported, rule

_NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


@rule("upsample_nearest")
def upsample_nearest(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node["scale"] == 1:
        return x
    scales = node.constant([1, 1, node["scale"], node["scale"]], "float32")
    return node.op("Resize", x, None, scales, **_NEAREST)


@rule("upsample_nearest_like")
def upsample_nearest_like(node: NodeContext, x: OnnxValue, like: OnnxValue) -> OnnxValue:
    sizes = [node.extent(x, 0), node.extent(x, 1), node.extent(like, 2), node.extent(like, 3)]
    return node.op("Resize", x, None, None, node.vector(sizes), **_NEAREST)


@rule("resize_bilinear", single=True)
def resize_bilinear(node: NodeContext, x: OnnxValue, like: OnnxValue | None = None) -> OnnxValue:
    mode = "align_corners" if node["align_corners"] else "pytorch_half_pixel"  # half_pixel, and row 0 for a single row
    options = {"mode": "linear", "coordinate_transformation_mode": mode}
    start = [node.extent(x, 0), node.extent(x, 1)]
    if node["extent"] == "size":
        sizes = node.vector([*start, *node["size"]])
    elif node["extent"] == "like":
        if like is None:
            raise Unsupported("it has no operand like")
        sizes = node.vector([*start, node.extent(like, 2), node.extent(like, 3)])
    else:
        spatial = [node.extent(x, 2), node.extent(x, 3)]
        known = [extent for extent in spatial if isinstance(extent, int)]
        if len(known) == 2:
            scales = node["scale"] or (1, 1)
            sizes = node.vector([*start, *(_extent(n, node["extent"], s) for n, s in zip(known, scales))])
        else:
            sizes = node.vector([*start, _extents(node, node.vector(spatial))])
    return node.op("Resize", x, None, None, sizes, **options)


def _extent(n: int, rule_name: str, scale: float) -> int:
    """Return the output's height or width by a rule for the input's."""
    if rule_name == "scale":
        return int(np.float32(n) * np.float32(scale))
    if rule_name == "odd_scale":
        return int(np.float32(n - n % 2) * np.float32(scale)) + n % 2
    parity, direction = rule_name.split("_")
    return n if n % 2 == (parity == "odd") else n + (-1 if direction == "down" else 1)


def _extents(node: NodeContext, n: OnnxValue) -> OnnxValue:
    """Return height and width by the rule, of sizes that are known when the network runs."""
    parity, direction = node["extent"].split("_") if node["extent"] != "scale" else ("", "")
    odd = node.op("Mod", n, node.ints(2))
    if node["extent"] in ("scale", "odd_scale"):
        even = n if not parity else node.op("Sub", n, odd)
        scaled = node.op("Mul", node.cast(even, "float32"), node.constant(node["scale"], "float32"))
        whole = node.cast(scaled, "int64")
        return whole if not parity else node.op("Add", whole, odd)
    wrong = odd if parity == "even" else node.op("Sub", node.ints(1), odd)
    return node.op("Sub" if direction == "down" else "Add", n, wrong)
