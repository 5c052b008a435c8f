"""Joining, cutting, repeating and padding: src/operator/tensor/matrix_op.cc, slice_channel.cc, pad.cc."""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


@rule("Concat", "_rnn_param_concat")
def concatenate(op: Op) -> Operand:
    return joined(op, op.attributes.optional_int("dim", 1))


def joined(op: Op, axis: int | None) -> Operand:
    """The inputs one after the other; without an axis they are made 1-D."""
    inputs = op.inputs()
    if axis is None:
        inputs = [op.node("reshape", value, shape=(-1,), from_end=False) for value in inputs]
    return op.node("concatenate", *inputs, axis=axis or 0)


@rule("stack")
def stack(op: Op) -> Operand:
    return op.node("stack", *op.inputs(), axis=op.attributes.int("axis", 0))


@rule("SliceChannel")
def slice_channel(op: Op) -> Sequence[Operand]:
    parts, axis = op.attributes.int("num_outputs", minimum=1), op.attributes.int("axis", 1)
    if op.attributes.bool("squeeze_axis", False):
        return parts_of(op.node("unbind", op.input(0), axis=axis, parts=parts), parts)
    if parts == 1:
        return [op.input(0)]
    return parts_of(op.node("split", op.input(0), axis=axis, parts=parts), parts)


@rule("_split_v2")
def split_v2(op: Op) -> Sequence[Operand]:
    """``indices`` begins with a 0 that the Python function adds."""
    sections, axis = op.attributes.int("sections", 0), op.attributes.int("axis", 1)
    indices = op.attributes.ints("indices")
    squeeze = op.attributes.bool("squeeze_axis", False)
    parts = sections or len(indices)
    if not sections and indices[:1] != (0,):
        op.refuse(f"indices {indices} do not begin with 0")
    if squeeze:
        if not sections and indices != tuple(range(parts)):
            op.refuse(f"squeeze_axis with indices {indices}: the parts do not have extent 1")
        value = op.node("unbind", op.input(0), axis=axis, parts=parts)
    elif sections:
        value = op.node("uneven_split", op.input(0), axis=axis, parts=parts)
    else:
        value = op.node("split_at", op.input(0), axis=axis, indices=indices[1:])
    return parts_of(value, parts)


def parts_of(value: Value, count: int) -> list[Operand]:
    """The outputs of a node with several."""
    return [Value(value.node, output) for output in range(count)]


def slice_attributes(op: Op) -> dict[str, Any]:
    """The attributes begin, end and step as those of a neutral slice, without axes that stay whole."""
    starts = op.attributes.optional_ints("begin") or ()
    ends = op.attributes.optional_ints("end") or ()
    given = op.attributes.optional_ints("step", ()) or ()
    steps = tuple(1 if step is None else step for step in given) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(steps):
        op.refuse(f"begin {starts}, end {ends} and step {given} differ in length")
    if 0 in steps:
        op.refuse(f"step {given} has a 0")
    ranges = zip(starts, ends, steps)
    cut = [(axis, *items) for axis, items in enumerate(ranges) if items != (None, None, 1)]
    return dict(zip(("axes", "starts", "ends", "steps"), zip(*cut))) if cut else {}


@rule("slice")
def slice_(op: Op) -> Operand:
    attributes = slice_attributes(op)
    return op.node("slice", op.input(0), **attributes) if attributes else op.input(0)


@rule("slice_axis")
def slice_axis(op: Op) -> Operand:
    axis, start, end = op.attributes.int("axis"), op.attributes.int("begin"), op.attributes.optional_int("end")
    return op.node("slice", op.input(0), axes=(axis,), starts=(start or None,), ends=(end,), steps=(1,))


@rule("_slice_assign", "_slice_assign_scalar")
def slice_assign(op: Op) -> Operand:
    scalar = op.operator.endswith("_scalar")
    value: Operand = op.attributes.float("scalar", 0.0) if scalar else op.input(1)
    attributes = slice_attributes(op)
    if not attributes:
        op.refuse("it replaces the whole of its input")
    return op.node("slice_assign", op.input(0), value, **attributes)


