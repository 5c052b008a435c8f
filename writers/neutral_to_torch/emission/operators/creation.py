"""Tensors made from attributes, which the module keeps as buffers, or from another tensor's shape."""

from __future__ import annotations

from neutral.dtypes import DTYPE_CODE
from neutral.tensor import lazy_tensor
from neutral_to_torch.emission.expression.symbols import Symbol, helper, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, Unsupported, unpack
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.lowering.torch_dtypes import torch_dtype


def number(value: float) -> float | int:
    """Return a whole number as an integer.

    Args:
        value: A finite number.

    Returns:
        The same number; any other than a whole one unchanged.
    """
    return int(value) if value.is_integer() else value


@rule("full")
def full(node: NodeView) -> Symbol:
    import numpy as np

    shape, value = node["shape"], node["value"]
    named = {0.0: torch.zeros, 1.0: torch.ones}.get(value)
    dtype = {"dtype": torch_dtype(node["dtype"])}
    constructor = torch.full(shape, number(value), **dtype) if named is None else named(*(shape or ((),)), **dtype)
    if np.issubdtype(node["dtype"], np.integer):
        limits = np.iinfo(node["dtype"])
        if not limits.min <= value <= limits.max:
            raise Unsupported(f"value={value}, which {node['dtype']} cannot hold")
    return node.constant(
        constructor, lazy_tensor(DTYPE_CODE[node["dtype"]], shape, lambda: np.full(shape, value, node["dtype"]))
    )


@rule("full_like")
def full_like(node: NodeView, x: Symbol) -> Symbol:
    named = {0.0: torch.zeros_like, 1.0: torch.ones_like}.get(node["value"])
    return torch.full_like(x, number(node["value"])) if named is None else named(x)


@rule("arange")
def arange(node: NodeView) -> Symbol:
    import numpy as np

    start, step, count, repeat = node["start"], node["step"], node["count"], node["repeat"]
    whole = start.is_integer() and step.is_integer() and step
    if whole:
        bounds = (start, start + count * step, step)[: 2 + (step != 1)][start == 0 and step == 1 :]
        constructor = torch.arange(*map(number, bounds), dtype=torch_dtype(node["dtype"]))
    else:
        last = start + (count - 1) * step
        constructor = torch.linspace(number(start), number(last), count, dtype=torch_dtype(node["dtype"]))
    if repeat > 1:
        constructor = constructor.repeat_interleave(repeat)

    def values() -> np.ndarray:
        numbers: np.ndarray = start + step * np.arange(count)
        return numbers.repeat(repeat).astype(node["dtype"])

    return node.constant(constructor, lazy_tensor(DTYPE_CODE[node["dtype"]], (count * repeat,), values))


@rule("arange_like")
def arange_like(node: NodeView, x: Symbol) -> Symbol:
    start, step, repeat, axis = node["start"], node["step"], node["repeat"], node["axis"]
    extent = x.numel() if axis is None else x.shape[axis]
    result = torch.arange(extent, dtype=x.dtype, device=x.device)
    if repeat != 1:
        result = result // repeat
    if step != 1:
        result = result * number(step)
    if start:
        result = result + number(start)
    return result.reshape(x.shape) if axis is None else result


@rule("eye")
def eye(node: NodeView) -> Symbol:
    import numpy as np

    rows, columns, offset = node["rows"], node["columns"], node["offset"]
    dtype = {"dtype": torch_dtype(node["dtype"])}
    if offset:
        constructor = torch.ones(rows, columns, **dtype).tril(offset).triu(offset)
    else:
        constructor = torch.eye(*((rows,) if rows == columns else (rows, columns)), **dtype)

    def values() -> np.ndarray:
        return np.eye(rows, columns, offset, node["dtype"])

    return node.constant(constructor, lazy_tensor(DTYPE_CODE[node["dtype"]], (rows, columns), values))


@rule("index_array")
def index_array(node: NodeView, x: Symbol) -> Symbol:
    result = helper.index_array(x)
    return result if node["axes"] is None else result[..., list(node["axes"])]


@rule("diagonal")
def diagonal(node: NodeView, x: Symbol) -> Symbol:
    axes = (node["axis"], node["other_axis"])
    if node.rank() is None:
        return helper.diagonal(x, node["offset"], *axes)
    if node.rank() == 1:
        return x.diag(node["offset"]) if node["offset"] else x.diag()
    return x.diagonal(*((node["offset"], *axes) if axes != (0, 1) else (node["offset"],) if node["offset"] else ()))


@rule("lower_triangle_indices")
def lower_triangle_indices(node: NodeView) -> Result:
    import numpy as np

    rows, columns, offset = node["rows"], node["columns"], node["offset"]
    count = len(np.tril_indices(rows, offset, columns)[0])
    indices = node.constant(
        torch.tril_indices(rows, columns, offset),
        lazy_tensor("I64", (2, count), lambda: np.stack(np.tril_indices(rows, offset, columns)).astype(np.int64)),
    )
    return unpack(indices.unbind(0), (0, 1))
