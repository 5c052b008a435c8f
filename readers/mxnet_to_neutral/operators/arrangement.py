"""Rules that join, slice, repeat and pad: src/operator/tensor/matrix_op.cc, slice_channel.cc, pad.cc."""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


@rule("Concat", "_rnn_param_concat")
def concatenate(context: NodeContext) -> Operand:
    """Convert ``Concat``: join the inputs along ``dim``."""
    return concatenate_inputs(context, context.attributes.optional_int("dim", 1))


def concatenate_inputs(context: NodeContext, axis: int | None) -> Operand:
    """Concatenate all inputs of a node.

    Args:
        context: The node.
        axis: The axis; None to flatten every input first.

    Returns:
        The concatenation.
    """
    inputs = context.inputs()
    if axis is None:
        inputs = [context.node("reshape", value, shape=(-1,), from_end=False) for value in inputs]
    return context.node("concatenate", *inputs, axis=axis or 0)


@rule("stack")
def stack(context: NodeContext) -> Operand:
    """Convert ``stack``: join the inputs along a new axis."""
    return context.node("stack", *context.inputs(), axis=context.attributes.int("axis", 0))


@rule("SliceChannel")
def slice_channel(context: NodeContext) -> Sequence[Operand]:
    """Convert ``SliceChannel`` (``split``): split an axis into equal parts; ``squeeze_axis`` removes the axis.

    Returns:
        The parts in order.
    """
    parts, axis = context.attributes.int("num_outputs"), context.attributes.int("axis", 1)
    if context.attributes.bool("squeeze_axis", False):
        return parts_of(context.node("unbind", context.input(0), axis=axis, parts=parts), parts)
    if parts == 1:
        return [context.input(0)]
    return parts_of(context.node("split", context.input(0), axis=axis, parts=parts), parts)


