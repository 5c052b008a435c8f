"""Tensors made in NumPy mode: src/operator/numpy/np_init_op.cc, np_window_op.cc, np_tri_op.cc."""

from __future__ import annotations

import math

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.dtypes import dtype_of
from mxnet_to_neutral.operators.creation import DTYPES
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

_WINDOWS = {"_npi_hanning": (0.5, 0.5, 0.0), "_npi_hamming": (0.54, 0.46, 0.0), "_npi_blackman": (0.42, 0.5, 0.08)}
"""The terms of a window of cosines: a - b*cos(x) + c*cos(2x)."""


def dtype(op: Op, default: str = "float32") -> str:
    """The attribute dtype; None means the default."""
    name = op.attributes.optional_dtype("dtype", None) or default
    if name not in DTYPES:
        op.refuse(f"dtype {name}")
    return name


def _full(op: Op, shape: tuple[int, ...], value: float, name: str) -> Value:
    if min(shape, default=1) < 1:
        op.refuse(f"shape {shape} leaves an extent open, or holds no element")
    if not name.startswith("float"):
        value = float(bool(value)) if name == "bool" else float(math.trunc(value))
    return op.node("full", shape=shape, value=value, dtype=name)


@rule("_npi_zeros", "_npi_ones")
def constant(op: Op) -> Operand:
    return _full(op, op.attributes.ints("shape", ()), float(op.operator == "_npi_ones"), dtype(op))


@rule("_npi_full")
def full(op: Op) -> Operand:
    """``value_type`` says which of the three values holds."""
    names = ("int_value", "uint_value", "double_value")
    values = {name: op.attributes.float(name) for name in names}
    kind = op.attributes.int("value_type")
    defaults = {0: "int64", 1: "int64", 2: "float32"}
    if kind not in defaults:
        op.refuse(f"value_type {kind}")
    return _full(op, op.attributes.ints_or_none("shape", None) or (), values[names[kind]], dtype(op, defaults[kind]))


@rule("_npi_full_like")
def full_like(op: Op) -> Operand:
    value, name = op.attributes.float("fill_value"), op.attributes.optional_dtype("dtype", None)
    known = name or dtype_of(op, 0)
    if known is not None and not known.startswith(("float", "bfloat")):
        value = float(bool(value)) if known == "bool" else float(math.trunc(value))
    result = op.node("full_like", op.input(0), value=value)
    return result if name in (None, dtype_of(op, 0)) else op.node("cast", result, dtype=name)


@rule("_npi_eye", "_npi_identity")
def eye(op: Op) -> Operand:
    if op.operator == "_npi_identity":
        rows, columns = op.attributes.ints("shape")
        return op.node("eye", rows=rows, columns=columns, offset=0, dtype=dtype(op))
    rows = op.attributes.int("N", minimum=1)
    columns = op.attributes.optional_int("M", None) or rows
    return op.node("eye", rows=rows, columns=columns, offset=op.attributes.int("k", 0), dtype=dtype(op))


@rule("_npi_tri")
def tri(op: Op) -> Operand:
    rows = op.attributes.int("N", minimum=1)
    columns = op.attributes.optional_int("M", None) or rows
    ones = _full(op, (rows, columns), 1.0, dtype(op))
    return op.node("lower_triangle", ones, offset=op.attributes.int("k", 0))


@rule("_npi_arange")
def arange(op: Op) -> Operand:
    start, stop = op.attributes.float("start"), op.attributes.optional_float("stop", None)
    step = op.attributes.float("step", 1.0)
    op.attributes.ignore("repeat", "infer_range")
    if stop is None:
        start, stop = 0.0, start
    count = math.ceil((stop - start) / step) if step else 0
    if count < 1:
        op.refuse(f"the range from {start} to {stop} by {step} is empty")
    name = dtype(op)
    if not name.startswith("float"):
        start, step = float(math.trunc(start)), float(math.trunc(step))
    return op.node("arange", start=start, step=step, repeat=1, count=count, dtype=name)


@rule("_npi_linspace", "_npi_logspace")
def space(op: Op) -> Operand:
    """Numbers at equal distances, or powers with exponents at equal distances."""
    start, stop = _bounds(op)
    count, endpoint = op.attributes.int("num", minimum=1), op.attributes.bool("endpoint", True)
    gaps = count - 1 if endpoint else count
    name = dtype(op)
    if not name.startswith("float"):
        op.refuse(f"dtype {name}")
    result = op.node("arange", start=start, step=(stop - start) / max(gaps, 1), repeat=1, count=count, dtype=name)
    return op.node("power", op.attributes.float("base", 10.0), result) if op.operator == "_npi_logspace" else result


def _bounds(op: Op) -> tuple[float, float]:
    """MXNet 2 has three attributes for each bound of a linspace, of which ``value_type`` says the one that holds."""
    if not op.attributes.given("start_double"):
        return op.attributes.float("start"), op.attributes.float("stop")
    kinds = ("int", "uint", "double")
    found = {kind: (op.attributes.float(f"start_{kind}"), op.attributes.float(f"stop_{kind}")) for kind in kinds}
    kind = op.attributes.int("value_type", 0)
    if kind not in range(3):
        op.refuse(f"value_type {kind}")
    return found[kinds[kind]]


@rule(*_WINDOWS)
def window(op: Op) -> Operand:
    count = op.attributes.optional_int("M", None) or 0
    name = dtype(op)
    if count < 2:
        op.refuse(f"a window of {count}")
    a, b, c = _WINDOWS[op.operator]
    step = 2 * math.pi / (count - 1)
    angle = op.node("arange", start=0.0, step=step, repeat=1, count=count, dtype=name)
    result = op.node("subtract", a, op.node("multiply", op.node("cos", angle), b))
    if c:
        twice = op.node("arange", start=0.0, step=2 * step, repeat=1, count=count, dtype=name)
        result = op.node("add", result, op.node("multiply", op.node("cos", twice), c))
    return result


@rule("_npi_indices")
def indices(op: Op) -> Operand:
    """For each axis the index along it, of every position."""
    shape = op.attributes.ints("dimensions", minimum=1)
    name = dtype(op, "int64" if op.version >= (2,) else "int32")
    grid = []
    for axis, extent in enumerate(shape):
        line = op.node("arange", start=0.0, step=1.0, repeat=1, count=extent, dtype=name)
        sizes = tuple(-1 if other == axis else 1 for other in range(len(shape)))
        column = line if len(shape) == 1 else op.node("reshape", line, shape=sizes, from_end=False)
        grid.append(op.node("broadcast_to", column, shape=shape))
    return op.node("stack", *grid, axis=0)
