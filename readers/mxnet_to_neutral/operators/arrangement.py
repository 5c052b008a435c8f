"""Joining, cutting, repeating and padding: src/operator/tensor/matrix_op.cc, slice_channel.cc, pad.cc."""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


@rule("Concat", "_rnn_param_concat")
def concatenate(context: NodeContext) -> Operand:
    return joined(context, context.attributes.optional_int("dim", 1))


def joined(context: NodeContext, axis: int | None) -> Operand:
    """The inputs one after the other; without an axis they are made 1-D."""
    inputs = context.inputs()
    if axis is None:
        inputs = [context.node("reshape", value, shape=(-1,), from_end=False) for value in inputs]
    return context.node("concatenate", *inputs, axis=axis or 0)


@rule("stack")
def stack(context: NodeContext) -> Operand:
    return context.node("stack", *context.inputs(), axis=context.attributes.int("axis", 0))


@rule("SliceChannel")
def slice_channel(context: NodeContext) -> Sequence[Operand]:
    parts, axis = context.attributes.int("num_outputs", minimum=1), context.attributes.int("axis", 1)
    if context.attributes.bool("squeeze_axis", False):
        return parts_of(context.node("unbind", context.input(0), axis=axis, parts=parts), parts)
    if parts == 1:
        return [context.input(0)]
    return parts_of(context.node("split", context.input(0), axis=axis, parts=parts), parts)


@rule("_split_v2")
def split_v2(context: NodeContext) -> Sequence[Operand]:
    """``indices`` begins with a 0 that the Python function adds."""
    sections, axis = context.attributes.int("sections", 0), context.attributes.int("axis", 1)
    indices = context.attributes.ints("indices")
    squeeze = context.attributes.bool("squeeze_axis", False)
    parts = sections or len(indices)
    if not sections and indices[:1] != (0,):
        context.refuse(f"indices {indices} do not begin with 0")
    if squeeze:
        if not sections and indices != tuple(range(parts)):
            context.refuse(f"squeeze_axis with indices {indices}: the parts do not have extent 1")
        value = context.node("unbind", context.input(0), axis=axis, parts=parts)
    elif sections:
        value = context.node("uneven_split", context.input(0), axis=axis, parts=parts)
    else:
        value = context.node("split_at", context.input(0), axis=axis, indices=indices[1:])
    return parts_of(value, parts)


def parts_of(value: Value, count: int) -> list[Operand]:
    """The outputs of a node with several."""
    return [Value(value.node, output) for output in range(count)]


def slice_attributes(context: NodeContext) -> dict[str, Any]:
    """The attributes begin, end and step as those of a neutral slice, without axes that stay whole."""
    starts = context.attributes.optional_ints("begin") or ()
    ends = context.attributes.optional_ints("end") or ()
    given = context.attributes.optional_ints("step", ()) or ()
    steps = tuple(1 if step is None else step for step in given) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(steps):
        context.refuse(f"begin {starts}, end {ends} and step {given} differ in length")
    if 0 in steps:
        context.refuse(f"step {given} has a 0")
    ranges = zip(starts, ends, steps)
    cut = [(axis, *items) for axis, items in enumerate(ranges) if items != (None, None, 1)]
    return dict(zip(("axes", "starts", "ends", "steps"), zip(*cut))) if cut else {}


@rule("slice")
def slice_(context: NodeContext) -> Operand:
    attributes = slice_attributes(context)
    return context.node("slice", context.input(0), **attributes) if attributes else context.input(0)


@rule("slice_axis")
def slice_axis(context: NodeContext) -> Operand:
    axis, start, end = (
        context.attributes.int("axis"),
        context.attributes.int("begin"),
        context.attributes.optional_int("end"),
    )
    return context.node("slice", context.input(0), axes=(axis,), starts=(start or None,), ends=(end,), steps=(1,))


@rule("_slice_assign", "_slice_assign_scalar")
def slice_assign(context: NodeContext) -> Operand:
    scalar = context.operator.endswith("_scalar")
    value: Operand = context.attributes.float("scalar", 0.0) if scalar else context.input(1)
    attributes = slice_attributes(context)
    if not attributes:
        context.refuse("it replaces the whole of its input")
    return context.node("slice_assign", context.input(0), value, **attributes)


