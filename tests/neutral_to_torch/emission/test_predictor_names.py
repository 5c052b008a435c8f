"""Layers of detectors that the source names by their kind only are named after what they predict."""

from __future__ import annotations

from typing import Sequence

import pytest

from checks import source_of
from detection_samples import NMS, SSD
from graphs import GraphBuilder
from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import Declaration, Name
from neutral_to_torch.emission.structure.purposes import predictor_names

DECODE = {"std": (0.1, 0.1, 0.2, 0.2), "max_log": None, "format": "center"}
LAST = {"axis": -1}


def predicted(g: GraphBuilder, maps: Sequence[Value], names: Sequence[str], size: int) -> Value:
    """Convolve every feature map, and join the results as (N, boxes, size)."""
    parts = []
    for x, name in zip(maps, names):
        x = g.node("transpose", g.conv(x, size, 1, name=name), axes=(0, 2, 3, 1))
        parts.append(g.node("flatten", x))
    joined = g.node("concatenate", *parts, axis=1)
    return g.node("split_axis", joined, axis=1, sizes=(-1, size))


def detected(g: GraphBuilder, scores: Value, predictions: Value, anchors: Value, classes: bool = True) -> Value:
    """Decode boxes, and select among rows (class, score, box), or (score, box)."""
    best = g.node("slice", scores, axes=(2,), starts=(1,), ends=(2,), steps=(1,))
    ids = g.node("greater", best, 0.5, dtype=None)
    decoded = g.node("box_decode", predictions, anchors, **DECODE)
    if classes:
        return g.node("box_nms", g.node("concatenate", ids, best, decoded, **LAST), **NMS)
    columns = {"coord_start": 1, "score_index": 0, "class_index": None}
    return g.node("box_nms", g.node("concatenate", best, decoded, **LAST), **{**NMS, **columns})


def feature_maps(g: GraphBuilder) -> list[Value]:
    first = g.node("relu", g.conv(g.input("data"), 8, 3, name="net0_conv0"))
    return [first, g.node("relu", g.conv(first, 8, 3, name="net0_conv1"))]


@pytest.mark.parametrize(("classes", "noun"), [(True, "class"), (False, "score")])
def test_predictions_that_are_decoded_and_those_that_score_them(classes: bool, noun: str) -> None:
    g = GraphBuilder()
    maps = feature_maps(g)
    scores = predicted(g, maps, ["ssd0_convpredictor0_conv0", "ssd0_convpredictor2_conv0"], 3)
    boxes = predicted(g, maps, ["ssd0_convpredictor1_conv0", "ssd0_convpredictor3_conv0"], 4)
    scores = g.node("softmax", scores, None, **LAST)
    source = source_of(g.store(detected(g, scores, boxes, g.input("anchors", (1, None, 4)), classes)))
    for name in (
        f"self.{noun}_predictor1(",
        f"self.{noun}_predictor2(",
        "self.box_predictor1(",
        "self.box_predictor2(",
    ):
        assert source.count(name) == 1, source
    assert ("        class_scores = torch.cat(" in source) == classes
    assert "        predictions = torch.cat(" in source


def test_the_operands_of_a_detection_say_what_they_predict() -> None:
    g = GraphBuilder()
    (x, _), anchors = feature_maps(g), g.input("anchors", (1, None, 4))
    scores = g.node("merge_axes", g.conv(x, 6, 1, name="net0_conv2"), axis=2, count=2)
    boxes = g.node("flatten", g.conv(x, 4, 1, name="net0_conv3"))
    source = source_of(g.store(g.node("multibox_detection", scores, boxes, anchors, **SSD)))
    assert "self.class_predictor(" in source and "self.box_predictor(" in source


def test_a_layer_that_predicts_boxes_and_scores_keeps_its_name() -> None:
    g = GraphBuilder()
    both = predicted(g, feature_maps(g), ["net0_conv2", "net0_conv3"], 6)
    box = g.node("slice", both, axes=(2,), starts=(2,), ends=(6,), steps=(1,))
    assert "_predictor" not in source_of(g.store(detected(g, both, box, g.input("anchors", (1, None, 4)))))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv_predictor0", "box_predictor"), ("fc", "box_predictor"), ("conv2_1", "box_predictor"),
        ("rpn_conv2", "rpn_box_predictor"), ("faster_rcnn_fc1", "faster_rcnn_box_predictor"),
        ("logits", "logits"), ("bbox_pred", "bbox_pred"), ("fire9_cls_pred_conv", "fire9_cls_pred_conv"),
    ],
)  # fmt: skip
def test_the_kind_at_the_end_of_a_name_gives_way(name: str, expected: str) -> None:
    """Unless the name says more, or that the layer predicts."""
    item = Declaration(name, Name("nn.Conv2d"))
    assert predictor_names({item: name}, {item: "box"}) == {item: expected}
    assert predictor_names({item: name}, {}) == {item: name}


def test_equal_names_are_numbered() -> None:
    items = [Declaration(name, Name("nn.Conv2d")) for name in "abc"]
    names = dict(zip(items, ("conv_predictor0", "conv_predictor3", "fc")))
    predicted = dict(zip(items, ("class", "class", "box")))
    assert list(predictor_names(names, predicted).values()) == ["class_predictor1", "class_predictor2", "box_predictor"]


def test_names_that_say_more_than_a_kind_stay() -> None:
    g = GraphBuilder()
    maps, anchors = feature_maps(g), g.input("anchors", (1, None, 4))
    scores = predicted(g, maps, ["a_logits", "b_logits"], 3)
    boxes = predicted(g, maps, ["a_offsets", "b_offsets"], 4)
    source = source_of(g.store(detected(g, scores, boxes, anchors)))
    assert "_predictor" not in source and "logits" in source and "offsets" in source


def test_rows_without_decoded_boxes_name_nothing() -> None:
    g = GraphBuilder()
    rows = predicted(g, feature_maps(g), ["net0_conv2", "net0_conv3"], 6)
    assert "_predictor" not in source_of(g.store(g.node("box_nms", rows, **NMS)))