@rule("_split_v2")
def split_v2(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_split_v2`` (``np.split``): split an axis into ``sections`` parts, or at ``indices``.

    MXNet's Python function prepends a 0 to ``indices``.

    Returns:
        The parts in order.

    Raises:
        Refusal: ``indices`` do not begin with 0, or ``squeeze_axis`` is set for parts of another extent than 1.
    """
    sections, axis = context.attributes.int("sections", 0), context.attributes.int("axis", 1)
    indices = context.attributes.ints_or_none("indices") or ()
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
    """Return the outputs of a node.

    Args:
        value: The node's first output.
        count: The number of outputs.

    Returns:
        The values of outputs 0 to ``count`` - 1.
    """
    return [Value(value.node, output) for output in range(count)]


def slice_attributes(context: NodeContext) -> dict[str, Any]:
    """Return ``begin``, ``end`` and ``step`` as attributes of the catalogue's ``slice``.

    Args:
        context: The node.

    Returns:
        ``axes``, ``starts``, ``ends`` and ``steps`` of the axes that are not taken whole; empty if all are.

    Raises:
        Refusal: The attributes differ in length, or a step is 0.
    """
    starts = context.attributes.optional_ints("begin") or ()
    ends = context.attributes.optional_ints("end") or ()
    given = context.attributes.optional_ints("step", ()) or ()
    steps = tuple(1 if step is None else step for step in given) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(steps):
        context.refuse(f"begin {starts}, end {ends} and step {given} differ in length")
    if 0 in steps:
        context.refuse(f"step {given} has a 0")
    ranges = zip(starts, ends, steps)
    partial = [(axis, *items) for axis, items in enumerate(ranges) if items != (None, None, 1)]
    return dict(zip(("axes", "starts", "ends", "steps"), zip(*partial))) if partial else {}


@rule("slice")
def slice_(context: NodeContext) -> Operand:
    """Convert ``slice``: a range with a step of each axis."""
    attributes = slice_attributes(context)
    return context.node("slice", context.input(0), **attributes) if attributes else context.input(0)


@rule("slice_axis")
def slice_axis(context: NodeContext) -> Operand:
    """Convert ``slice_axis``: a range of one axis."""
    axis, start, end = (
        context.attributes.int("axis"),
        context.attributes.int("begin"),
        context.attributes.optional_int("end"),
    )
    return context.node("slice", context.input(0), axes=(axis,), starts=(start or None,), ends=(end,), steps=(1,))


@rule("_slice_assign", "_slice_assign_scalar")
def slice_assign(context: NodeContext) -> Operand:
    """Convert ``_slice_assign`` and ``_slice_assign_scalar``: replace a slice of the input by a tensor or a number.

    Raises:
        Refusal: The slice is the whole input.
    """
    scalar = context.operator.endswith("_scalar")
    value: Operand = context.attributes.float("scalar", 0.0) if scalar else context.input(1)
    attributes = slice_attributes(context)
    if not attributes:
        context.refuse("it replaces the whole of its input")
    return context.node("slice_assign", context.input(0), value, **attributes)


@rule("slice_like")
def slice_like(context: NodeContext) -> Operand:
    """Convert ``slice_like``: slice the input to the shape of another one, on all axes or on ``axes``.

    MXNet slices all axes if ``axes`` are left out or empty, and none if they are None.
    """
    axes = context.attributes.ints_or_none("axes", ())
    if axes is None:
        return context.input(0)
    return context.node("slice_like", context.input(0), context.input(1), axes=axes or None)


@rule("Crop")
def crop(context: NodeContext) -> Operand:
    """Convert ``Crop``: crop an image to ``h_w`` or to a second input's size, at ``offset`` or at the centre."""
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
    """Convert ``Pad``: pad with a constant, with edge values or by reflection."""
    mode = context.attributes.str("mode", choices=("constant", "edge", "reflect"))
    widths = context.attributes.ints("pad_width")
    value = context.attributes.float("constant_value", 0.0)
    return context.node("pad", context.input(0), mode=mode, before=widths[::2], after=widths[1::2], value=value)


@rule("tile")
def tile(context: NodeContext) -> Operand:
    """Convert ``tile``: repeat the tensor along its axes."""
    repeats = context.attributes.ints_or_none("reps")
    return context.node("tile", context.input(0), repeats=repeats) if repeats else context.input(0)


@rule("repeat")
def repeat(context: NodeContext) -> Operand:
    """Convert ``repeat``: repeat every element along an axis, or of the flattened tensor."""
    repeats, axis = context.attributes.int("repeats"), context.attributes.optional_int("axis", None)
    return context.node("repeat", context.input(0), repeats=repeats, axis=axis)


@rule("reverse")
def flip(context: NodeContext) -> Operand:
    """Convert ``reverse`` (``flip``): reverse the order of elements along axes."""
    return flip_each(context, context.attributes.ints("axis"))


def flip_each(context: NodeContext, named: tuple[int, ...]) -> Operand:
    """Flip the first input along one axis after the other, so that an axis that is named twice stays as it is.

    Args:
        context: The node.
        named: Axes; negative ones count from the end.

    Returns:
        The flipped input; the input itself if nothing is left to flip.
    """
    axes = tuple(axis for axis in dict.fromkeys(named) if named.count(axis) % 2)
    value = context.input(0)
    if min(axes, default=0) < 0 <= max(axes, default=0):  # 1 and -1 may be the same axis
        value = context.node("flip", value, axes=tuple(axis for axis in axes if axis < 0))
        axes = tuple(axis for axis in axes if axis >= 0)
    return context.node("flip", value, axes=axes) if axes else value


@rule("broadcast_to")
def broadcast_to(context: NodeContext) -> Operand:
    """Convert ``broadcast_to``: broadcast to a shape, in which 0 keeps an extent."""
    return context.node("broadcast_to", context.input(0), shape=context.attributes.ints("shape", ()))


@rule("broadcast_axis")
def broadcast_axis(context: NodeContext) -> Operand:
    """Convert ``broadcast_axis``: broadcast axes of extent 1 to sizes.

    Raises:
        Refusal: ``axis`` and ``size`` differ in length.
    """
    axes, sizes = context.attributes.ints("axis", ()), context.attributes.ints("size", ())
    if len(axes) != len(sizes):
        context.refuse(f"axis {axes} and size {sizes} differ in length")
    return context.node("broadcast_axes", context.input(0), axes=axes, sizes=sizes) if axes else context.input(0)


@rule("broadcast_like")
def broadcast_like(context: NodeContext) -> Operand:
    """Convert ``broadcast_like``: broadcast to another input's shape, or axes to that input's axes.

    Raises:
        Refusal: ``lhs_axes`` and ``rhs_axes`` differ in length.
    """
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
    """Return the attributes of a sliding window over an image."""
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
    """Convert ``im2col``: extract the patches of a sliding window as columns.

    Raises:
        Refusal: The kernel does not have two dimensions.
    """
    return context.node("extract_patches", context.input(0), **_window(context))


@rule("col2im")
def col2im(context: NodeContext) -> Operand:
    """Convert ``col2im``: add up the patches of a sliding window to an image.

    Raises:
        Refusal: The kernel does not have two dimensions.
    """
    return context.node(
        "add_patches", context.input(0), output_size=context.attributes.ints("output_size"), **_window(context)
    )
