"""Sorting, and selection of elements by index.

An index of a floating dtype is truncated towards zero.
"""

from __future__ import annotations

from neutral.operators.creation import DTYPE
from neutral.operators.declarations import AXIS, Attribute, Operator
from neutral.operators.ranks import RankContext

DESCENDING = Attribute("descending", "bool", "True for descending order, False for ascending order.")

TOP = (
    AXIS,
    Attribute("count", "int", "The number of elements to choose; None: all.", optional=True, minimum=0),
    Attribute("largest", "bool", "True to choose the largest elements, False for the smallest."),
)


def _taken_rank(node: RankContext) -> int | None:
    index = node.rank(1)
    return None if index is None else node.changed(index - 1)


OPERATORS = (
    Operator(
        "sort",
        "Sort the elements along an axis; equal elements keep their order. The second output is the position of "
        "each element in the input, as int64.",
        attributes=(AXIS, DESCENDING),
        outputs=("values", "positions"),
        family="indexing",
        discontinuous=True,
        rank_rule=lambda node: (node.rank(), node.rank()),
        dtype_rule="same",
        keeps_shape=True,
    ),
    Operator(
        "top_k",
        "Return the largest (or smallest) elements along an axis, the most extreme first; of equal elements, "
        "those at the first positions. The second output is the position of each element in the input, as int64.",
        attributes=TOP,
        outputs=("values", "positions"),
        family="indexing",
        discontinuous=True,
        rank_rule=lambda node: (node.rank(), node.rank()),
        dtype_rule="same",
    ),
    Operator(
        "top_k_mask",
        "output = 1 at the positions of the elements that top_k chooses, else 0, in the dtype of the input.",
        attributes=TOP,
        family="indexing",
        discontinuous=True,
        dtype_rule="same",
        keeps_shape=True,
        rank_rule="same",
    ),
    Operator(
        "take",
        "Take the positions of an axis that an index tensor names; the axes of the index replace that axis. An "
        "index out of range is clamped (clamp), taken modulo the extent (wrap), or an error (error).",
        inputs=("input", "index"),
        attributes=(
            AXIS,
            Attribute(
                "out_of_range", "str", "The treatment of indices out of range.", choices=("clamp", "wrap", "error")
            ),
        ),
        family="indexing",
        dtype_rule="same",
        rank_rule=_taken_rank,
    ),
    Operator(
        "gather_nd",
        "output[j..., k...] = input[index[0, j...], ..., index[M - 1, j...], k...], where M is the extent of the "
        "index's first axis. Negative indices count from the end; an index out of range is an error.",
        inputs=("input", "index"),
        family="indexing",
        dtype_rule="same",
    ),
    Operator(
        "scatter_nd",
        "A tensor of zeros with output[index[0, j...], ..., index[M - 1, j...], k...] = input[j..., k...], where "
        "M is the extent of the index's first axis. Of repeated indices the last one takes effect.",
        inputs=("input", "index"),
        attributes=(Attribute("shape", "ints", "The shape of the output.", minimum=0),),
        family="indexing",
        rank_rule=lambda node: len(node["shape"]),
        dtype_rule="same",
    ),
    Operator(
        "index_copy",
        "The input with input[index[i], ...] replaced by value[i, ...]; index is 1-D. Of repeated indices the "
        "last one takes effect.",
        inputs=("input", "index", "value"),
        family="indexing",
        dtype_rule="same",
        keeps_shape=True,
        rank_rule="same",
    ),
    *(
        Operator(
            kind,
            f"The input with value {how} input[index[0], index[1], ...], where the index's first axis has one "
            f"entry for each of the input's first axes. {repeated}",
            inputs=("input", "index", "value"),
            family="indexing",
            keeps_shape=True,
            rank_rule="same",
            dtype_rule="same",
        )
        for kind, how, repeated in (
            ("index_add", "added to", "Values at repeated indices are all added."),
            ("index_update", "replacing", "Of repeated indices the last one takes effect."),
        )
    ),
    Operator(
        "boolean_mask",
        "Keep the positions of an axis at which mask, a vector, is not 0. The extent of the output depends on the "
        "mask.",
        inputs=("input", "mask"),
        attributes=(AXIS,),
        family="indexing",
        dtype_rule="same",
        rank_rule="same",
    ),
    Operator(
        "nonzero",
        "Return the indices of all elements that are not 0, as int64: one row for each element, in row-major "
        "order. The number of rows depends on the input.",
        family="indexing",
        dtype_rule="int64",
        rank_rule=2,
    ),
    Operator(
        "mask_update",
        "The input with value in place of the elements at which mask is not 0. The axes of the mask are those of the "
        "input from axis on; taken together they are one axis, along which the chosen positions are replaced by the "
        "positions of value in order, or all by its only one. A value with one axis less has no such axis, and a "
        "value of one element replaces all chosen elements; its fraction is dropped for an input of integers.",
        inputs=("input", "mask", "value"),
        attributes=(Attribute("axis", "int", "The first axis of the mask.", minimum=0),),
        family="indexing",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "insert",
        "Insert value before positions of an axis. A single position (the attribute, or positions of rank 0) takes as "
        "many new positions as the first axis of value has, which is then moved to axis; positions of one element or a "
        "slice of one take as many as value has along axis; otherwise value is broadcast to one new position for each. "
        "Axes of extent 1 are added in front of value up to the rank of the input. Positions count in the input, "
        "negative ones from its end; at equal ones, values keep their order. The value is cast to the input's dtype.",
        inputs=("input", "value", "positions?"),
        attributes=(
            Attribute("axis", "int", "The axis; None: the input is flattened first.", optional=True),
            Attribute("position", "int", "The single position, or None.", optional=True),
            Attribute(
                "slice",
                "optional_ints",
                "Start, stop and step of the positions, None for the ends of the axis and for 1, as in Python; or None.",
                optional=True,
            ),
        ),
        family="indexing",
        rank_rule=lambda node: 1 if node["axis"] is None else node.rank(),
        dtype_rule="same",
    ),
    Operator(
        "diagonal_indices",
        "The indices of the main diagonal of an array whose axes have equal extents, as int64: a row for each axis, "
        "0, 1, ... to the extent - 1 in each.",
        family="indexing",
        rank_rule=2,
        dtype_rule="int64",
    ),
    Operator(
        "one_hot",
        "output[..., j] = on_value if index[...] = j, else off_value, for j from 0 to depth - 1.",
        inputs=("index",),
        attributes=(
            Attribute("depth", "int", "The extent of the new last axis.", minimum=0),
            Attribute("on_value", "float", "The value at the index."),
            Attribute("off_value", "float", "The value at all other positions."),
            DTYPE,
        ),
        family="indexing",
        rank_rule=lambda node: node.changed(1),
        dtype_rule="attribute",
    ),
    Operator(
        "ravel_index",
        "Convert indices into an array of the given shape, which the first axis of the input holds, to positions "
        "in row-major order, in the dtype of the input. The first extent of the shape has no effect.",
        attributes=(Attribute("shape", "ints", "The shape of the array; -1 is unknown.", minimum=-1),),
        family="indexing",
        dtype_rule="same",
        rank_rule=lambda node: node.changed(-1),
    ),
    Operator(
        "unravel_index",
        "The inverse of ravel_index: output[m, ...] is the index along axis m of the position input[...], in the dtype of the "
        "input. Divisions round towards zero.",
        attributes=(Attribute("shape", "ints", "The shape of the array; -1 is unknown.", minimum=-1),),
        family="indexing",
        dtype_rule="same",
        rank_rule=lambda node: node.changed(1),
    ),
)
