"""Rules for shapes and axes in NumPy mode: src/operator/numpy/np_matrix_op.cc, np_moveaxis_op.cc, np_tril_op.cc."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.arrangement import flip_each
from mxnet_to_neutral.operators.registry import rule
from mxnet_to_neutral.operators.shape import plain_reshape
from neutral.graph import Operand, Value

INFER, COPY, DROP, REST, MERGE, SPLIT = -1, -2, -3, -4, -5, -6
"""The codes of ``npx.reshape``, which differ from those of ``Reshape``."""

KEEP, KEEP_REST = 0, -2
"""The codes of the catalogue's ``reshape``."""


@rule("_np_reshape")
def reshape(context: NodeContext) -> Operand:
    """Convert ``np.reshape``.

    Raises:
        Refusal: ``order`` is not "C", or an extent is 0.
    """
    _row_major(context)
    shape = context.attributes.ints("newshape")
    return context.node("reshape", context.input(0), shape=_without_zeros(context, shape), from_end=False)


@rule("_npx_reshape")
def npx_reshape(context: NodeContext) -> Operand:
    """Convert ``npx.reshape``, whose negative codes keep, drop, merge and split axes.

    Axes are dropped, merged and split first; then every code but ``REST`` stands for one axis, and a reshape remains.

    Raises:
        Refusal: ``order`` is not "C", or the codes are contradictory.
    """
    _row_major(context)
    codes = context.attributes.ints("newshape")
    reverse = context.attributes.bool("reverse", False)
    value = context.input(0)
    remaining = list(codes[::-1] if reverse else codes)
    shape: list[int] = []
    while remaining:
        code, place = remaining.pop(0), len(shape)
        if KEEP_REST in shape and code < INFER:
            context.refuse(f"newshape {codes} asks for axes of the input behind the last one")
        if code == DROP:
            axis = -place - 1 if reverse else place
            value = context.node("squeeze", value, axes=(axis,), at_least_1d=False)
        elif code == MERGE:
            value = context.node("merge_axes", value, axis=-place - 2 if reverse else place, count=2)
            shape.append(KEEP)
        elif code == SPLIT:
            sizes = _split_sizes(context, codes, remaining)
            axis = -place - 1 if reverse else place
            value = context.node("split_axis", value, axis=axis, sizes=sizes[::-1] if reverse else sizes)
            shape += [KEEP, KEEP]
        else:
            shape.append({COPY: KEEP, REST: KEEP_REST}[code] if code < INFER else _without_zeros(context, (code,))[0])
    return plain_reshape(context, value, shape, f"newshape {codes}", reverse=reverse)


def _split_sizes(context: NodeContext, codes: Sequence[int], remaining: list[int]) -> tuple[int, int]:
    """Take the two extents after the code ``SPLIT``."""
    sizes = (remaining.pop(0), remaining.pop(0)) if len(remaining) > 1 else (0, 0)
    if 0 in sizes or min(sizes) < INFER or sizes == (INFER, INFER):
        context.refuse(f"newshape {codes}: -6 needs two extents, one of which may be -1")
    return sizes


def _row_major(context: NodeContext) -> None:
    """Refuse an ``order`` other than "C"."""
    order = context.attributes.str("order", "C")
    if order != "C":
        context.refuse(f"order {order!r}, which MXNet does not compute either")


