"""Shapes and the order of axes: src/operator/tensor/matrix_op.cc, elemwise_unary_op_basic.cc, swapaxis.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

COPY, INFER, REST, MERGE, SPLIT = 0, -1, -2, -3, -4
"""MXNet's codes in the shape of a Reshape."""


@rule("Flatten")
def flatten(op: Op) -> Operand:
    return op.node("flatten", op.input(0))


@rule("Reshape")
def reshape(op: Op) -> Operand:
    codes = op.attributes.ints("shape", ())
    reverse = op.attributes.bool("reverse", False)
    target = op.attributes.ints("target_shape", ())
    keep_highest = op.attributes.bool("keep_highest", False)
    if not codes:
        codes, reverse = _legacy_codes(op, target, keep_highest), False
    return _reshape(op, codes, reverse)


def _legacy_codes(op: Op, target: tuple[int, ...], keep_highest: bool) -> tuple[int, ...]:
    """The codes for a ``target_shape``, where 0 is the extent to be inferred."""
    kept = int(keep_highest)
    inferred = tuple(INFER if extent == 0 else extent for extent in target[kept:])
    if not target or inferred.count(INFER) > 1:
        op.refuse("it has no shape" if not target else f"target_shape {target} leaves more than one extent open")
    return (*(COPY,) * kept, *inferred)


def _reshape(op: Op, codes: tuple[int, ...], reverse: bool) -> Operand:
    """Axes are merged and split first; then every code but "the rest" stands for one axis, in its place."""
    value = op.input(0)
    left = list(codes[::-1] if reverse else codes)
    shape: list[int] = []
    has_split = False
    while left:
        code = left.pop(0)
        place = len(shape)
        if REST in shape and code in (COPY, REST, MERGE, SPLIT):
            op.refuse(f"shape {codes} asks for axes of the input behind the last one")
        if code == INFER and (REST in shape or has_split):
            op.refuse(f"shape {codes}: MXNet puts an extent that is inferred after -2 or -4 into the wrong place")
        if code == MERGE:
            value = op.node("merge_axes", value, axis=-place - 2 if reverse else place, count=2)
            shape.append(COPY)
        elif code == SPLIT:
            sizes = (left.pop(0), left.pop(0)) if len(left) > 1 else ()
            if not sizes or 0 in sizes or min(sizes) < INFER or sizes == (INFER, INFER):
                op.refuse(f"shape {codes}: -4 needs two extents, one of which may be -1")
            value = op.node(
                "split_axis", value, axis=-place - 1 if reverse else place, sizes=sizes[::-1] if reverse else sizes
            )
            shape += [COPY, COPY]
            has_split = True
        elif code < SPLIT:
            op.refuse(f"shape {codes} has a code that does not exist")
        else:
            shape.append(code)
    if shape.count(INFER) > 1:
        op.refuse(f"shape {codes} leaves more than one extent open")
    if REST in shape and set(shape) <= {COPY, REST}:
        return value
    positional = COPY in shape or REST in shape
    return op.node("reshape", value, shape=tuple(shape[::-1] if reverse else shape), from_end=reverse and positional)


@rule("reshape_like")
def reshape_like(op: Op) -> Operand:
    attributes = op.attributes
    return op.node(
        "reshape_like",
        op.input(0),
        op.input(1),
        start=attributes.optional_int("lhs_begin", None) or 0,
        end=attributes.optional_int("lhs_end", None),
        like_start=attributes.optional_int("rhs_begin", None) or 0,
        like_end=attributes.optional_int("rhs_end", None),
    )


@rule("transpose")
def transpose(op: Op) -> Operand:
    return op.node("transpose", op.input(0), axes=op.attributes.ints("axes", ()) or None)


@rule("SwapAxis")
def swap_axes(op: Op) -> Operand:
    axis, other = op.attributes.int("dim1", 0), op.attributes.int("dim2", 0)
    return op.node("swap_axes", op.input(0), axis=axis, other_axis=other)


@rule("expand_dims")
def expand_dims(op: Op) -> Operand:
    return op.node("unsqueeze", op.input(0), axis=op.attributes.int("axis"))


@rule("squeeze")
def squeeze(op: Op) -> Operand:
    axes = op.attributes.ints_or_none("axis", None)
    return op.input(0) if axes == () else op.node("squeeze", op.input(0), axes=axes, at_least_1d=not op.numpy_shape)


@rule("depth_to_space", "space_to_depth")
def blocks(op: Op) -> Operand:
    return op.node(op.operator, op.input(0), size=op.attributes.int("block_size", minimum=1))


@rule("shape_array")
def shape_array(op: Op) -> Operand:
    return op.node("shape", op.input(0))


@rule("size_array")
def size_array(op: Op) -> Operand:
    return op.node("size", op.input(0))
