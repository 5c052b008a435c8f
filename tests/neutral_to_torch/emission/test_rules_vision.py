"""The rules of pooling, resizing and detection: what they write, and that it exports with sizes left free."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from checks import run, source_of, torch
from detection_samples import ALIGN, MATCH, NMS, PRIOR, REGIONS, SSD, boxes, detections
from free_sizes import free_size
from graphs import GraphBuilder
from neutral.graph import Value
from neutral_to_torch.emission.build import build
from neutral_to_torch.emission.helpers.suppression import suppress

IMAGE = (None, 3, None, None)
FIRST = {"layout": "channels_first"}


def data(*shape: int, seed: int = 1) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def window(kernel: int, stride: int, padding: int, rounding: str = "down", **more: Any) -> dict[str, Any]:
    sizes = {"kernel_size": (kernel,) * 2, "stride": (stride,) * 2, "padding": (padding,) * 2}
    return {**sizes, "rounding": rounding, **FIRST, **more}


@pytest.mark.parametrize(
    ("kind", "attributes", "text"),
    [
        ("max_pool", window(3, 2, 1), "nn.MaxPool2d(3, stride=2, padding=1)"),
        ("max_pool", window(3, 2, 0, "up"), "nn.MaxPool2d(3, stride=2, ceil_mode=True)"),
        ("max_pool", window(3, 2, 1, "up"), "nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)"),
        ("max_pool", window(2, 2, 1, "up"), 'max_pool(x0, (2, 2), (2, 2), (1, 1), "up")'),
        ("max_pool", window(3, 2, 2), 'max_pool(x0, (3, 3), (2, 2), (2, 2), "down")'),
        ("average_pool", window(2, 2, 0, divisor="padded_input"), "nn.AvgPool2d(2, stride=2)"),
        ("average_pool", window(3, 1, 1, divisor="kernel"), "nn.AvgPool2d(3, stride=1, padding=1)"),
        ("average_pool", window(3, 1, 1, divisor="input"), "padding=1, count_include_pad=False)"),
        ("global_average_pool", FIRST, "nn.AdaptiveAvgPool2d(1)"),
        ("global_max_pool", FIRST, "nn.AdaptiveMaxPool2d(1)"),
        ("global_sum_pool", FIRST, "x0.sum((2, 3), keepdim=True)"),
        ("global_average_pool", {"layout": "channels_last"}, "x0.mean((1, 2), keepdim=True)"),
        ("upsample_nearest", {"scale": 2}, 'F.interpolate(x0, scale_factor=2.0, mode="nearest")'),
        ("local_response_norm", {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}, "nn.LocalResponseNorm(5, k=2.0)"),
        ("l2_normalize", {"eps": 1e-10, "over": "sample"}, "l2_normalize(x0, [1, 2, 3], 1e-10)"),
    ],
)
def test_text(kind: str, attributes: dict[str, Any], text: str) -> None:
    g = GraphBuilder()
    assert text in source_of(g.store(g.node(kind, g.input("x0", IMAGE), **attributes)))


def resize(extent: str, size: Any = None, scale: Any = None, align_corners: bool = True) -> dict[str, Any]:
    return {"extent": extent, "size": size, "scale": scale, "align_corners": align_corners}


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        (resize("size", (9, 13)), "(9, 13)"),
        (resize("scale", scale=(2.0, 3.0)), "(x0.shape[2] * 2, x0.shape[3] * 3)"),
        (resize("scale", scale=(0.5, 2.0)), "(scaled(x0.shape[2], 0.5), x0.shape[3] * 2)"),
        (resize("even_down"), "(x0.shape[2] // 2 * 2, x0.shape[3] // 2 * 2)"),
    ],
)
def test_size_of_a_resized_image(attributes: dict[str, Any], size: str) -> None:
    g = GraphBuilder()
    source = source_of(g.store(g.node("resize_bilinear", g.input("x0", IMAGE), **attributes)))
    assert f"size={size}" in source


def test_a_pixel_in_the_middle_is_not_taken_for_the_first() -> None:
    """Where one row is asked for, it is the first; PyTorch's interpolation takes it from the middle."""
    g = GraphBuilder()
    attributes = resize("size", (1, 4), align_corners=False)
    store = g.store(g.node("resize_bilinear", g.input("x0", IMAGE), **attributes))
    x = data(2, 3, 5, 4)
    torch.testing.assert_close(run(store, x), x[:, :, :1])


