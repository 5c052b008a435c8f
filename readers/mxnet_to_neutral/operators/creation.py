"""Tensors made from attributes or shapes: src/operator/tensor/init_op.cc, diag_op.cc, contrib/index_array.cc."""

from __future__ import annotations

import math

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from mxnet_to_neutral.symbol import values
from mxnet_to_neutral.symbol.model import SymbolNode
from neutral.graph import Operand
from neutral.operators import catalogue

DTYPES = next(attribute.choices for attribute in catalogue["full"].attributes if attribute.name == "dtype")


def dtype(op: Op) -> str:
    """The attribute dtype, of those that a tensor can be made in."""
    name = op.attributes.dtype("dtype", "float32")
    if name not in DTYPES:
        op.refuse(f"dtype {name}")
    return name


SAME_SHAPE = frozenset({"elemwise_add", "elemwise_sub", "elemwise_mul", "elemwise_div", "_grad_add", "add_n", "where"})
"""Operators whose inputs all have the shape of the output: an extent of 1 broadcasts to what it is inferred to be."""

PER_SAMPLE = frozenset(
    {
        *("FullyConnected", "Convolution", "Deconvolution", "Pooling", "SliceChannel"),
        *("Activation", "LeakyReLU", "sigmoid", "tanh", "relu", "_copy"),
    }
)
"""Operators that do for one sample what they do for each of several."""


def _broadcasts(op: Op, node: SymbolNode) -> bool:
    """Whether an extent of 1 gives the same result as the one that MXNet infers from what the value is used for."""
    if op.is_output(node):
        return False
    return all(
        user.operator in SAME_SHAPE or (user.operator in PER_SAMPLE and _broadcasts(op, user))
        for user in op.consumers_of(node)
    )


def _same_shape_only(op: Op) -> bool:
    """Whether the value meets nothing but values of its own shape, so that any extent of 1 broadcasts."""
    users = op.consumers_of(op.symbol_node)
    return not op.is_output(op.symbol_node) and all(user.operator in SAME_SHAPE for user in users)


def _numbered_dtype(op: Op) -> str:
    """The attribute dtype where it is a number, -1 for one that is inferred: that of the parameters, float32."""
    number = op.attributes.int("dtype", -1)
    name = "float32" if number == -1 else values.DTYPES.get(number)
    if name not in DTYPES:
        op.refuse(f"dtype {number}")
    return name


@rule("_zeros", "_ones", "_full", "_zeros_without_dtype")
def full(op: Op) -> Operand:
    shape = op.attributes.ints("shape", ())
    name = _numbered_dtype(op) if op.operator == "_zeros_without_dtype" else dtype(op)
    value = op.attributes.float("value") if op.operator == "_full" else float(op.operator == "_ones")
    unknown = -1 if op.numpy_shape else 0
    if shape[:1] == (unknown,) and unknown not in shape[1:] and _broadcasts(op, op.symbol_node):
        shape = (1, *shape[1:])
    elif unknown in shape and _same_shape_only(op):
        shape = tuple(1 if extent == unknown else extent for extent in shape)
    if unknown in shape or not (shape or op.numpy_shape):
        op.refuse(f"shape {shape} leaves an extent to be inferred from what it is used for")
    if name not in ("float16", "float32", "float64"):
        value = float(bool(value)) if name == "bool" else float(math.trunc(value))
    return op.node("full", shape=shape, value=value, dtype=name)


@rule("zeros_like", "ones_like")
def full_like(op: Op) -> Operand:
    """A dtype may be written there; MXNet has no use for it and gives that of the input."""
    op.attributes.ignore("dtype")
    return op.node("full_like", op.input(0), value=float(op.operator == "ones_like"))


@rule("_arange")
def arange(op: Op) -> Operand:
    """The count follows from the range as it is given; start and step are then of the dtype."""
    start, stop = op.attributes.float("start"), op.attributes.optional_float("stop", None)
    step, repeat = op.attributes.float("step", 1.0), op.attributes.int("repeat", 1, minimum=1)
    name = dtype(op)
    if op.attributes.bool("infer_range", False) and stop is None:
        op.refuse("infer_range: its length is inferred from what it is used for")
    if stop is None:
        start, stop = 0.0, start
    count = math.ceil((stop - start) / step) if step else 0
    if count < 1:
        op.refuse(f"the range from {start} to {stop} by {step} is empty")
    if not name.startswith("float"):
        start, step = float(math.trunc(start)), float(math.trunc(step))
    return op.node("arange", start=start, step=step, repeat=repeat, count=count, dtype=name)


@rule("_linspace")
def linspace(op: Op) -> Operand:
    start, stop = op.attributes.float("start"), op.attributes.float("stop")
    count = op.attributes.int("num", minimum=1)
    endpoint = op.attributes.bool("endpoint", True)
    gaps = count - 1 if endpoint else count
    step = (stop - start) / gaps if gaps else 0.0
    return op.node("arange", start=start, step=step, repeat=1, count=count, dtype=dtype(op))


@rule("_contrib_arange_like")
def arange_like(op: Op) -> Operand:
    return op.node(
        "arange_like",
        op.input(0),
        start=op.attributes.float("start", 0.0),
        step=op.attributes.float("step", 1.0),
        repeat=op.attributes.int("repeat", 1, minimum=1),
        axis=op.attributes.optional_int("axis", None),
    )


@rule("_eye")
def eye(op: Op) -> Operand:
    rows = op.attributes.int("N", minimum=1)
    columns = op.attributes.int("M", 0) or rows
    return op.node("eye", rows=rows, columns=columns, offset=op.attributes.int("k", 0), dtype=dtype(op))


@rule("_contrib_index_array")
def index_array(op: Op) -> Operand:
    return op.node("index_array", op.input(0), axes=op.attributes.ints_or_none("axes", None))


@rule("diag")
def diagonal(op: Op) -> Operand:
    return op.node(
        "diagonal",
        op.input(0),
        offset=op.attributes.int("k", 0),
        axis=op.attributes.int("axis1", 0),
        other_axis=op.attributes.int("axis2", 1),
    )
