"""Rules that make tensors in NumPy mode: src/operator/numpy/np_init_op.cc, np_window_op.cc, np_tri_op.cc."""

from __future__ import annotations

import math
from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.creation import DTYPES, element, range_length, start_and_step
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value
from neutral.operators.dtypes import INTEGERS, as_integer

_WINDOWS = {"_npi_hanning": (0.5, 0.5, 0.0), "_npi_hamming": (0.54, 0.46, 0.0), "_npi_blackman": (0.42, 0.5, 0.08)}
"""The coefficients (a, b, c) of a cosine window."""


def dtype(context: NodeContext, default: str = "float32") -> str:
    """Return the attribute ``dtype``.

    Args:
        context: The node.
        default: The dtype for None.

    Returns:
        The name of a dtype of the catalogue.

    Raises:
        Refusal: The catalogue cannot make a tensor of this dtype.
    """
    name = context.attributes.optional_dtype("dtype", None) or default
    if name not in DTYPES:
        context.refuse(f"dtype {name}")
    return name


def _full(context: NodeContext, shape: tuple[int, ...], value: float, name: str) -> Value:
    """Add a tensor filled with a number, truncated for integer dtypes."""
    if min(shape, default=1) < 1:
        context.refuse(f"shape {shape} leaves an extent open, or holds no element")
    return context.node("full", shape=shape, value=element(context, value, name), dtype=name)


@rule("_npi_zeros", "_npi_ones")
def constant(context: NodeContext) -> Operand:
    """Convert ``np.zeros`` and ``np.ones``.

    Raises:
        Refusal: An extent is unknown or 0.
    """
    return _full(context, context.attributes.ints("shape", ()), float(context.operator == "_npi_ones"), dtype(context))


@rule("_npi_full")
def full(context: NodeContext) -> Operand:
    """Convert ``np.full``. In MXNet 2, ``value_type`` says which of three attributes holds the value.

    Raises:
        Refusal: ``value_type`` is unknown, or an extent is unknown or 0.
    """
    shape = context.attributes.ints_or_none("shape", None) or ()
    if context.attributes.given("value"):
        return _full(context, shape, context.attributes.float("value"), dtype(context))
    names = ("int_value", "uint_value", "double_value")
    values = {name: context.attributes.float(name) for name in names}
    kind = context.attributes.int("value_type")
    if kind not in range(len(names)):
        context.refuse(f"value_type {kind}")
    return _full(context, shape, values[names[kind]], dtype(context))


@rule("_npi_full_like")
def full_like(context: NodeContext) -> Operand:
    """Convert ``np.full_like``."""
    value, name = context.attributes.float("fill_value"), context.attributes.optional_dtype("dtype", None)
    known = name or context.dtype(0)
    if known in INTEGERS:
        value = float(as_integer(value, known))
    if name in (None, context.dtype(0)):
        return context.node("full_like", context.input(0), value=value)
    return context.node("full_like", context.node("cast", context.input(0), dtype=name), value=value)


@rule("_npi_eye", "_npi_identity")
def eye(context: NodeContext) -> Operand:
    """Convert ``np.eye`` and ``np.identity``.

    Raises:
        Refusal: An identity is no square matrix.
    """
    if context.operator == "_npi_identity":
        shape = context.attributes.ints("shape")
        if len(shape) != 2 or shape[0] != shape[1]:
            context.refuse(f"shape {shape} of a matrix")
        rows, columns = shape
        return context.node("eye", rows=rows, columns=columns, offset=0, dtype=dtype(context))
    rows = context.attributes.int("N")
    columns = context.attributes.optional_int("M", None) or rows
    return context.node("eye", rows=rows, columns=columns, offset=context.attributes.int("k", 0), dtype=dtype(context))


@rule("_npi_tri")
def tri(context: NodeContext) -> Operand:
    """Convert ``np.tri``: ones at and below a diagonal."""
    rows = context.attributes.int("N")
    columns = context.attributes.optional_int("M", None) or rows
    ones = _full(context, (rows, columns), 1.0, dtype(context))
    return context.node("lower_triangle", ones, offset=context.attributes.int("k", 0))


