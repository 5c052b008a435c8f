"""Sorting, and choosing elements by index.

An index may be of a floating type: its fraction is cut off.
"""

from __future__ import annotations

from neutral.operators.arrangement import AXIS
from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.creation import DTYPE
from neutral.operators.ranks import RankContext

DESCENDING = Attribute("descending", "bool", "Whether the largest comes first.")

TOP = (
    AXIS,
    Attribute("count", "int", "How many; None: all.", optional=True),
    Attribute("largest", "bool", "Whether the largest are chosen, or the smallest."),
)


def _taken_rank(node: RankContext) -> int | None:
    index = node.rank(1)
    return None if index is None else node.changed(index - 1)


OPERATORS = (
    Operator(
        "sort",
        "The numbers of an axis in order; equal ones in the order of their positions. The second output is the position "
        "that each had, int64.",
        attributes=(AXIS, DESCENDING),
        outputs=("values", "positions"),
        family="indexing",
        rank_rule=lambda node: (node.rank(), node.rank()),
        dtype_rule="same",
        keeps_shape=True,
    ),
    Operator(
        "top_k",
        "The largest (or smallest) numbers of an axis, the most extreme first; of equal ones the first positions. The "
        "second output is the position that each had, int64.",
        attributes=TOP,
        outputs=("values", "positions"),
        family="indexing",
        rank_rule=lambda node: (node.rank(), node.rank()),
        dtype_rule="same",
    ),
    Operator(
        "top_k_mask",
        "1 where the number is among those that top_k chooses, else 0, in the dtype of the input.",
        attributes=TOP,
        family="indexing",
        dtype_rule="same",
        keeps_shape=True,
        rank_rule="same",
    ),
    Operator(
        "take",
        "Positions of an axis by a tensor of indices, whose axes stand in place of that axis. Out of range: clamp takes "
        "the nearest end, wrap the index modulo the extent, error is an error.",
        inputs=("input", "index"),
        attributes=(
            AXIS,
            Attribute("out_of_range", "str", "What an index outside means.", choices=("clamp", "wrap", "error")),
        ),
        family="indexing",
        dtype_rule="same",
        rank_rule=_taken_rank,
    ),
    Operator(
        "gather_nd",
        "output[j..., k...] = input[index[0, j...], ..., index[M - 1, j...], k...], where M is the extent of the index's "
        "first axis. Negative indices count from the end; one outside is an error.",
        inputs=("input", "index"),
        family="indexing",
        dtype_rule="same",
    ),
    Operator(
        "scatter_nd",
        "A tensor of zeros with output[index[0, j...], ..., index[M - 1, j...], k...] = input[j..., k...], where M is the "
        "extent of the index's first axis. Where indices repeat the last one holds.",
        inputs=("input", "index"),
        attributes=(Attribute("shape", "ints", "The shape of the output."),),
        family="indexing",
        rank_rule=lambda node: len(node["shape"]),
        dtype_rule="same",
    ),
    Operator(
        "index_copy",
        "The input with input[index[i], ...] replaced by value[i, ...]; index is 1-D. Where indices repeat the last one "
        "holds.",
        inputs=("input", "index", "value"),
        family="indexing",
        dtype_rule="same",
        keeps_shape=True,
        rank_rule="same",
    ),
    *(
        Operator(
            kind,
            f"The input with value {how} input[index[0], index[1], ...], where the index's first axis has an entry for each of "
            f"the input's first axes. {repeated}",
            inputs=("input", "index", "value"),
            family="indexing",
            keeps_shape=True,
            rank_rule="same",
            dtype_rule="same",
        )
        for kind, how, repeated in (
            ("index_add", "added to", "Where indices repeat all are added."),
            ("index_update", "in place of", "Where indices repeat the last one holds."),
        )
    ),
    Operator(
        "boolean_mask",
        "The positions of an axis where mask, a vector, is not 0. The extent of the output depends on the mask.",
        inputs=("input", "mask"),
        attributes=(AXIS,),
        family="indexing",
        dtype_rule="same",
        rank_rule="same",
    ),
    Operator(
        "nonzero",
        "The indices of all that is not 0, int64: a row for each in row-major order. The extent of the output depends on the "
        "input.",
        family="indexing",
        dtype_rule="int64",
        rank_rule=2,
    ),
    Operator(
        "one_hot",
        "output[..., j] = on_value where index[...] = j, else off_value, for j from 0 to depth - 1.",
        inputs=("index",),
        attributes=(
            Attribute("depth", "int", "The extent of the new last axis."),
            Attribute("on_value", "float", "The value at the index."),
            Attribute("off_value", "float", "The value elsewhere."),
            DTYPE,
        ),
        family="indexing",
        rank_rule=lambda node: node.changed(1),
        dtype_rule="attribute",
    ),
    Operator(
        "ravel_index",
        "The input's first axis holds indices into an array of the given shape; the output is their position in "
        "row-major order, in the dtype of the input. The first extent has no effect.",
        attributes=(Attribute("shape", "ints", "The shape of the array."),),
        family="indexing",
        dtype_rule="same",
        rank_rule=lambda node: node.changed(-1),
    ),
    Operator(
        "unravel_index",
        "The inverse of ravel_index for the input made 1-D: output[m, n] is the index along axis m of position n, in the "
        "dtype of the input.",
        attributes=(Attribute("shape", "ints", "The shape of the array."),),
        family="indexing",
        dtype_rule="same",
        rank_rule=2,
    ),
)
