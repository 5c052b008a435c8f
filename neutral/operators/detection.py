"""Boxes of object detectors. A corner box is (x1, y1, x2, y2), a center box is (x, y, width, height)."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator
from neutral.operators.ranks import RankContext

_FORMATS = ("corner", "center")
_OVERLAP = (
    "The overlap of two boxes is the area of their intersection divided by the area of their union; a box with "
    "negative width or height has area 0."
)


def _pairs_rank(node: RankContext) -> int | None:
    first, second = node.rank(0), node.rank(1)
    return None if first is None or second is None else first + second - 2


OPERATORS = (
    Operator(
        "box_iou",
        "Compute the overlap of each box of the input (..., 4) with each box of other (..., 4); the shape is the "
        f"input's without its last axis, then other's without its last axis. {_OVERLAP} It is 0 where the "
        "intersection is 0.",
        inputs=("input", "other"),
        attributes=(Attribute("format", "str", "The format of both operands' boxes.", choices=_FORMATS),),
        family="detection",
        rank_rule=_pairs_rank,
        dtype_rule="same",
    ),
    Operator(
        "box_nms",
        "Non-maximum suppression in each matrix of the input (..., boxes, elements), whose rows hold a box, a "
        "score and a class. Rows take part whose score is larger than valid_threshold and whose class is not the "
        "background. They are sorted by descending score, equal scores in their order before, and the first top_k "
        "are kept. Then each row that is not removed yet, from the first on, removes the later rows that it "
        "overlaps by more than overlap_threshold and that have the same class (an integer), or any class if "
        "across_classes or if there are no classes. The remaining rows come first in the output, in this order, "
        f"and rows of -1 follow. {_OVERLAP} If the formats differ, the boxes of the output are converted, except "
        "boxes whose first element (x1 or x) is negative. If top_k is 0, the output is the input.",
        attributes=(
            Attribute("overlap_threshold", "float", "The largest overlap that is allowed."),
            Attribute("valid_threshold", "float", "Only rows with a larger score take part."),
            Attribute(
                "top_k", "int", "The number of rows with the highest scores that take part; None: all.", optional=True
            ),
            Attribute("coord_start", "int", "The index of the first of the four elements of a row that are its box."),
            Attribute("score_index", "int", "The index of the element of a row that is its score."),
            Attribute(
                "class_index",
                "int",
                "The index of the element of a row that is its class; None: there are no classes.",
                optional=True,
            ),
            Attribute("background", "int", "The class whose rows do not take part."),
            Attribute("across_classes", "bool", "True if boxes suppress overlapping boxes of other classes too."),
            Attribute("in_format", "str", "The format of the input's boxes.", choices=_FORMATS),
            Attribute("out_format", "str", "The format of the output's boxes.", choices=_FORMATS),
        ),
        family="detection",
        discontinuous=True,
        dtype_rule="same",
        rank_rule="same",
        keeps_shape=True,
    ),
    Operator(
        "box_decode",
        "Decode boxes that a network predicts (N, boxes, 4) relative to anchors (1, boxes, 4) into corner boxes "
        "(N, boxes, 4). The centre of a box is prediction*std*(size of the anchor) + (centre of the anchor), and "
        "its size is (size of the anchor)*e^(prediction*std), where this prediction*std is at most max_log.",
        inputs=("input", "anchors"),
        attributes=(
            Attribute("std", "floats", "The factors of the four predictions x, y, width, height."),
            Attribute("max_log", "float", "The largest exponent; None: unbounded.", optional=True),
            Attribute("format", "str", "The format of the anchors.", choices=_FORMATS),
        ),
        family="detection",
        dtype_rule="same",
        operand_rank=3,
        rank_rule=3,
    ),
    Operator(
        "box_encode",
        "Encode the boxes that a network should predict for anchors (N, boxes, 4) as training targets; the "
        "inverse of box_decode. The reference box of an anchor is the row of references (N, others, 4) that "
        "matches (N, boxes) names. The target is ((centre of the reference - centre of the anchor)/(size of the "
        "anchor) - mean)/std for the centre and (log(size of the reference/size of the anchor) - mean)/std for "
        "the size. All boxes are corner boxes. Where samples (N, boxes) is at most 0.5, the target is 0. The "
        "second output is 1 for all four elements where samples is larger than 0.5, else 0.",
        inputs=("samples", "matches", "anchors", "references", "mean", "std"),
        outputs=("targets", "mask"),
        family="detection",
        rank_rule=3,
    ),
    Operator(
        "bipartite_matching",
        "Pair rows and columns of the scores (..., rows, columns) greedily: the row and column of the best score "
        "(the first in row-major order among equal ones) become a pair if the score is better than the threshold; "
        "they are removed, and this is repeated until there are limit pairs. The outputs are the column of each "
        "row (..., rows) and the row of each column (..., columns), in the input's dtype, with -1 for those "
        "without a pair.",
        attributes=(
            Attribute("smallest", "bool", "True if smaller scores are better."),
            Attribute("threshold", "float", "Only scores better than this make a pair."),
            Attribute("limit", "int", "The largest number of pairs; None: unlimited.", optional=True),
        ),
        outputs=("columns", "rows"),
        family="detection",
        discontinuous=True,
        dtype_rule="same",
        rank_rule=lambda node: (node.changed(-1), node.changed(-1)),
    ),
    Operator(
        "multibox_prior",
        "Generate anchors as corner boxes (1, H*W*(sizes + ratios - 1), 4) around the positions of a feature map "
        "(N, C, H, W), in row-major order of the positions and in units of the map's width and height. Their "
        "centre is ((column + offset)*step, (row + offset)*step). Each position has one box for each size s with "
        "the first ratio r, then one for each further ratio r with the first size s; a box is s*(H/W)*sqrt(r) "
        "wide and s/sqrt(r) high. The output has the dtype of the map.",
        attributes=(
            Attribute("sizes", "floats", "The heights of the boxes of ratio 1."),
            Attribute("ratios", "floats", "The ratios of width to height."),
            Attribute(
                "steps", "floats", "The steps between rows and between columns; None: (1/H, 1/W).", optional=True
            ),
            Attribute(
                "offsets", "floats", "The offsets of the centres in rows and columns; 0.5 is the middle of a position."
            ),
            Attribute("clip", "bool", "True if coordinates are clamped to [0, 1]."),
        ),
        family="detection",
        shape_operands=0,
        dtype_rule="same",
        operand_rank=4,
        rank_rule=3,
    ),
    Operator(
        "multibox_detection",
        "Compute detections, rows (class, score, box), from probabilities (N, classes, anchors), predictions (N, "
        "anchors*4) and corner anchors (1, anchors, 4). Class 0 is the background; class k > 0 is k - 1 in the "
        "output. The class of an anchor is the one with the highest probability among all but the background, the "
        "first among equal ones; that probability is its score. An anchor takes part if its score is larger than "
        "-1 and not below threshold. Its box is decoded as in box_decode with variances as std, and clamped to "
        "[0, 1] if clip. The rows of the anchors that take part come first, in the order of the anchors; rows of "
        "-1 follow. If overlap_threshold is larger than 0 and at most 1, non-maximum suppression follows: the "
        "top_k rows with the highest scores replace the first top_k rows, sorted by descending score, equal "
        "scores in their order before; the rows after them stay as they were, and their class becomes -1. Then "
        "each row whose class is not -1, from the first on, sets the class of "
        "later rows to -1 that it overlaps by at least overlap_threshold and that have the same class, or any "
        "class if across_classes. The overlap is the area of the intersection divided by the area of the union, "
        "and 0 where the latter is not positive.",
        inputs=("probabilities", "predictions", "anchors"),
        attributes=(
            Attribute("threshold", "float", "The smallest score that takes part."),
            Attribute(
                "overlap_threshold",
                "float",
                "The smallest overlap that suppresses a row; no row is suppressed if it is not in (0, 1].",
            ),
            Attribute(
                "top_k", "int", "The number of rows with the highest scores that take part; None: all.", optional=True
            ),
            Attribute("across_classes", "bool", "True if boxes suppress overlapping boxes of other classes too."),
            Attribute("variances", "floats", "The factors of the four predictions x, y, width, height."),
            Attribute("clip", "bool", "True if coordinates are clamped to [0, 1]."),
        ),
        family="detection",
        discontinuous=True,
        operand_rank=3,
        rank_rule=3,
    ),
)
