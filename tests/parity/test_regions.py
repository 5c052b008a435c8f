"""Regions of two-stage detectors against MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.against import check_checkpoint, to_torch  # noqa: E402


def maps(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def regions(count: int, images: int, height: float, width: float, seed: int = 0) -> np.ndarray:
    """Rows (image, x1, y1, x2, y2), some reaching over the borders, one empty and one reversed."""
    random = np.random.RandomState(seed)
    low = random.uniform(-0.2, 0.7, (count, 2)) * (width, height)
    size = random.uniform(0.05, 0.7, (count, 2)) * (width, height)
    size[0], size[1] = 0, -3
    image = random.randint(0, images, (count, 1))
    return np.concatenate([image, low, low + size], axis=1).astype("float32")


def proposals(batch: int, anchors: int, height: int, width: int, spread: float = 0.5, seed: int = 0) -> Any:
    """Scores with no two alike, deltas, and images that are smaller than the map."""
    random = np.random.RandomState(seed)
    count = batch * 2 * anchors * height * width
    scores = random.permutation(count).reshape(batch, 2 * anchors, height, width) / count
    deltas = spread * random.randn(batch, 4 * anchors, height, width)
    images = [[16 * (height - index) - 3, 16 * width - 5 * index, 1 + 0.5 * index] for index in range(batch)]
    return [np.asarray(item, "float32") for item in (scores, deltas, images)]


@pytest.mark.parametrize("operator", ["_contrib_Proposal", "_contrib_MultiProposal"])
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"rpn_post_nms_top_n": 7},
        {"rpn_pre_nms_top_n": 40, "rpn_post_nms_top_n": 50},
        {"rpn_pre_nms_top_n": 0, "rpn_post_nms_top_n": 20, "threshold": 0.2},
        {"rpn_min_size": 60, "rpn_post_nms_top_n": 20},
        {"rpn_min_size": 0, "iou_loss": True, "rpn_post_nms_top_n": 20},
        {"feature_stride": 16, "scales": (8, 16, 32), "ratios": (0.5, 1, 2), "rpn_post_nms_top_n": 20},
        {"scales": (3.3,), "ratios": (0.3, 1.7), "rpn_post_nms_top_n": 20, "output_score": True},
    ],
    ids=str,
)
def test_proposals(check_operator: Any, attributes: dict[str, Any], operator: str) -> None:
    """Where fewer are left than are asked for, they start over; MXNet takes one image alone or several."""
    kinds = len(attributes.get("scales", range(4))) * len(attributes.get("ratios", range(3)))
    batch = 1 if operator == "_contrib_Proposal" else 3
    check_operator(operator, proposals(batch, kinds, 5, 4), **attributes)


def test_proposals_with_equal_scores(check_operator: Any) -> None:
    """They stay in the order of rows, columns and anchors."""
    scores, deltas, images = proposals(2, 12, 4, 5)
    given = [scores.round(1), deltas, images]
    check_operator("_contrib_MultiProposal", given, output_score=True, rpn_post_nms_top_n=30, threshold=0.5)


@pytest.mark.parametrize("spread", [0.0, 30.0])
def test_proposals_by_corners(check_operator: Any, spread: float) -> None:
    given = proposals(2, 12, 5, 4, spread=spread)
    check_operator("_contrib_MultiProposal", given, iou_loss=True, output_score=True, rpn_post_nms_top_n=40)


@pytest.mark.parametrize("spatial_scale", [1.0, 0.5, 0.0625])
@pytest.mark.parametrize(
    "attributes",
    [
        {"output_dim": 2, "pooled_size": 3},
        {"output_dim": 3, "pooled_size": 3, "group_size": 2},
        {"output_dim": 2, "pooled_size": 2, "group_size": 3},
        {"output_dim": 5, "pooled_size": 7, "group_size": 1},
        {"output_dim": 1, "pooled_size": 1, "group_size": 4},
    ],
    ids=str,
)
def test_position_sensitive_pooling(check_operator: Any, attributes: dict[str, Any], spatial_scale: float) -> None:
    groups = attributes.get("group_size", attributes["pooled_size"])
    data = maps(2, attributes["output_dim"] * groups**2, 9, 11)
    given = [data, regions(12, 2, 9 / spatial_scale, 11 / spatial_scale)]
    check_operator("_contrib_PSROIPooling", given, spatial_scale=spatial_scale, **attributes)


def test_position_sensitive_pooling_has_precise_means(check_operator: Any) -> None:
    """Of a large map with a mean far from zero."""
    given = [maps(1, 4, 90, 110) + 100, regions(12, 1, 90, 110)]
    check_operator("_contrib_PSROIPooling", given, spatial_scale=1.0, output_dim=1, pooled_size=2)


@pytest.mark.parametrize("spatial_scale", [1.0, 0.0625])
@pytest.mark.parametrize(
    ("attributes", "classes"),
    [
        ({"output_dim": 2, "pooled_size": 3, "group_size": 3, "no_trans": True}, 0),
        ({"output_dim": 2, "pooled_size": 3, "group_size": 3, "no_trans": True, "sample_per_part": 4}, 0),
        ({"output_dim": 2, "pooled_size": 3, "group_size": 1, "sample_per_part": 2, "trans_std": 0.1}, 1),
        ({"output_dim": 4, "pooled_size": 3, "group_size": 2, "sample_per_part": 3, "trans_std": 0.3}, 2),
        ({"output_dim": 3, "pooled_size": 7, "group_size": 2, "part_size": 3, "trans_std": 1.0}, 3),
        ({"output_dim": 2, "pooled_size": 4, "group_size": 1, "part_size": 7, "sample_per_part": 2}, 1),
    ],
    ids=str,
)
def test_deformable_position_sensitive_pooling(
    check_operator: Any, attributes: dict[str, Any], classes: int, spatial_scale: float
) -> None:
    data = maps(2, attributes["output_dim"] * attributes["group_size"] ** 2, 9, 11)
    given = [data, regions(12, 2, 9 / spatial_scale, 11 / spatial_scale)]
    if classes:
        part = attributes.get("part_size", attributes["pooled_size"])
        given.append(maps(12, 2 * classes, part, part, seed=1))
    check_operator("_contrib_DeformablePSROIPooling", given, spatial_scale=spatial_scale, **attributes)


def turned(count: int, images: int, height: float, width: float, seed: int = 0) -> np.ndarray:
    """Rows (image, x, y, width, height, degrees), one without any extent."""
    random = np.random.RandomState(seed)
    middle = random.uniform(0, 1, (count, 2)) * (width, height)
    size = random.uniform(0.05, 0.9, (count, 2)) * (width, height)
    size[0] = 0
    numbers = (random.randint(0, images, (count, 1)), middle, size, random.uniform(-180, 180, (count, 1)))
    return np.concatenate(numbers, axis=1).astype("float32")


@pytest.mark.parametrize("spatial_scale", [1.0, 0.25])
@pytest.mark.parametrize("sampling_ratio", [None, 1, 2, 3, -1])
@pytest.mark.parametrize("pooled_size", [(2, 3), (7, 7)])
def test_rotated_roi_align(
    check_operator: Any, pooled_size: tuple[int, int], sampling_ratio: int | None, spatial_scale: float
) -> None:
    given = [maps(2, 3, 9, 11), turned(10, 2, 9 / spatial_scale, 11 / spatial_scale)]
    attributes = {} if sampling_ratio is None else {"sampling_ratio": sampling_ratio}
    check_operator("_contrib_RROIAlign", given, pooled_size=pooled_size, spatial_scale=spatial_scale, **attributes)


def test_half(check_operator: Any) -> None:
    """Where all coordinates are whole; proposals are of single precision alone."""
    given = [maps(2, 8, 8, 8), np.array([[0, 0, 0, 7, 7], [1, 0, 0, 3, 3]])]
    half = [array.astype("float16") for array in given]
    check_operator("_contrib_PSROIPooling", half, spatial_scale=1.0, output_dim=2, pooled_size=2)


def test_a_two_stage_detector(mxnet: Any, tmp_path: Path) -> None:
    """Proposals, and what is pooled from them, of two images of different sizes."""
    prefix = str(tmp_path / "model")
    given = {"data": maps(2, 3, 40, 48), "images": np.array([[40, 48, 1], [36, 40, 1.5]], "float32")}
    expected = mxnet.call("regions:detector", prefix=prefix, **given)
    check_checkpoint(prefix, {name: to_torch(array) for name, array in given.items()}, expected)
