"""Shapes and axes in NumPy mode: src/operator/numpy/np_matrix_op.cc, np_moveaxis_op.cc, np_tril_op.cc."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

INFER, COPY, DROP, REST, MERGE, SPLIT = -1, -2, -3, -4, -5, -6
"""The codes of npx.reshape, which are others than those of Reshape."""

KEPT, ALL = 0, -2
"""The same in a neutral reshape."""


@rule("_np_reshape")
def reshape(op: Op) -> Operand:
    _row_major(op)
    shape = op.attributes.ints("newshape", minimum=INFER)
    return op.node("reshape", op.input(0), shape=_without_zeros(op, shape), from_end=False)


@rule("_npx_reshape")
def npx_reshape(op: Op) -> Operand:
    """Axes are dropped, merged and split first; then every number but "the rest" stands for one axis, in its place."""
    _row_major(op)
    codes = op.attributes.ints("newshape", minimum=SPLIT)
    reverse = op.attributes.bool("reverse", False)
    value = op.input(0)
    left = list(codes[::-1] if reverse else codes)
    shape: list[int] = []
    while left:
        code, place = left.pop(0), len(shape)
        if ALL in shape and code < INFER:
            op.refuse(f"newshape {codes} asks for axes of the input behind the last one")
        if code == DROP:
            axis = -place - 1 if reverse else place
            value = op.node("squeeze", value, axes=(axis,), at_least_1d=False)
        elif code == MERGE:
            value = op.node("merge_axes", value, axis=-place - 2 if reverse else place, count=2)
            shape.append(KEPT)
        elif code == SPLIT:
            sizes = _split_sizes(op, codes, left)
            axis = -place - 1 if reverse else place
            value = op.node("split_axis", value, axis=axis, sizes=sizes[::-1] if reverse else sizes)
            shape += [KEPT, KEPT]
        else:
            shape.append({COPY: KEPT, REST: ALL}[code] if code < INFER else _without_zeros(op, (code,))[0])
    if shape.count(INFER) > 1:
        op.refuse(f"newshape {codes} leaves more than one extent open")
    if ALL in shape and set(shape) <= {KEPT, ALL}:
        return value
    positional = KEPT in shape or ALL in shape
    return op.node("reshape", value, shape=tuple(shape[::-1] if reverse else shape), from_end=reverse and positional)


def _split_sizes(op: Op, codes: Sequence[int], left: list[int]) -> tuple[int, int]:
    sizes = (left.pop(0), left.pop(0)) if len(left) > 1 else (0, 0)
    if 0 in sizes or min(sizes) < INFER or sizes == (INFER, INFER):
        op.refuse(f"newshape {codes}: -6 needs two extents, one of which may be -1")
    return sizes


def _row_major(op: Op) -> None:
    order = op.attributes.str("order", "C")
    if order != "C":
        op.refuse(f"order {order!r}, which MXNet does not compute either")


def _without_zeros(op: Op, shape: tuple[int, ...]) -> tuple[int, ...]:
    if 0 in shape:
        op.refuse(f"shape {shape} holds no element")
    return shape


@rule("_np_transpose", "_npi_transpose")
def transpose(op: Op) -> Operand:
    return op.node("transpose", op.input(0), axes=op.attributes.ints_or_none("axes", None) or None)


@rule("_np_squeeze", "_npi_squeeze")
def squeeze(op: Op) -> Operand:
    axes = op.attributes.ints_or_none("axis", None)
    return op.input(0) if axes == () else op.node("squeeze", op.input(0), axes=axes, at_least_1d=False)


@rule("_np_moveaxis", "_npi_moveaxis")
def move_axis(op: Op) -> Operand:
    sources, destinations = op.attributes.ints("source"), op.attributes.ints("destination")
    if len(sources) == len(destinations) == 1:
        return op.node("move_axis", op.input(0), source=sources[0], destination=destinations[0])
    return op.node("move_axes", op.input(0), sources=sources, destinations=destinations)


@rule("_npi_rollaxis")
def roll_axis(op: Op) -> Operand:
    axis, start = op.attributes.int("axis"), op.attributes.int("start", 0)
    if (axis < 0) != (start < 0) and start != 0:
        op.refuse(f"axis {axis} and start {start}: which comes first depends on the number of axes")
    destination = start - 1 if 0 <= axis < start or axis < start < 0 else start
    return op.node("move_axis", op.input(0), source=axis, destination=destination)


@rule("_npi_rot90")
def rotate(op: Op) -> Operand:
    first, second = op.attributes.ints_or_none("axes", None) or (0, 1)
    return op.node("rotate90", op.input(0), quarters=op.attributes.int("k", 1), axis=first, other_axis=second)


@rule(
    *(f"_np{prefix}_atleast_{dims}d" for prefix in ("", "i") for dims in (1, 2, 3)),
)
def at_least(op: Op) -> Sequence[Operand]:
    dims = int(op.operator[-2])
    return [op.node("at_least", value, dims=dims) for value in op.inputs()]


@rule("_npi_flip")
def flip(op: Op) -> Operand:
    axes = op.attributes.ints_or_none("axis")
    return op.input(0) if axes == () else op.node("flip", op.input(0), axes=axes)


@rule("_npi_broadcast_to")
def broadcast_to(op: Op) -> Operand:
    """MXNet 2 keeps an extent for -2."""
    shape = op.attributes.ints("shape")
    if any(extent < 1 and extent != COPY for extent in shape):
        op.refuse(f"shape {shape} has extents that are none")
    return op.node("broadcast_to", op.input(0), shape=tuple(max(extent, 0) for extent in shape))


@rule("_np_roll", "_npi_roll")
def roll(op: Op) -> Operand:
    shifts, axes = op.attributes.ints_or_none("shift", None), op.attributes.ints_or_none("axis", None)
    if not shifts:
        op.refuse("it has no shift")
    if axes is not None and len(shifts) != len(axes):
        shifts = shifts * len(axes)
    return op.node("roll", op.input(0), shifts=shifts, axes=axes)


@rule("_npi_tril", "_npi_triu")
def triangle(op: Op) -> Operand:
    kind = "lower_triangle" if op.operator == "_npi_tril" else "upper_triangle"
    return op.node(kind, op.input(0), offset=op.attributes.int("k", 0))


@rule("_np_diag", "_npi_diag")
def diag(op: Op) -> Operand:
    return _diagonal(op, op.input(0), op.attributes.int("k", 0))


@rule("_np_diagflat", "_npi_diagflat")
def diagflat(op: Op) -> Operand:
    vector = op.node("reshape", op.input(0), shape=(-1,), from_end=False)
    return _diagonal(op, vector, op.attributes.int("k", 0))


@rule("_np_diagonal", "_npi_diagonal")
def diagonal(op: Op) -> Operand:
    return _diagonal_of_axes(op)


@rule("_np_trace", "_npi_trace")
def trace(op: Op) -> Operand:
    return op.node("sum", _diagonal_of_axes(op), axes=(-1,), exclude=False, keepdim=False, at_least_1d=False)


def _diagonal_of_axes(op: Op) -> Value:
    axes = op.attributes.int("axis1", 0), op.attributes.int("axis2", 1)
    return _diagonal(op, op.input(0), op.attributes.int("offset", 0), *axes)


def _diagonal(op: Op, value: Operand, offset: int, axis: int = 0, other_axis: int = 1) -> Value:
    return op.node("diagonal", value, offset=offset, axis=axis, other_axis=other_axis)


@rule("_np_copy", "_npi_copy", "_copyto")
def copy(op: Op) -> Operand:
    return op.node("identity", op.input(0))
