"""Losses that are computed in a graph, and the selection of one element that they are composed of."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator
from neutral.operators.ranks import RankContext


def _picked_rank(node: RankContext) -> int | None:
    rank = node.rank()
    return rank if rank is None or node["keepdim"] or rank == 1 else rank - 1


OPERATORS = (
    Operator(
        "pick",
        "output = the element along one axis that index names. The index has the input's shape without the axis, "
        "or with extent 1 there; a floating index is truncated towards zero.",
        inputs=("input", "index"),
        attributes=(
            Attribute("axis", "int", "The axis along which an element is picked; a negative axis counts from the end."),
            Attribute("keepdim", "bool", "True if the output keeps the axis, with extent 1."),
            Attribute(
                "out_of_range",
                "str",
                "The treatment of an index outside of [0, extent): it is clamped (clamp) or taken modulo the "
                "extent (wrap).",
                choices=("clamp", "wrap"),
            ),
        ),
        family="loss",
        rank_rule=_picked_rank,
        dtype_rule="same",
    ),
    Operator(
        "softmax_cross_entropy",
        "output = sum over the rows i of -log(max(softmax(input[i])[label[i]], 1e-8)), of shape (1,). input has shape "
        "(rows, classes), label (rows,).",
        inputs=("input", "label"),
        family="loss",
        operand_rank=2,
        rank_rule=1,
        dtype_rule="same",
    ),
    Operator(
        "ctc_loss",
        "Connectionist temporal classification: output[n] = -log of the probability that softmax(input[:, n]) "
        "gives label[n] after repeated classes are merged and blanks removed. input has shape (time, batch, "
        "classes), label (batch, positions), output (batch,). A label ends after label_length positions, or, if "
        "that is absent, at its first padding value (0 if the blank is the first class, -1 if it is the last). A "
        "sample has input_length steps, or, if that is absent, all.",
        inputs=("input", "label", "input_length?", "label_length?"),
        attributes=(
            Attribute(
                "blank", "str", "The class that is the blank: the first or the last one.", choices=("first", "last")
            ),
        ),
        family="loss",
        operand_rank=3,
        rank_rule=1,
        dtype_rule="same",
    ),
)