@pytest.mark.parametrize(
    ("kind", "attributes", "inputs", "free"),
    [
        ("max_pool", window(2, 2, 1, "up"), [data(2, 3, 11, 13)], [(0, 2, 3)]),
        ("average_pool", window(2, 2, 1, "up", divisor="input"), [data(2, 3, 11, 13)], [(0, 2, 3)]),
        ("resize_bilinear", resize("even_up"), [data(2, 3, 11, 13)], [(0, 2, 3)]),
        ("resize_bilinear", resize("odd_scale", scale=(2.0, 2.0)), [data(2, 3, 11, 13)], [(0, 2, 3)]),
        ("multibox_prior", PRIOR, [data(2, 3, 5, 7)], [(0, 2, 3)]),
        ("roi_pool", {"output_size": (3, 3), "spatial_scale": 1.0}, [data(2, 3, 11, 13), REGIONS], [(0,), (0,)]),
        ("roi_align", {**ALIGN, "samples": 2}, [data(2, 3, 11, 13), REGIONS], [(0, 2, 3), (0,)]),
        ("roi_align", {**ALIGN, "samples": 0}, [data(2, 3, 11, 13), REGIONS], [(0, 2, 3), (0,)]),
        ("box_nms", NMS, [detections(2, 20)], [(0,)]),
        ("box_nms", {**NMS, "top_k": None}, [detections(2, 9)], [(0,)]),
        ("multibox_detection", SSD, [data(2, 4, 20).abs(), data(2, 80), boxes(1, 20)], [(0,), (0,), ()]),
        ("bipartite_matching", MATCH, [data(2, 4, 5)], [(0,)]),
    ],
)
def test_export(kind: str, attributes: dict[str, Any], inputs: list[Any], free: list[tuple[int, ...]]) -> None:
    """With a batch, and mostly an image, of any size; and in half precision the output stays in it."""
    g = GraphBuilder()
    shapes = [tuple(None if axis in axes else n for axis, n in enumerate(x.shape)) for x, axes in zip(inputs, free)]
    value = g.node(kind, *(g.input(f"x{i}", shape) for i, shape in enumerate(shapes)), **attributes)
    outputs = [Value(value.node, k) for k in range(2 if kind == "bipartite_matching" else 1)]
    module = build(g.store(*outputs))
    batch, regions, height, width = map(free_size, ("batch", "regions", "height", "width"))
    first = (batch, regions) if kind.startswith("roi") else (batch, batch, batch)
    dynamic = tuple({axis: {0: n, 2: height, 3: width}[axis] for axis in axes} for n, axes in zip(first, free))
    exported = torch.export.export(module, tuple(inputs), dynamic_shapes=dynamic, strict=False).module()
    larger = [torch.cat([x, x]) if axes else x for x, axes in zip(inputs, free)]
    torch.testing.assert_close(exported(*larger), module(*larger))
    halves = module.half()(*(x.half() for x in inputs))
    halves = halves if isinstance(halves, tuple) else (halves,)
    assert all(half.dtype == torch.float16 for half in halves)


@pytest.mark.parametrize("boxes", [0, 5, 140])
def test_boxes_in_conflict_with_an_earlier_kept_one_are_removed(boxes: int) -> None:
    """Blocks of 128 boxes are decided at once; traced and compiled code takes as many rounds as a chain may need."""
    generator = torch.Generator().manual_seed(1)
    conflicts = torch.rand(2, boxes, boxes, generator=generator) < 0.05
    keep = torch.rand(2, boxes, generator=generator) < 0.9
    expected = keep.clone()
    for k in range(boxes):
        expected[:, k + 1 :] &= ~(conflicts[:, k, k + 1 :] & expected[:, k, None])
    assert suppress(keep, conflicts).equal(expected)
    traced = torch.jit.trace(suppress, (keep, torch.zeros_like(conflicts)), check_trace=False)
    assert traced(keep, conflicts).equal(expected)