@rule("slice_like")
def slice_like(context: NodeContext) -> Operand:
    return context.node(
        "slice_like", context.input(0), context.input(1), axes=context.attributes.ints("axes", ()) or None
    )


@rule("Crop")
def crop(context: NodeContext) -> Operand:
    offset = context.attributes.ints("offset", (0, 0))
    size = context.attributes.ints("h_w", (0, 0))
    centred = context.attributes.bool("center_crop", False)
    if context.count > 1:
        if not centred and offset == (0, 0):
            return context.node("slice_like", context.input(0), context.input(1), axes=(2, 3))
        return context.node("crop", context.input(0), context.input(1), size=None, offset=None if centred else offset)
    if centred:
        return context.node("crop", context.input(0), None, size=size, offset=None)
    ends = tuple(start + extent for start, extent in zip(offset, size))
    return context.node("slice", context.input(0), axes=(2, 3), starts=offset, ends=ends, steps=(1, 1))


@rule("Pad")
def pad(context: NodeContext) -> Operand:
    mode = context.attributes.str("mode", choices=("constant", "edge", "reflect"))
    widths = context.attributes.ints("pad_width", minimum=0)
    value = context.attributes.float("constant_value", 0.0)
    return context.node("pad", context.input(0), mode=mode, before=widths[::2], after=widths[1::2], value=value)


@rule("tile")
def tile(context: NodeContext) -> Operand:
    repeats = context.attributes.ints("reps")
    return context.node("tile", context.input(0), repeats=repeats) if repeats else context.input(0)


@rule("repeat")
def repeat(context: NodeContext) -> Operand:
    repeats, axis = context.attributes.int("repeats"), context.attributes.optional_int("axis", None)
    return context.node("repeat", context.input(0), repeats=repeats, axis=axis)


@rule("reverse")
def flip(context: NodeContext) -> Operand:
    axes = context.attributes.ints("axis")
    return context.node("flip", context.input(0), axes=axes) if axes else context.input(0)


@rule("broadcast_to")
def broadcast_to(context: NodeContext) -> Operand:
    return context.node("broadcast_to", context.input(0), shape=context.attributes.ints("shape", ()))


@rule("broadcast_axis")
def broadcast_axis(context: NodeContext) -> Operand:
    axes, sizes = context.attributes.ints("axis", ()), context.attributes.ints("size", ())
    if len(axes) != len(sizes):
        context.refuse(f"axis {axes} and size {sizes} differ in length")
    return context.node("broadcast_axes", context.input(0), axes=axes, sizes=sizes) if axes else context.input(0)


@rule("broadcast_like")
def broadcast_like(context: NodeContext) -> Operand:
    axes, like_axes = (
        context.attributes.ints_or_none("lhs_axes", None),
        context.attributes.ints_or_none("rhs_axes", None),
    )
    if axes is None or like_axes is None:
        axes = like_axes = None
    elif len(axes) != len(like_axes):
        context.refuse(f"lhs_axes {axes} and rhs_axes {like_axes} differ in length")
    return context.node("broadcast_like", context.input(0), context.input(1), axes=axes, like_axes=like_axes)


def _window(context: NodeContext) -> dict[str, Any]:
    kernel = context.attributes.ints("kernel")
    if len(kernel) != 2:
        context.refuse(f"kernel {kernel}: MXNet computes it for images only")
    return {
        "kernel_size": kernel,
        "stride": context.attributes.ints("stride", ()) or (1, 1),
        "dilation": context.attributes.ints("dilate", ()) or (1, 1),
        "padding": context.attributes.ints("pad", ()) or (0, 0),
    }


@rule("im2col")
def im2col(context: NodeContext) -> Operand:
    return context.node("extract_patches", context.input(0), **_window(context))


@rule("col2im")
def col2im(context: NodeContext) -> Operand:
    return context.node(
        "add_patches", context.input(0), output_size=context.attributes.ints("output_size"), **_window(context)
    )