def _without_zeros(context: NodeContext, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse an extent of 0."""
    if 0 in shape:
        context.refuse(f"shape {shape} holds no element")
    return shape


@rule("_np_transpose", "_npi_transpose")
def transpose(context: NodeContext) -> Operand:
    """Convert ``np.transpose``."""
    return context.node("transpose", context.input(0), axes=context.attributes.ints_or_none("axes", None) or None)


@rule("_np_squeeze", "_npi_squeeze")
def squeeze(context: NodeContext) -> Operand:
    """Convert ``np.squeeze``.

    Raises:
        Refusal: An axis is repeated.
    """
    axes = context.attributes.ints_or_none("axis", None)
    if axes is not None and len(set(axes)) < len(axes):
        context.refuse(f"axes {axes}, of which one is repeated")
    return context.input(0) if axes == () else context.node("squeeze", context.input(0), axes=axes, at_least_1d=False)


@rule("_np_moveaxis", "_npi_moveaxis")
def move_axis(context: NodeContext) -> Operand:
    """Convert ``np.moveaxis``."""
    sources, destinations = context.attributes.ints("source"), context.attributes.ints("destination")
    if len(sources) == len(destinations) == 1:
        return context.node("move_axis", context.input(0), source=sources[0], destination=destinations[0])
    return context.node("move_axes", context.input(0), sources=sources, destinations=destinations)


@rule("_npi_rollaxis")
def roll_axis(context: NodeContext) -> Operand:
    """Convert ``np.rollaxis``.

    Raises:
        Refusal: ``axis`` and ``start`` have different signs, so that the result depends on the rank.
    """
    axis, start = context.attributes.int("axis"), context.attributes.int("start", 0)
    if (axis < 0) != (start < 0) and start != 0:
        context.refuse(f"axis {axis} and start {start}: which comes first depends on the number of axes")
    destination = start - 1 if 0 <= axis < start or axis < start < 0 else start
    return context.node("move_axis", context.input(0), source=axis, destination=destination)


@rule("_npi_rot90")
def rotate(context: NodeContext) -> Operand:
    """Convert ``np.rot90``."""
    axes = context.attributes.ints_or_none("axes", None) or (0, 1)
    if len(axes) != 2:
        context.refuse(f"axes {axes}, which are to be two")
    first, second = axes
    return context.node(
        "rotate90", context.input(0), quarters=context.attributes.int("k", 1), axis=first, other_axis=second
    )


@rule(
    *(f"_np{prefix}_atleast_{dims}d" for prefix in ("", "i") for dims in (1, 2, 3)),
)
def at_least_nd(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.atleast_1d``, ``np.atleast_2d`` and ``np.atleast_3d``.

    Returns:
        An output for each input.
    """
    dims = int(context.operator[-2])
    return [context.node("at_least", value, dims=dims) for value in context.inputs()]


@rule("_npi_flip")
def flip(context: NodeContext) -> Operand:
    """Convert ``np.flip``."""
    axes = context.attributes.ints_or_none("axis")
    return context.node("flip", context.input(0), axes=None) if axes is None else flip_each(context, axes)


@rule("_npi_broadcast_to")
def broadcast_to(context: NodeContext) -> Operand:
    """Convert ``np.broadcast_to``; in MXNet 2, -2 keeps an extent.

    Raises:
        Refusal: An extent is 0 or another negative number.
    """
    shape = context.attributes.ints("shape")
    if any(extent < 1 and extent != COPY for extent in shape):
        context.refuse(f"shape {shape} has extents that are none")
    return context.node("broadcast_to", context.input(0), shape=tuple(max(extent, 0) for extent in shape))


@rule("_np_roll", "_npi_roll")
def roll(context: NodeContext) -> Operand:
    """Convert ``np.roll``.

    Raises:
        Refusal: There is no shift.
    """
    shifts, axes = context.attributes.ints_or_none("shift", None), context.attributes.ints_or_none("axis", None)
    if not shifts:
        context.refuse("it has no shift")
    if axes is not None and len(shifts) != len(axes):
        shifts = shifts * len(axes)
    return context.node("roll", context.input(0), shifts=shifts, axes=axes)


@rule("_npi_tril", "_npi_triu")
def triangle(context: NodeContext) -> Operand:
    """Convert ``np.tril`` and ``np.triu``."""
    kind = "lower_triangle" if context.operator == "_npi_tril" else "upper_triangle"
    return context.node(kind, context.input(0), offset=context.attributes.int("k", 0))


@rule("_np_diag", "_npi_diag")
def diag(context: NodeContext) -> Operand:
    """Convert ``np.diag``."""
    return _diagonal(context, context.input(0), context.attributes.int("k", 0))


@rule("_np_diagflat", "_npi_diagflat")
def diagflat(context: NodeContext) -> Operand:
    """Convert ``np.diagflat``: a diagonal matrix of the flattened input."""
    vector = context.node("reshape", context.input(0), shape=(-1,), from_end=False)
    return _diagonal(context, vector, context.attributes.int("k", 0))


@rule("_np_diagonal", "_npi_diagonal")
def diagonal(context: NodeContext) -> Operand:
    """Convert ``np.diagonal``."""
    return _diagonal_of_axes(context)


@rule("_np_trace", "_npi_trace")
def trace(context: NodeContext) -> Operand:
    """Convert ``np.trace``, whose result has the dtype of its operand."""
    total = context.node("sum", _diagonal_of_axes(context), axes=(-1,), exclude=False, keepdim=False, at_least_1d=False)
    dtype = context.dtype(0)
    return total if dtype is None or dtype.startswith("float") else context.node("cast", total, dtype=dtype)


def _diagonal_of_axes(context: NodeContext) -> Value:
    """Add a diagonal by the attributes ``offset``, ``axis1`` and ``axis2``."""
    axes = context.attributes.int("axis1", 0), context.attributes.int("axis2", 1)
    return _diagonal(context, context.input(0), context.attributes.int("offset", 0), *axes)


def _diagonal(context: NodeContext, value: Operand, offset: int, axis: int = 0, other_axis: int = 1) -> Value:
    return context.node("diagonal", value, offset=offset, axis=axis, other_axis=other_axis)


@rule("_np_copy", "_npi_copy", "_copyto")
def copy(context: NodeContext) -> Operand:
    """Convert ``np.copy`` and ``_copyto``."""
    return context.node("identity", context.input(0))
