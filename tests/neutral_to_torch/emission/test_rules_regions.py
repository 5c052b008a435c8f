"""The rules of regions and warping: what they write, and that it exports with sizes left free."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from checks import source_of, torch
from free_sizes import free_size
from graphs import GraphBuilder
from neutral.graph import Value
from neutral_to_torch.emission.build import build

GROUPS = {"output_channels": 2, "output_size": 3, "group_size": 3, "spatial_scale": 0.5}
DEFORMABLE = {**GROUPS, "part_size": 3, "samples": 2, "offset_scale": 0.1}
PROPOSALS = {
    "anchors": (-8.0, -8.0, 23.0, 23.0, 0.0, 0.0, 15.0, 15.0), "stride": 16, "pre_top_k": 12, "count": 5,
    "overlap_threshold": 0.7, "min_size": 16.0, "corner_deltas": False,
}  # fmt: skip
CORRELATION = {
    "kernel_size": 3, "max_displacement": 2, "stride": 1, "displacement_stride": 1, "padding": 3,
    "comparison": "product",
}  # fmt: skip
REGIONS = torch.tensor([[0, 1, 1, 18, 19], [1, 0, 0, 15, 15], [1, 2, 2, 9, 19.0]])
TURNED = torch.tensor([[0, 5, 5, 4, 6, 30], [1, 5, 6, 3, 3, -70], [1, 2, 2, 9, 9.0, 0]])


def data(*shape: int, seed: int = 1) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def node_of(kind: str, attributes: dict[str, Any], inputs: list[Any], free: list[tuple[int, ...]]) -> Any:
    g = GraphBuilder()
    shapes = [tuple(None if axis in axes else n for axis, n in enumerate(x.shape)) for x, axes in zip(inputs, free)]
    value = g.node(kind, *(g.input(f"x{i}", shape) for i, shape in enumerate(shapes)), **attributes)
    return g.store(*(Value(value.node, k) for k in range(2 if kind == "region_proposals" else 1)))


@pytest.mark.parametrize(
    ("kind", "attributes", "inputs", "text"),
    [
        ("grid_sample", {}, 2, "F.grid_sample(x0, x1.permute(0, 2, 3, 1), align_corners=True)"),
        ("affine_grid", {"size": (4, 5)}, 1, "return affine_grid(x0, (4, 5))"),
        ("flow_grid", {}, 1, "return flow_grid(x0)"),
        ("correlation", CORRELATION, 2, "correlation(x0, x1, kernel_size=3, max_displacement=2, padding=3)"),
    ],
)
def test_text(kind: str, attributes: dict[str, Any], inputs: int, text: str) -> None:
    shape = (2, 6) if kind == "affine_grid" else (2, 2, 9, 9)
    store = node_of(kind, attributes, [data(*shape)] * inputs, [(0,)] * inputs)
    assert text in source_of(store)


def test_many_anchors_are_a_line_each() -> None:
    anchors = tuple(float(number) for number in range(-20, 16))
    inputs = [data(2, 18, 4, 5), data(2, 36, 4, 5), data(2, 3)]
    source = source_of(node_of("region_proposals", {**PROPOSALS, "anchors": anchors}, inputs, [(0,)] * 3))
    assert "                (-20.0, -19.0, -18.0, -17.0),\n" in source


@pytest.mark.parametrize(
    ("kind", "attributes", "inputs", "free"),
    [
        ("grid_sample", {}, [data(2, 3, 9, 8), data(2, 2, 5, 4)], [(0, 2, 3), (0,)]),
        ("affine_grid", {"size": (4, 5)}, [data(2, 6)], [(0,)]),
        ("flow_grid", {}, [data(2, 2, 9, 8)], [(0, 2, 3)]),
        ("correlation", CORRELATION, [data(2, 3, 9, 8), data(2, 3, 9, 8, seed=2)], [(0, 2, 3), (0, 2, 3)]),
        ("position_sensitive_roi_pool", GROUPS, [data(2, 18, 9, 8), REGIONS], [(0, 2, 3), (0,)]),
        (
            "deformable_position_sensitive_roi_pool",
            DEFORMABLE,
            [data(2, 18, 9, 8), REGIONS, data(3, 2, 3, 3)],
            [(0, 2, 3), (0,), (0,)],
        ),
        (
            "rotated_roi_align",
            {"output_size": (2, 3), "spatial_scale": 1.0, "samples": 2},
            [data(2, 3, 9, 8), TURNED],
            [(0, 2, 3), (0,)],
        ),
        (
            "rotated_roi_align",
            {"output_size": (2, 3), "spatial_scale": 1.0, "samples": 0},
            [data(2, 3, 9, 8), TURNED],
            [(0, 2, 3), (0,)],
        ),
        (
            "region_proposals",
            PROPOSALS,
            [data(2, 4, 4, 5), data(2, 8, 4, 5), torch.tensor([[64, 80, 1.0]] * 2)],
            [(0,), (0,), (0,)],
        ),
    ],
)
def test_export(kind: str, attributes: dict[str, Any], inputs: list[Any], free: list[tuple[int, ...]]) -> None:
    """With a batch, and mostly an image, of any size; and in half precision the output stays in it."""
    store = node_of(kind, attributes, inputs, free)
    source_of(store)
    module = build(store)
    batch, regions, height, width = map(free_size, ("batch", "regions", "height", "width"))
    first = (batch, regions, regions) if "roi" in kind else (batch, batch, batch)
    dynamic = tuple({axis: {0: n, 2: height, 3: width}[axis] for axis in axes} for n, axes in zip(first, free))
    exported = torch.export.export(module, tuple(inputs), dynamic_shapes=dynamic, strict=False).module()
    larger = [torch.cat([x, x]) for x in inputs]
    torch.testing.assert_close(exported(*larger), module(*larger))
    halves = module.half()(*(x.half() for x in inputs))
    halves = halves if isinstance(halves, tuple) else (halves,)
    assert all(half.dtype == torch.float16 for half in halves)