@rule("slice_like")
def slice_like(op: Op) -> Operand:
    return op.node("slice_like", op.input(0), op.input(1), axes=op.attributes.ints("axes", ()) or None)


@rule("Crop")
def crop(op: Op) -> Operand:
    offset = op.attributes.ints("offset", (0, 0))
    size = op.attributes.ints("h_w", (0, 0))
    centred = op.attributes.bool("center_crop", False)
    if op.count > 1:
        if not centred and offset == (0, 0):
            return op.node("slice_like", op.input(0), op.input(1), axes=(2, 3))
        return op.node("crop", op.input(0), op.input(1), size=None, offset=None if centred else offset)
    if centred:
        return op.node("crop", op.input(0), None, size=size, offset=None)
    ends = tuple(start + extent for start, extent in zip(offset, size))
    return op.node("slice", op.input(0), axes=(2, 3), starts=offset, ends=ends, steps=(1, 1))


@rule("Pad")
def pad(op: Op) -> Operand:
    mode = op.attributes.str("mode", choices=("constant", "edge", "reflect"))
    widths = op.attributes.ints("pad_width", minimum=0)
    value = op.attributes.float("constant_value", 0.0)
    return op.node("pad", op.input(0), mode=mode, before=widths[::2], after=widths[1::2], value=value)


@rule("tile")
def tile(op: Op) -> Operand:
    repeats = op.attributes.ints("reps")
    return op.node("tile", op.input(0), repeats=repeats) if repeats else op.input(0)


@rule("repeat")
def repeat(op: Op) -> Operand:
    repeats, axis = op.attributes.int("repeats"), op.attributes.optional_int("axis", None)
    return op.node("repeat", op.input(0), repeats=repeats, axis=axis)


@rule("reverse")
def flip(op: Op) -> Operand:
    axes = op.attributes.ints("axis")
    return op.node("flip", op.input(0), axes=axes) if axes else op.input(0)


@rule("broadcast_to")
def broadcast_to(op: Op) -> Operand:
    return op.node("broadcast_to", op.input(0), shape=op.attributes.ints("shape", ()))


@rule("broadcast_axis")
def broadcast_axis(op: Op) -> Operand:
    axes, sizes = op.attributes.ints("axis", ()), op.attributes.ints("size", ())
    if len(axes) != len(sizes):
        op.refuse(f"axis {axes} and size {sizes} differ in length")
    return op.node("broadcast_axes", op.input(0), axes=axes, sizes=sizes) if axes else op.input(0)


@rule("broadcast_like")
def broadcast_like(op: Op) -> Operand:
    axes, like_axes = op.attributes.ints_or_none("lhs_axes", None), op.attributes.ints_or_none("rhs_axes", None)
    if axes is None or like_axes is None:
        axes = like_axes = None
    elif len(axes) != len(like_axes):
        op.refuse(f"lhs_axes {axes} and rhs_axes {like_axes} differ in length")
    return op.node("broadcast_like", op.input(0), op.input(1), axes=axes, like_axes=like_axes)


def _window(op: Op) -> dict[str, Any]:
    kernel = op.attributes.ints("kernel")
    if len(kernel) != 2:
        op.refuse(f"kernel {kernel}: MXNet computes it for images only")
    return {
        "kernel_size": kernel,
        "stride": op.attributes.ints("stride", ()) or (1, 1),
        "dilation": op.attributes.ints("dilate", ()) or (1, 1),
        "padding": op.attributes.ints("pad", ()) or (0, 0),
    }


@rule("im2col")
def im2col(op: Op) -> Operand:
    return op.node("extract_patches", op.input(0), **_window(op))


@rule("col2im")
def col2im(op: Op) -> Operand:
    return op.node("add_patches", op.input(0), output_size=op.attributes.ints("output_size"), **_window(op))
