"""Rules that make tensors from attributes or shapes.

MXNet's sources: src/operator/tensor/init_op.cc, diag_op.cc, contrib/index_array.cc.
"""

from __future__ import annotations

import math

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.inference.broadcasting import SAME_SHAPE_OPERATORS
from mxnet_to_neutral.operators.elementwise import finite
from mxnet_to_neutral.operators.registry import rule
from mxnet_to_neutral.symbol import values
from neutral.graph import Operand
from neutral.operators import catalogue
from neutral.operators.dtypes import INTEGERS, as_integer

DTYPES = next(attribute.choices for attribute in catalogue["full"].attributes if attribute.name == "dtype")


def dtype(context: NodeContext) -> str:
    """Return the attribute ``dtype``, float32 by default.

    Args:
        context: A node with the optional attribute ``dtype``.

    Returns:
        The name of a dtype of the catalogue.

    Raises:
        Refusal: The catalogue cannot make a tensor of this dtype.
    """
    name = context.attributes.dtype("dtype", "float32")
    if name not in DTYPES:
        context.refuse(f"dtype {name}")
    return name


def element(context: NodeContext, value: float, name: str) -> float:
    """Return a number as an element of a dtype, as C casts it: among integers without its fraction, 0 or 1 among bools.

    Args:
        context: The node.
        value: The number.
        name: The dtype.

    Returns:
        The number that a tensor of the dtype holds.

    Raises:
        Refusal: The number is infinite or NaN, and the dtype is one of integers.
    """
    if name.startswith("float"):
        return value
    if name == "bool":
        return float(bool(value))
    if not math.isfinite(value):
        context.refuse(f"the number {value} as {name}")
    return float(as_integer(value, name))


def _same_shape_only(context: NodeContext) -> bool:
    """Return whether all users of a node need its inferred shape, so that every extent of 1 broadcasts."""
    users = context.consumers_of(context.symbol_node)
    return not context.is_output(context.symbol_node) and all(user.operator in SAME_SHAPE_OPERATORS for user in users)


def _numbered_dtype(context: NodeContext) -> str:
    """Return the attribute ``dtype`` that is a number; -1 is inferred from the parameters, which are float32."""
    number = context.attributes.int("dtype", -1)
    name = "float32" if number == -1 else values.DTYPES.get(number)
    if name not in DTYPES:
        context.refuse(f"dtype {number}")
    return name


@rule("_zeros", "_ones", "_full", "_zeros_without_dtype")
def full(context: NodeContext) -> Operand:
    """Convert ``_zeros``, ``_ones`` and ``_full``: a tensor filled with one number.

    An unknown extent that MXNet infers becomes 1 where that broadcasts to the same result. Else an unknown batch is
    that of a value to which the operators make it equal.

    Raises:
        Refusal: An unknown extent does not broadcast, or the dtype cannot be made.
    """
    shape = context.attributes.ints("shape", ())
    name = _numbered_dtype(context) if context.operator == "_zeros_without_dtype" else dtype(context)
    value = context.attributes.float("value") if context.operator == "_full" else float(context.operator == "_ones")
    unknown = -1 if context.numpy_shape else 0
    if shape[:1] == (unknown,) and unknown not in shape[1:] and context.batch_broadcasts():
        shape = (1, *shape[1:])
    elif unknown in shape and _same_shape_only(context):
        shape = tuple(1 if extent == unknown else extent for extent in shape)
    like = None
    if shape[:1] == (unknown,) and unknown not in shape[1:]:
        like = context.batch_partner()
        shape = shape if like is None else (1, *shape[1:])
    if unknown in shape or not (shape or context.numpy_shape):
        context.refuse(f"shape {shape} leaves an extent to be inferred from what it is used for")
    result = context.node("full", shape=shape, value=element(context, value, name), dtype=name)
    return result if like is None else context.node("broadcast_like", result, like, axes=(0,), like_axes=(0,))


@rule("zeros_like", "ones_like")
def full_like(context: NodeContext) -> Operand:
    """Convert ``zeros_like`` and ``ones_like``. MXNet ignores ``dtype`` and keeps the input's."""
    context.attributes.ignore("dtype")
    return context.node("full_like", context.input(0), value=float(context.operator == "ones_like"))


