"""Joining, cutting and padding in NumPy mode: src/operator/numpy/np_matrix_op.cc, np_pad_op.cc, np_delete_op.cc."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.arrangement import joined, parts_of
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

_STACKS = ("_npi_vstack", "_npi_hstack", "_npi_dstack", "_npi_column_stack")


@rule("_npi_concatenate")
def concatenate(op: Op) -> Operand:
    """The attribute is called axis in files, whatever the operator's own name for it."""
    return joined(op, op.attributes.optional_int("axis", 0))


@rule("_npi_stack")
def stack(op: Op) -> Operand:
    return op.node("stack", *op.inputs(), axis=op.attributes.int("axis", 0))


@rule(*_STACKS)
def stack_like_numpy(op: Op) -> Operand:
    op.attributes.ignore("dim", "axis")
    return op.node(op.operator[len("_npi_") :], *op.inputs())


@rule("_npi_hsplit", "_npi_dsplit", "_npi_array_split")
def split(op: Op) -> Sequence[Operand]:
    """The axis is 1 for hsplit, or 0 for vectors, and 2 for dsplit, whatever the attribute says."""
    sections, indices = op.attributes.int("sections", 0), op.attributes.ints("indices", ())
    axis = op.attributes.int("axis", 0)
    op.attributes.ignore("squeeze_axis")
    indices = indices[1:] if indices[:1] == (0,) else indices
    count = sections or len(indices) + 1
    if op.operator == "_npi_hsplit":
        given = {"parts": sections, "indices": None} if sections else {"parts": None, "indices": indices}
        return parts_of(op.node("hsplit", op.input(0), **given), count)
    if op.operator == "_npi_dsplit":
        axis = 2
    if not sections:
        return parts_of(op.node("split_at", op.input(0), axis=axis, indices=indices), count)
    kind = "uneven_split" if op.operator == "_npi_array_split" else "split"
    return parts_of(op.node(kind, op.input(0), axis=axis, parts=sections), count)


@rule("_npi_pad")
def pad(op: Op) -> Operand:
    mode = op.attributes.str("mode", "constant")
    if mode not in ("constant", "edge", "reflect"):
        op.refuse(f"mode {mode}")
    if op.attributes.str("reflect_type", "even") != "even":
        op.refuse("a reflect_type other than even")
    name = "constant_values" if op.attributes.given("constant_values") else "constant_value"
    widths = op.attributes.pairs("pad_width")
    return op.node(
        "pad",
        op.input(0),
        mode=mode,
        before=tuple(before for before, _ in widths),
        after=tuple(after for _, after in widths),
        value=op.attributes.float(name, 0.0),
    )


@rule("_npi_repeats")
def repeat(op: Op) -> Operand:
    repeats, axis = op.attributes.ints_or_none("repeats", None), op.attributes.optional_int("axis", None)
    if repeats is None or len(repeats) != 1:
        op.refuse(f"repeats {repeats}: a number for each position")
    return op.node("repeat", op.input(0), repeats=repeats[0], axis=axis)


@rule("_npi_delete")
def delete(op: Op) -> Operand:
    """All but one position, or but a range of them."""
    axis = op.attributes.optional_int("axis", None)
    value = op.input(0)
    if axis is None:
        value, axis = op.node("reshape", value, shape=(-1,), from_end=False), 0
    place = op.attributes.optional_int("int_ind", None)
    start, stop = op.attributes.optional_int("start", None), op.attributes.optional_int("stop", None)
    step = op.attributes.optional_int("step", None)
    if op.count > 1 or (place is None and step not in (None, 1)):
        op.refuse("positions that are neither one nor a range")
    if place is not None:
        start, stop = place, (place + 1 or None)
    parts = []
    if start not in (None, 0):
        parts.append(op.node("slice", value, axes=(axis,), starts=(None,), ends=(start,), steps=(1,)))
    if stop is not None:
        parts.append(op.node("slice", value, axes=(axis,), starts=(stop,), ends=(None,), steps=(1,)))
    if not parts:
        op.refuse("nothing is left")
    return op.node("concatenate", *parts, axis=axis) if len(parts) > 1 else parts[0]


@rule("_npi_diff")
def difference(op: Op) -> Operand:
    times = op.attributes.int("n", 1, minimum=0)
    axis = op.attributes.int("axis", -1)
    return op.node("difference", op.input(0), axis=axis, times=times) if times else op.input(0)
