"""Rules that join, slice and pad in NumPy mode: src/operator/numpy/np_matrix_op.cc, np_pad_op.cc, np_delete_op.cc."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.arrangement import concatenate_inputs, parts_of
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

_PADDINGS = ("constant", "edge", "reflect", "symmetric", "maximum", "minimum")

_STACKS = ("_npi_vstack", "_npi_hstack", "_npi_dstack", "_npi_column_stack")


@rule("_npi_concatenate")
def concatenate(context: NodeContext) -> Operand:
    """Convert ``np.concatenate``. Files call the attribute ``axis``, unlike the operator's registration."""
    return concatenate_inputs(context, context.attributes.optional_int("axis", 0))


@rule("_npi_stack")
def stack(context: NodeContext) -> Operand:
    """Convert ``np.stack``."""
    return context.node("stack", *context.inputs(), axis=context.attributes.int("axis", 0))


@rule(*_STACKS)
def stack_like_numpy(context: NodeContext) -> Operand:
    """Convert ``np.vstack``, ``np.hstack``, ``np.dstack`` and ``np.column_stack``."""
    context.attributes.ignore("dim", "axis")
    return context.node(context.operator[len("_npi_") :], *context.inputs())


@rule("_npi_hsplit", "_npi_dsplit", "_npi_array_split")
def split(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.hsplit``, ``np.dsplit`` and ``np.array_split``.

    ``hsplit`` splits axis 1, of vectors axis 0, and ``dsplit`` axis 2, whatever the attribute ``axis`` says.

    Returns:
        The parts in order.

    Raises:
        Refusal: Both sections and indices are given: MXNet mixes them.
    """
    sections, indices = context.attributes.int("sections", 0), context.attributes.ints("indices", ())
    if sections and indices:
        context.refuse("both sections and indices")
    axis = context.attributes.int("axis", 1)
    context.attributes.ignore("squeeze_axis")
    indices = indices[1:] if indices[:1] == (0,) else indices
    count = sections or len(indices) + 1
    if context.operator == "_npi_hsplit":
        sections_or_indices = {"parts": sections, "indices": None} if sections else {"parts": None, "indices": indices}
        return parts_of(context.node("hsplit", context.input(0), **sections_or_indices), count)
    if context.operator == "_npi_dsplit":
        axis = 2
    if not sections:
        return parts_of(context.node("split_at", context.input(0), axis=axis, indices=indices), count)
    kind = "uneven_split" if context.operator == "_npi_array_split" else "split"
    return parts_of(context.node(kind, context.input(0), axis=axis, parts=sections), count)


@rule("_npi_pad")
def pad(context: NodeContext) -> Operand:
    """Convert ``np.pad``; MXNet mirrors in one way, whatever ``reflect_type`` says."""
    mode = context.attributes.str("mode", "constant", choices=_PADDINGS)
    context.attributes.ignore("reflect_type")
    name = "constant_values" if context.attributes.given("constant_values") else "constant_value"
    widths = context.attributes.pairs("pad_width")
    return context.node(
        "pad",
        context.input(0),
        mode=mode,
        before=tuple(before for before, _ in widths),
        after=tuple(after for _, after in widths),
        value=context.attributes.float(name, 0.0),
    )


@rule("_npi_repeats")
def repeat(context: NodeContext) -> Operand:
    """Convert ``np.repeat``.

    Raises:
        Refusal: There is a number of repeats for each position.
    """
    repeats, axis = context.attributes.ints_or_none("repeats", None), context.attributes.optional_int("axis", None)
    if repeats is None or len(repeats) != 1:
        context.refuse(f"repeats {repeats}: a number for each position")
    return context.node("repeat", context.input(0), repeats=repeats[0], axis=axis)


@rule("_npi_delete")
def delete(context: NodeContext) -> Operand:
    """Convert ``np.delete`` of one position or of a range of positions.

    Raises:
        Refusal: Positions are a tensor or a range with a step, or nothing is left.
    """
    axis = context.attributes.optional_int("axis", None)
    value = context.input(0)
    if axis is None:
        value, axis = context.node("reshape", value, shape=(-1,), from_end=False), 0
    position = context.attributes.optional_int("int_ind", None)
    start, stop = context.attributes.optional_int("start", None), context.attributes.optional_int("stop", None)
    step = context.attributes.optional_int("step", None)
    if context.count > 1 or (position is None and step not in (None, 1)):
        context.refuse("positions that are neither one nor a range")
    if position is not None:
        start, stop = position, (position + 1 or None)
    parts = []
    if start not in (None, 0):
        parts.append(context.node("slice", value, axes=(axis,), starts=(None,), ends=(start,), steps=(1,)))
    if stop is not None:
        parts.append(context.node("slice", value, axes=(axis,), starts=(stop,), ends=(None,), steps=(1,)))
    if not parts:
        context.refuse("nothing is left")
    return context.node("concatenate", *parts, axis=axis) if len(parts) > 1 else parts[0]


@rule("_npi_diff")
def difference(context: NodeContext) -> Operand:
    """Convert ``np.diff``: the n-th discrete difference along an axis."""
    times = context.attributes.int("n", 1)
    axis = context.attributes.int("axis", -1)
    return context.node("difference", context.input(0), axis=axis, times=times) if times else context.input(0)


@rule("_npi_ediff1d")
def flat_difference(context: NodeContext) -> Operand:
    """Convert ``np.ediff1d``: the differences of neighbours in the flat input, between numbers or tensors."""
    flat = _flat(context, 0)
    value, tensors, next_input = context.node("difference", flat, axis=0, times=1), {}, 1
    for end, widths in (("begin", ((1,), (0,))), ("end", ((0,), (1,)))):
        number = context.attributes.optional_float(f"to_{end}_scalar", None)
        if context.attributes.bool(f"to_{end}_arr_given", False):
            tensors[end] = _flat(context, next_input)
            next_input += 1
        elif number is not None:
            before, after = widths
            value = context.node("pad", value, mode="constant", before=before, after=after, value=number)
    parts = [part for part in (tensors.get("begin"), value, tensors.get("end")) if part is not None]
    return context.node("concatenate", *parts, axis=0) if tensors else value


def _flat(context: NodeContext, index: int) -> Value:
    """Return an input as a vector."""
    return context.node("reshape", context.input(index), shape=(-1,), from_end=False)