def range_length(context: NodeContext, start: float, stop: float, step: float) -> int:
    """Return the number of elements of a range.

    Args:
        context: The node.
        start: The first number.
        stop: The number before which the range ends.
        step: The distance of numbers.

    Returns:
        The number of elements, at least 1.

    Raises:
        Refusal: The range is empty, or a number is infinite or not a number.
    """
    length = (stop - start) / step if step else 0.0
    if not math.isfinite(length) or math.ceil(length) < 1:
        context.refuse(f"the range from {start} to {stop} by {step} is empty or has no end")
    return math.ceil(length)


def start_and_step(start: float, step: float, dtype: str | None) -> tuple[float, float]:
    """Return the first number and the distance of numbers of a range, as MXNet has them in a dtype.

    Args:
        start: The first number, which is finite.
        step: The distance, which is finite.
        dtype: The name of the dtype; None stands for an unknown one, which is floating.

    Returns:
        Both numbers, without their fractions for integers and float16.

    Example:
        >>> start_and_step(0.5, -1.5, "float16"), start_and_step(0.5, -1.5, "float32")
        ((0.0, -1.0), (0.5, -1.5))
    """
    if dtype in INTEGERS or dtype == "float16":
        return float(math.trunc(start)), float(math.trunc(step))
    return start, step


@rule("_arange")
def arange(context: NodeContext) -> Operand:
    """Convert ``_arange``: evenly spaced numbers, each repeated ``repeat`` times.

    The count follows from the range as given.

    Raises:
        Refusal: The range is empty, or its length is inferred from its users.
    """
    start, stop = context.attributes.float("start"), context.attributes.optional_float("stop", None)
    step, repeat = context.attributes.float("step", 1.0), context.attributes.int("repeat", 1)
    name = dtype(context)
    if context.attributes.bool("infer_range", False) and stop is None:
        context.refuse("infer_range: its length is inferred from what it is used for")
    if stop is None:
        start, stop = 0.0, start
    count = range_length(context, start, stop, step)
    start, step = start_and_step(start, step, name)
    return context.node("arange", start=start, step=step, repeat=repeat, count=count, dtype=name)


@rule("_linspace")
def linspace(context: NodeContext) -> Operand:
    """Convert ``_linspace``: ``num`` evenly spaced numbers."""
    start, stop = context.attributes.float("start"), context.attributes.float("stop")
    count = context.attributes.int("num")
    endpoint = context.attributes.bool("endpoint", True)
    gaps = count - 1 if endpoint else count
    step = (stop - start) / gaps if gaps else 0.0
    return context.node("arange", start=start, step=step, repeat=1, count=count, dtype=dtype(context))


@rule("_contrib_arange_like")
def arange_like(context: NodeContext) -> Operand:
    """Convert ``_contrib_arange_like``: evenly spaced numbers, as many as a tensor or one of its axes has elements.

    Raises:
        Refusal: The first number or the step is infinite or NaN.
    """
    start, step = finite(context, "start", 0.0), finite(context, "step", 1.0)
    start, step = start_and_step(start, step, context.dtype(0))
    return context.node(
        "arange_like",
        context.input(0),
        start=start,
        step=step,
        repeat=context.attributes.int("repeat", 1),
        axis=context.attributes.optional_int("axis", None),
    )


@rule("_eye")
def eye(context: NodeContext) -> Operand:
    """Convert ``_eye``: a matrix with ones on a diagonal."""
    rows = context.attributes.int("N")
    columns = context.attributes.int("M", 0) or rows
    return context.node("eye", rows=rows, columns=columns, offset=context.attributes.int("k", 0), dtype=dtype(context))


@rule("_contrib_index_array")
def index_array(context: NodeContext) -> Operand:
    """Convert ``_contrib_index_array``: the index of every element of a tensor."""
    return context.node("index_array", context.input(0), axes=context.attributes.ints_or_none("axes", None))


@rule("diag")
def diagonal(context: NodeContext) -> Operand:
    """Convert ``diag``: the diagonal of two axes, or a diagonal matrix of a vector."""
    return context.node(
        "diagonal",
        context.input(0),
        offset=context.attributes.int("k", 0),
        axis=context.attributes.int("axis1", 0),
        other_axis=context.attributes.int("axis2", 1),
    )