@rule("_npi_arange")
def arange(context: NodeContext) -> Operand:
    """Convert ``np.arange``.

    Raises:
        Refusal: The range is empty.
    """
    start, stop = context.attributes.float("start"), context.attributes.optional_float("stop", None)
    step = context.attributes.float("step", 1.0)
    context.attributes.ignore("repeat", "infer_range")
    if stop is None:
        start, stop = 0.0, start
    count = range_length(context, start, stop, step)
    name = dtype(context)
    start, step = start_and_step(start, step, name)
    return context.node("arange", start=start, step=step, repeat=1, count=count, dtype=name)


@rule("_npi_linspace", "_npi_logspace")
def linspace(context: NodeContext) -> Operand:
    """Convert ``np.linspace`` and ``np.logspace``: evenly spaced numbers, or powers with evenly spaced exponents.

    Raises:
        Refusal: The dtype is not floating.
    """
    start, stop = _bounds(context)
    count, endpoint = context.attributes.int("num"), context.attributes.bool("endpoint", True)
    gaps = count - 1 if endpoint else count
    name = dtype(context)
    if not name.startswith("float"):
        context.refuse(f"dtype {name}")
    result = context.node("arange", start=start, step=(stop - start) / max(gaps, 1), repeat=1, count=count, dtype=name)
    return (
        context.node("power", context.attributes.float("base", 10.0), result)
        if context.operator == "_npi_logspace"
        else result
    )


def _bounds(context: NodeContext) -> tuple[float, float]:
    """Return start and stop of a linspace.

    MXNet 2 has three attributes for each of them; ``value_type`` says which of the three holds.
    """
    if not context.attributes.given("start_double"):
        return context.attributes.float("start"), context.attributes.float("stop")
    kinds = ("int", "uint", "double")
    bounds = {
        kind: (context.attributes.float(f"start_{kind}"), context.attributes.float(f"stop_{kind}")) for kind in kinds
    }
    kind = context.attributes.int("value_type", 0)
    if kind not in range(3):
        context.refuse(f"value_type {kind}")
    return bounds[kinds[kind]]


@rule(*_WINDOWS)
def window(context: NodeContext) -> Operand:
    """Convert ``np.hanning``, ``np.hamming`` and ``np.blackman``: ``a - b * cos(x) + c * cos(2x)``.

    Raises:
        Refusal: The window has fewer than two elements, or is one of integers.
    """
    count = context.attributes.optional_int("M", None) or 0
    name = dtype(context)
    if count < 2:
        context.refuse(f"a window of {count}")
    if name in INTEGERS:
        context.refuse(f"a window of dtype {name}, whose fractions MXNet drops")
    a, b, c = _WINDOWS[context.operator]
    step = 2 * math.pi / (count - 1)
    angle = context.node("arange", start=0.0, step=step, repeat=1, count=count, dtype=name)
    result = context.node("subtract", a, context.node("multiply", context.node("cos", angle), b))
    if c:
        twice = context.node("arange", start=0.0, step=2 * step, repeat=1, count=count, dtype=name)
        result = context.node("add", result, context.node("multiply", context.node("cos", twice), c))
    return result


@rule("_npi_indices")
def indices(context: NodeContext) -> Operand:
    """Convert ``np.indices``: for each axis a tensor of the indices along it."""
    shape = context.attributes.ints("dimensions")
    name = dtype(context, "int64" if context.version >= (2,) else "int32")
    grid = []
    for axis, extent in enumerate(shape):
        line = context.node("arange", start=0.0, step=1.0, repeat=1, count=extent, dtype=name)
        sizes = tuple(-1 if other == axis else 1 for other in range(len(shape)))
        column = line if len(shape) == 1 else context.node("reshape", line, shape=sizes, from_end=False)
        grid.append(context.node("broadcast_to", column, shape=shape))
    return context.node("stack", *grid, axis=0)


@rule("_npi_tril_indices")
def lower_triangle_indices(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.tril_indices``.

    Returns:
        The rows and the columns.
    """
    rows, columns = (context.attributes.int(name, minimum=0) for name in ("n", "m"))
    value = context.node("lower_triangle_indices", rows=rows, columns=columns, offset=context.attributes.int("k", 0))
    return [value, Value(value.node, 1)]
