"""Losses that a graph computes, and the choice of one element that they are made of."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.ranks import RankContext


def _picked_rank(node: RankContext) -> int | None:
    rank = node.rank()
    return rank if rank is None or node["keepdim"] or rank == 1 else rank - 1


OPERATORS = (
    Operator(
        "pick",
        "output = the element of input that index names, along one axis. index has input's shape without the axis, or with "
        "extent 1 there; a fraction is cut off.",
        inputs=("input", "index"),
        attributes=(
            Attribute("axis", "int", "The axis along which an element is picked; negative counts from the end."),
            Attribute("keepdim", "bool", "Whether the output keeps the axis, with extent 1."),
            Attribute(
                "out_of_range",
                "str",
                "What an index outside [0, extent) means: clamp takes the nearest end, wrap takes it modulo the extent.",
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
        rank_rule=1,
        dtype_rule="same",
    ),
    Operator(
        "ctc_loss",
        "Connectionist temporal classification: output[n] = -log of the probability that softmax(input[:, n]) gives label[n] "
        "once repeated classes are merged and blanks left out. input has shape (time, batch, classes), label (batch, "
        "positions), output (batch,). A label ends at its first padding value (0 where the blank is first, -1 where it is "
        "last), or after label_length positions; input ends after input_length steps, else it is used in full.",
        inputs=("input", "label", "input_length?", "label_length?"),
        attributes=(Attribute("blank", "str", "Which class is the blank.", choices=("first", "last")),),
        family="loss",
        rank_rule=1,
        dtype_rule="same",
    ),
)
