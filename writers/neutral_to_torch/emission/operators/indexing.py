"""Sorting, and choosing elements by index."""

from __future__ import annotations

from typing import Any

from neutral_to_torch.emission.expression.symbols import Symbol, helper, operation, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, unpack
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.lowering.torch_dtypes import torch_dtype
from neutral_to_torch.emission.operators.creation import number
from neutral_to_torch.emission.operators.shape import positive


@rule("sort")
def sort(node: NodeView, x: Symbol) -> Result:
    return _sorted(node, x, node["descending"])


def _sorted(node: NodeView, x: Symbol, descending: bool) -> Result:
    """Sort stably where positions are used; values alone are equal either way."""
    options: dict[str, Any] = {"descending": True} if descending else {}
    if not any(node.used[1:]):
        return x.sort(dim=node["axis"], **options).values
    return unpack(helper.stable_sort(x, axis=node["axis"], **options), (0, 1))


@rule("top_k")
def top_k(node: NodeView, x: Symbol) -> Result:
    axis, count, largest = node["axis"], node["count"], node["largest"]
    if count is None:
        return _sorted(node, x, descending=largest)
    extreme = "max" if largest else "min"
    if count == 1 and not any(node.used[1:]):
        return x.amax(axis, keepdim=True) if largest else x.amin(axis, keepdim=True)
    if count == 1 and not node.used[0]:
        return None, getattr(x, f"arg{extreme}")(axis, keepdim=True)
    return unpack(helper.top_k(x, count, axis=axis, largest=largest), (0, 1))


@rule("top_k_mask")
def top_k_mask(node: NodeView, x: Symbol) -> Symbol:
    axis, count = node["axis"], node["count"]
    if count is None:
        return torch.ones_like(x)
    return helper.top_k_mask(x, count, axis=axis, largest=node["largest"])


@rule("take")
def take(node: NodeView, x: Symbol, index: Symbol) -> Symbol:
    function = {"clamp": helper.take, "wrap": helper.take_wrapped, "error": helper.take_at}[node["out_of_range"]]
    (axis,) = positive((node["axis"],), node.rank())
    return function(x, index, axis) if axis else function(x, index)


@rule("gather_nd")
def gather_nd(node: NodeView, x: Symbol, index: Symbol) -> Symbol:
    return helper.gather_nd(x, index)


@rule("scatter_nd")
def scatter_nd(node: NodeView, x: Symbol, index: Symbol) -> Symbol:
    return x.new_zeros(node["shape"]).index_put(index.long().unbind(), x)


@rule("index_copy")
def index_copy(node: NodeView, x: Symbol, index: Symbol, value: Symbol) -> Symbol:
    return x.index_copy(0, index.long(), value)


@rule("index_add", "index_update")
def index_add(node: NodeView, x: Symbol, index: Symbol, value: Symbol) -> Symbol:
    options = {"accumulate": True} if node.kind == "index_add" else {}
    return x.index_put(index.long().unbind(), value.to(x.dtype), **options)


@rule("boolean_mask")
def boolean_mask(node: NodeView, x: Symbol, mask: Symbol) -> Symbol:
    chosen = operation("!=", mask, 0)
    (axis,) = positive((node["axis"],), node.rank())
    return x[chosen] if axis == 0 else x.index_select(axis, chosen.nonzero().squeeze(1))


@rule("nonzero")
def nonzero(node: NodeView, x: Symbol) -> Symbol:
    return x.nonzero()


@rule("one_hot")
def one_hot(node: NodeView, index: Symbol) -> Symbol:
    on, off = node["on_value"], node["off_value"]
    hot = helper.one_hot(index, node["depth"])
    if (on, off) != (1, 0):
        hot = torch.where(hot, number(on), number(off))
    return hot.to(torch_dtype(node["dtype"]))


@rule("ravel_index")
def ravel_index(node: NodeView, x: Symbol) -> Symbol:
    return helper.ravel_index(x, node["shape"])


@rule("unravel_index")
def unravel_index(node: NodeView, x: Symbol) -> Symbol:
    return helper.unravel_index(x, node["shape"])


@rule("mask_update")
def mask_update(node: NodeView, x: Symbol, mask: Symbol, value: Symbol) -> Symbol:
    return helper.mask_update(x, mask, value, node["axis"]) if node["axis"] else helper.mask_update(x, mask, value)


@rule("insert")
def insert(node: NodeView, x: Symbol, value: Symbol, positions: Symbol | None = None) -> Symbol:
    options = {} if node["axis"] is None else {"axis": node["axis"]}
    if node["slice"] is not None:
        return helper.insert_slice(x, value, *node["slice"], **options)
    return helper.insert(x, value, node["position"] if positions is None else positions, **options)


@rule("diagonal_indices")
def diagonal_indices(node: NodeView, x: Symbol) -> Symbol:
    return torch.arange(x.shape[0], device=x.device).expand(x.ndim, -1)
