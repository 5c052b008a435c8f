"""Rules for shapes and the order of axes: src/operator/tensor/matrix_op.cc, elemwise_unary_op_basic.cc, swapaxis.cc."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

COPY, INFER, REST, MERGE, SPLIT = 0, -1, -2, -3, -4
"""The codes of ``Reshape``."""


@rule("Flatten")
def flatten(context: NodeContext) -> Operand:
    """Convert ``Flatten``: all axes but the first become one."""
    return context.node("flatten", context.input(0))


@rule("Reshape")
def reshape(context: NodeContext) -> Operand:
    """Convert ``Reshape``, whose codes 0 and below copy, infer, merge and split axes.

    Raises:
        Refusal: The codes are contradictory, or MXNet itself computes a wrong shape for them.
    """
    codes = context.attributes.ints("shape", ())
    reverse = context.attributes.bool("reverse", False)
    target = context.attributes.ints("target_shape", ())
    keep_highest = context.attributes.bool("keep_highest", False)
    if not codes:
        codes, reverse = _legacy_codes(context, target, keep_highest), False
    return _reshape(context, codes, reverse)


def _legacy_codes(context: NodeContext, target: tuple[int, ...], keep_highest: bool) -> tuple[int, ...]:
    """Return the codes for a ``target_shape`` of versions before 0.9, in which 0 is the extent to infer."""
    kept = int(keep_highest)
    inferred = tuple(INFER if extent == 0 else extent for extent in target[kept:])
    if not target or inferred.count(INFER) > 1:
        context.refuse("it has no shape" if not target else f"target_shape {target} leaves more than one extent open")
    return (*(COPY,) * kept, *inferred)


def _reshape(context: NodeContext, codes: tuple[int, ...], reverse: bool) -> Operand:
    """Add a reshape by codes.

    Axes are merged and split first; then every code but ``REST`` stands for one axis, and a plain reshape remains.
    """
    value = context.input(0)
    remaining = list(codes[::-1] if reverse else codes)
    shape: list[int] = []
    has_split = False
    while remaining:
        code = remaining.pop(0)
        place = len(shape)
        if REST in shape and code in (COPY, REST, MERGE, SPLIT):
            context.refuse(f"shape {codes} asks for axes of the input behind the last one")
        if code == INFER and (REST in shape or has_split):
            context.refuse(f"shape {codes}: MXNet puts an extent that is inferred after -2 or -4 into the wrong place")
        if code == MERGE:
            value = context.node("merge_axes", value, axis=-place - 2 if reverse else place, count=2)
            shape.append(COPY)
        elif code == SPLIT:
            sizes = (remaining.pop(0), remaining.pop(0)) if len(remaining) > 1 else ()
            if not sizes or 0 in sizes or min(sizes) < INFER or sizes == (INFER, INFER):
                context.refuse(f"shape {codes}: -4 needs two extents, one of which may be -1")
            value = context.node(
                "split_axis", value, axis=-place - 1 if reverse else place, sizes=sizes[::-1] if reverse else sizes
            )
            shape += [COPY, COPY]
            has_split = True
        elif code < SPLIT:
            context.refuse(f"shape {codes} has a code that does not exist")
        else:
            shape.append(code)
    return plain_reshape(context, value, shape, f"shape {codes}", reverse=reverse)


def plain_reshape(context: NodeContext, value: Operand, shape: Sequence[int], stated: str, *, reverse: bool) -> Operand:
    """Add a reshape whose codes are ``COPY``, ``INFER`` and ``REST`` alone, which the kind ``reshape`` has too.

    Args:
        context: The node.
        value: The operand.
        shape: Extents and codes, in the order in which MXNet reads them.
        stated: The attribute as it stands in the symbol, for the message.
        reverse: Whether MXNet reads from the last axis.

    Returns:
        The result; the operand itself if all its axes are kept.

    Raises:
        Refusal: More than one extent is open.
    """
    if shape.count(INFER) > 1:
        context.refuse(f"{stated} leaves more than one extent open")
    if REST in shape and set(shape) <= {COPY, REST}:
        return value
    positional = COPY in shape or REST in shape
    return context.node(
        "reshape", value, shape=tuple(shape[::-1] if reverse else shape), from_end=reverse and positional
    )


@rule("reshape_like")
def reshape_like(context: NodeContext) -> Operand:
    """Convert ``reshape_like``: replace a range of axes by a range of another tensor's axes."""
    attributes = context.attributes
    return context.node(
        "reshape_like",
        context.input(0),
        context.input(1),
        start=attributes.optional_int("lhs_begin", None) or 0,
        end=attributes.optional_int("lhs_end", None),
        like_start=attributes.optional_int("rhs_begin", None) or 0,
        like_end=attributes.optional_int("rhs_end", None),
    )


@rule("transpose")
def transpose(context: NodeContext) -> Operand:
    """Convert ``transpose``."""
    return context.node("transpose", context.input(0), axes=context.attributes.ints("axes", ()) or None)


@rule("SwapAxis")
def swap_axes(context: NodeContext) -> Operand:
    """Convert ``SwapAxis``."""
    axis, other = context.attributes.int("dim1", 0), context.attributes.int("dim2", 0)
    return context.node("swap_axes", context.input(0), axis=axis, other_axis=other)


@rule("expand_dims")
def expand_dims(context: NodeContext) -> Operand:
    """Convert ``expand_dims``: insert an axis of extent 1."""
    return context.node("unsqueeze", context.input(0), axis=context.attributes.int("axis"))


@rule("squeeze")
def squeeze(context: NodeContext) -> Operand:
    """Convert ``squeeze``: remove axes of extent 1."""
    axes = context.attributes.ints_or_none("axis", None)
    return context.input(0) if axes == () else context.node("squeeze", context.input(0), axes=axes, at_least_1d=True)


@rule("depth_to_space", "space_to_depth")
def blocks(context: NodeContext) -> Operand:
    """Convert ``depth_to_space`` and ``space_to_depth``: move blocks of channels to positions, and the reverse."""
    return context.node(context.operator, context.input(0), size=context.attributes.int("block_size"))


@rule("shape_array")
def shape_array(context: NodeContext) -> Operand:
    """Convert ``shape_array``: the shape as a tensor."""
    return context.node("shape", context.input(0))


@rule("size_array")
def size_array(context: NodeContext) -> Operand:
    """Convert ``size_array``: the number of elements as a tensor."""
    return context.node("size", context.input(0))


@rule("_contrib_dynamic_reshape")
def dynamic_reshape(context: NodeContext) -> Operand:
    """Convert ``_contrib_dynamic_reshape``: the shape and its codes are an input."""
    return context.node("reshape_to", context.input(0), context.input(1))
