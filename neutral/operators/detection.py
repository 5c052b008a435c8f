"""Boxes of detectors. A corner box is (x1, y1, x2, y2), a center box (x, y, width, height)."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.ranks import RankContext

_FORMATS = ("corner", "center")
_OVERLAP = (
    "The overlap of two boxes is the area of their intersection divided by that of their union; a box whose width or "
    "height is negative has area 0."
)


def _pairs_rank(node: RankContext) -> int | None:
    first, second = node.rank(0), node.rank(1)
    return None if first is None or second is None else first + second - 2


OPERATORS = (
    Operator(
        "box_iou",
        "Overlaps of all boxes of the input (..., 4) with all of the other (..., 4), in the shape of the first without its "
        f"last axis followed by that of the second without its. {_OVERLAP} It is 0 where the intersection is.",
        inputs=("input", "other"),
        attributes=(Attribute("format", "str", "Of both.", choices=_FORMATS),),
        family="detection",
        rank_rule=_pairs_rank,
        dtype_rule="same",
    ),
    Operator(
        "box_nms",
        "Non-maximum suppression in each matrix of the input (..., boxes, elements), by the elements of its rows. Those "
        "take part whose score is larger than valid_threshold and whose class is not the background. They are put in "
        "order of falling scores, equal ones in their own order, and the first top_k are kept. From the first on, each "
        "one that is still there removes the later ones that it overlaps by more than overlap_threshold, if their classes "
        "(whole numbers) are equal or do not matter. What is left comes first in the output, in order, and rows of -1 "
        f"follow. {_OVERLAP} Where the formats differ the output's boxes are converted, except those whose first element "
        "is negative. If top_k is 0 the output is the input.",
        attributes=(
            Attribute("overlap_threshold", "float", "The largest overlap that is allowed."),
            Attribute("valid_threshold", "float", "A score must be larger."),
            Attribute("top_k", "int", "How many are looked at; None: all.", optional=True),
            Attribute("coord_start", "int", "The first of the four elements that are the box."),
            Attribute("score_index", "int", "The element that is the score."),
            Attribute(
                "class_index", "int", "The element that is the class; None: there are no classes.", optional=True
            ),
            Attribute("background", "int", "The class that takes no part."),
            Attribute("across_classes", "bool", "Whether boxes of different classes remove one another."),
            Attribute("in_format", "str", "Of the input's boxes.", choices=_FORMATS),
            Attribute("out_format", "str", "Of the output's boxes.", choices=_FORMATS),
        ),
        family="detection",
        dtype_rule="same",
        rank_rule="same",
        keeps_shape=True,
    ),
    Operator(
        "box_decode",
        "Corner boxes (N, boxes, 4) from what a network predicts (N, boxes, 4) relative to anchors (1, boxes, 4). With "
        "the centre and size of the anchor: centre = prediction*std*size + centre, size = size*e^(prediction*std), where "
        "prediction*std is at most max_log.",
        inputs=("input", "anchors"),
        attributes=(
            Attribute("std", "floats", "Factors of the four predictions x, y, width, height."),
            Attribute("max_log", "float", "The largest exponent; None: there is no bound.", optional=True),
            Attribute("format", "str", "Of the anchors.", choices=_FORMATS),
        ),
        family="detection",
        dtype_rule="same",
        rank_rule=3,
    ),
    Operator(
        "box_encode",
        "What a network should predict for anchors (N, boxes, 4): with the centres and sizes of the anchor and of its "
        "match, the row `match` of references (N, others, 4), ((difference of the centres)/size of the anchor, log(size of "
        "the reference/size of the anchor)) - mean, divided by std. All are corner boxes. It is 0 where samples (N, boxes) "
        "is at most 0.5. The second output is 1 where it is larger, else 0, for all four.",
        inputs=("samples", "matches", "anchors", "references", "mean", "std"),
        outputs=("targets", "mask"),
        family="detection",
        rank_rule=3,
    ),
    Operator(
        "bipartite_matching",
        "Pairs of rows and columns of the scores (..., rows, columns): the best score (of equal ones the first in "
        "row-major order) makes a pair if it is better than the threshold, its row and column are left out, and so on "
        "until there are limit pairs. The outputs are the column of each row (..., rows) and the row of each column "
        "(..., columns), in the input's dtype; -1 where there is none.",
        attributes=(
            Attribute("smallest", "bool", "Whether a smaller score is better."),
            Attribute("threshold", "float", "What a score is to be better than."),
            Attribute("limit", "int", "The largest number of pairs; None: there is no limit.", optional=True),
        ),
        outputs=("columns", "rows"),
        family="detection",
        dtype_rule="same",
        rank_rule=lambda node: (node.changed(-1), node.changed(-1)),
    ),
    Operator(
        "multibox_prior",
        "Corner boxes (1, H*W*(sizes + ratios - 1), 4) around the positions of a map (N, C, H, W), in units of the map's "
        "height and width, position by position in row-major order. Their centre is ((column + offset)*step, (row + "
        "offset)*step). The boxes of a position: for each size s with the first ratio r, then for each further ratio r with "
        "the first size s, s*(H/W)*sqrt(r) wide and s/sqrt(r) high. They have the dtype of the map.",
        attributes=(
            Attribute("sizes", "floats", "Heights of boxes of ratio 1."),
            Attribute("ratios", "floats", "Ratios of width and height."),
            Attribute("steps", "floats", "Of rows and columns; None: (1/H, 1/W).", optional=True),
            Attribute("offsets", "floats", "Of rows and columns, 0.5 for the middle."),
            Attribute("clip", "bool", "Whether coordinates are brought between 0 and 1."),
        ),
        family="detection",
        shape_operands=0,
        dtype_rule="same",
        rank_rule=3,
    ),
    Operator(
        "multibox_detection",
        "Rows (class, score, box) from probabilities (N, classes, anchors), predictions (N, anchors*4) and corner anchors (1, "
        "anchors, 4). Class 0 is the background, and the classes of the output count from the next. For each anchor the "
        "class is that of the largest score but the background's, of equal ones the first; it takes part if the score is "
        "larger than -1 and not below threshold. Its box is decoded as in box_decode with variances, and brought between "
        "0 and 1 if clip. Those that take part come first, in order of the anchors; rows of -1 follow. If "
        "overlap_threshold is larger than 0 and at most 1: the first top_k rows are those of the largest scores, in "
        "order of falling scores, equal ones in their own order; in the further ones the class becomes -1. From the "
        "first on, each one of those whose class is not -1 gives that class to the later ones that it overlaps by at "
        "least overlap_threshold, if the classes are equal or do not matter. The overlap is the area of the intersection "
        "divided by that of the union, 0 where that is not positive.",
        inputs=("probabilities", "predictions", "anchors"),
        attributes=(
            Attribute("threshold", "float", "The smallest score."),
            Attribute("overlap_threshold", "float", "The overlap that is too much."),
            Attribute("top_k", "int", "How many are looked at; None: all.", optional=True),
            Attribute("across_classes", "bool", "Whether boxes of different classes remove one another."),
            Attribute("variances", "floats", "Factors of the four predictions x, y, width, height."),
            Attribute("clip", "bool", "Whether coordinates are brought between 0 and 1."),
        ),
        family="detection",
        rank_rule=3,
    ),
)
