"""Boxes of detectors against MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
from parity.against import check_checkpoint, to_torch  # noqa: E402


def boxes(*shape: int, center: bool = False, seed: int = 0, low: float = 0.0) -> np.ndarray:
    """Random boxes (..., 4), of which many overlap."""
    random = np.random.RandomState(seed)
    place, size = random.uniform(low, 1, (*shape, 2)), random.uniform(0.05, 0.6, (*shape, 2))
    return np.concatenate([place, size if center else place + size], axis=-1).astype("float32")


def detections(*shape: int, classes: int = 3, center: bool = False, seed: int = 0, low: float = 0.0) -> np.ndarray:
    """Rows (class, score, box), with equal scores among them, and a class of -1."""
    random = np.random.RandomState(seed + 1)
    kinds = random.randint(-1, classes, (*shape, 1))
    scores = random.uniform(-0.2, 1, (*shape, 1)).round(1)
    return np.concatenate([kinds, scores, boxes(*shape, center=center, seed=seed, low=low)], axis=-1).astype("float32")


@pytest.mark.parametrize("format", [None, "corner", "center"])
@pytest.mark.parametrize("shapes", [((5,), (7,)), ((2, 5), (3, 1))])
def test_box_iou(check_operator: Any, shapes: tuple[tuple[int, ...], ...], format: str | None) -> None:
    first, second = (boxes(*shape, center=format == "center", seed=seed) for seed, shape in enumerate(shapes))
    first[..., 0, 2:] = first[..., 0, :2] - 0.5 if format != "center" else -0.5
    check_operator("_contrib_box_iou", [first, second], **({} if format is None else {"format": format}))


@pytest.mark.parametrize("classes", [{}, {"id_index": 0}, {"id_index": 0, "force_suppress": True}])
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"overlap_thresh": 0.2},
        {"valid_thresh": 0.4},
        {"topk": 6},
        {"topk": 100},
        {"topk": 0},
        {"topk": 5, "overlap_thresh": 0.3, "valid_thresh": 0.1},
        {"valid_thresh": 2},
        {"overlap_thresh": -1},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(20,), (3, 20), (2, 2, 9)])
def test_box_nms(
    check_operator: Any, shape: tuple[int, ...], attributes: dict[str, Any], classes: dict[str, Any]
) -> None:
    """What is suppressed is -1 and stands behind; equal scores keep their order."""
    check_operator("_contrib_box_nms", [detections(*shape)], **attributes, **classes)


@pytest.mark.parametrize("background", [-1, 0, 1])
def test_box_nms_without_background(check_operator: Any, background: int) -> None:
    check_operator("_contrib_box_nms", [detections(3, 20)], id_index=0, background_id=background)


def test_box_nms_finds_a_background_among_classes_alone(check_operator: Any) -> None:
    check_operator("_contrib_box_nms", [detections(3, 20)], background_id=0)


@pytest.mark.parametrize("formats", [("corner", "center"), ("center", "corner"), ("center", "center")])
@pytest.mark.parametrize("low", [0.0, -0.5])
def test_box_nms_formats(check_operator: Any, low: float, formats: tuple[str, str]) -> None:
    """A box that begins left of 0 is not converted."""
    data = detections(3, 20, center=formats[0] == "center", low=low)
    check_operator("_contrib_box_nms", [data], in_format=formats[0], out_format=formats[1], overlap_thresh=0.3)


def test_box_nms_of_other_columns(check_operator: Any) -> None:
    """Coordinates first, then the score, the class, and two numbers that go along."""
    data = np.concatenate([detections(2, 15)[..., [2, 3, 4, 5, 1, 0]], np.ones((2, 15, 2), "float32")], axis=-1)
    data[..., 6] = np.arange(15)
    attributes = {"coord_start": 0, "score_index": 4, "id_index": 5, "out_format": "center"}
    check_operator("_contrib_box_nms", [data], **attributes)


def test_box_nms_of_degenerate_boxes(check_operator: Any) -> None:
    data = detections(2, 12)
    data[:, ::3, 4:] = data[:, ::3, 2:4]
    data[:, 1::3, 4:] = data[:, 1::3, 2:4] - 0.1
    check_operator("_contrib_box_nms", [data], overlap_thresh=0.0)


@pytest.mark.parametrize("format", [None, "corner", "center"])
@pytest.mark.parametrize("clip", [None, 0.5, -1])
@pytest.mark.parametrize("std", [(), (0.1, 0.1, 0.2, 0.2)])
def test_box_decode(check_operator: Any, std: tuple[float, ...], clip: float | None, format: str | None) -> None:
    given = {f"std{index}": value for index, value in enumerate(std)}
    given.update({name: value for name, value in (("clip", clip), ("format", format)) if value is not None})
    predictions = np.random.RandomState(1).randn(3, 7, 4).astype("float32")
    check_operator("_contrib_box_decode", [predictions, boxes(1, 7, center=format != "corner")], **given)


def test_box_encode(check_operator: Any) -> None:
    random = np.random.RandomState(0)
    samples = random.randint(-1, 2, (3, 8)).astype("float32")
    matches = random.randint(0, 5, (3, 8)).astype("float32")
    means, stds = random.randn(4).astype("float32"), random.uniform(0.1, 1, 4).astype("float32")
    inputs = [samples, matches, boxes(3, 8), boxes(3, 5, seed=1), means, stds]
    check_operator("_contrib_box_encode", inputs)
    check_operator("_contrib_box_encode", inputs, parameters=[4, 5])


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (3, 4, 5), (2, 2, 5, 3)])
@pytest.mark.parametrize("topk", [None, 1, 2, -1, 0])
@pytest.mark.parametrize("order", [{"threshold": 0.3}, {"threshold": 0.6, "is_ascend": True}], ids=str)
def test_bipartite_matching(
    check_operator: Any, order: dict[str, Any], topk: int | None, shape: tuple[int, ...]
) -> None:
    """Of equal scores the first; and one pair more than ``topk`` asks for."""
    scores = np.random.RandomState(0).uniform(0, 1, shape).round(1).astype("float32")
    given = order if topk is None else {**order, "topk": topk}
    check_operator("_contrib_bipartite_matching", [scores], exact=True, **given)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"sizes": (0.2, 0.35)},
        {"sizes": (0.2, 0.35, 0.9), "ratios": (1, 2, 0.5, 3)},
        {"sizes": (0.7,), "ratios": (2.0, 0.5), "clip": True},
        {"steps": (0.1, 0.2)},
        {"offsets": (0.0, 1.0), "steps": (0.3, 0.1), "sizes": (0.4, 0.1)},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 4, 1, 3)])
def test_multibox_prior(check_operator: Any, shape: tuple[int, ...], attributes: dict[str, Any]) -> None:
    check_operator("_contrib_MultiBoxPrior", [np.zeros(shape, "float32")], **attributes)


def ssd(batch: int = 3, classes: int = 4, anchors: int = 20, seed: int = 0) -> list[np.ndarray]:
    random = np.random.RandomState(seed)
    scores = random.uniform(0, 1, (batch, classes, anchors)).round(1).astype("float32")
    predictions = random.randn(batch, anchors * 4).astype("float32")
    return [scores, predictions, boxes(1, anchors, seed=seed)]


@pytest.mark.parametrize("force_suppress", [None, True])
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"threshold": 0.7},
        {"threshold": 2.0},
        {"nms_threshold": 0.2},
        {"nms_threshold": 0},
        {"nms_threshold": 1.5},
        {"nms_topk": 5},
        {"nms_topk": 5, "threshold": 0.9},
        {"nms_topk": 50},
        {"nms_topk": 0},
        {"clip": False},
        {"variances": (0.5, 0.4, 0.3, 0.2)},
        {"background_id": 2},
    ],
    ids=str,
)
def test_multibox_detection(check_operator: Any, attributes: dict[str, Any], force_suppress: bool | None) -> None:
    """Detections that are suppressed keep their place, and lose their class alone."""
    given = {} if force_suppress is None else {"force_suppress": force_suppress}
    check_operator("_contrib_MultiBoxDetection", ssd(), **attributes, **given)


def test_half(check_operator: Any) -> None:
    """The operators of single shots know float32 alone."""
    first, second, scores = boxes(5), boxes(6, seed=1), np.random.RandomState(0).uniform(0, 1, (4, 5))
    half = np.float16
    check_operator("_contrib_box_iou", [first.astype(half), second.astype(half)])
    check_operator("_contrib_box_nms", [detections(3, 20).astype(half)], id_index=0)
    predictions = np.random.RandomState(1).randn(3, 7, 4)
    check_operator("_contrib_box_decode", [predictions.astype(half), boxes(1, 7).astype(half)], std0=0.1)
    check_operator("_contrib_bipartite_matching", [scores.astype(half)], threshold=0.1)


def test_a_training_graph_gives_its_detections(mxnet: Any, tmp_path: Path) -> None:
    """Without labels: losses and targets are no part of it."""
    data, prefix = np.random.RandomState(0).randn(2, 3, 7, 6).astype("float32"), str(tmp_path / "ssd")
    probabilities, _, _, detections = mxnet.call("operators:training_detector", prefix=prefix, data=data)
    check_checkpoint(prefix, {"data": to_torch(data)}, [probabilities, detections])
    store = mxnet_to_neutral.read(prefix)
    assert [item.name for item in store.graph.inputs] == ["data"]
    assert "outputs that are for training alone are left out: loss, shown" in store.notes
