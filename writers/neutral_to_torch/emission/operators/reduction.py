"""Reductions."""

from __future__ import annotations

from typing import Any, Callable

from neutral_to_torch.emission.expression.symbols import Symbol, helper, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.lowering.torch_dtypes import torch_dtype
from neutral_to_torch.emission.operators.shape import may_cover, positive

_METHODS = {
    "sum": "sum",
    "mean": "mean",
    "nan_sum": "nansum",
    "reduce_max": "amax",
    "reduce_min": "amin",
    "all": "all",
    "any": "any",
}


def _axes(node: NodeView) -> tuple[int, ...] | None:
    """Return the reduced axes, None for all; excluded ones are resolved where the rank is known."""
    axes: tuple[int, ...] | None = node["axes"]
    rank = node.rank()
    if axes is None or rank is None:
        return axes
    if node["exclude"]:
        excluded = positive(axes, rank)
        axes = tuple(axis for axis in range(rank) if axis not in excluded)
    return axes


def _arguments(node: NodeView, x: Symbol) -> tuple[tuple[Any, ...], dict[str, bool]]:
    """Return the axes and ``keepdim`` as torch's reductions take them."""
    axes, rank = _axes(node), node.rank()
    dims: Any = axes
    if axes is None and node["keepdim"]:
        dims = tuple(range(rank)) if rank is not None else tuple_of_axes(x)
    elif axes is not None and node["exclude"] and rank is None:
        dims = helper.other_axes(x, axes)
    if isinstance(dims, tuple) and len(dims) == 1:
        dims = dims[0]
    return () if dims is None else (dims,), {"keepdim": True} if node["keepdim"] else {}


def tuple_of_axes(x: Symbol) -> Symbol:
    """Return all axes of an input of unknown rank.

    Args:
        x: The input.

    Returns:
        An expression of a tuple of integers, evaluated when the module runs.
    """
    return helper.other_axes(x, ())


def _at_least_1d(node: NodeView, result: Symbol) -> Symbol:
    axes, rank = _axes(node), node.rank()
    if node["keepdim"] or not node["at_least_1d"]:
        return result
    if axes is None or (rank is not None and len(axes) == rank):
        return result.reshape(1)
    if rank is None and not node["exclude"] and may_cover(axes, None):
        return torch.atleast_1d(result)
    return result


def _leaves_all(node: NodeView) -> bool:
    """Return whether no axis is reduced: torch takes no axes for all."""
    return _axes(node) == ()


def _excludes_unknown(node: NodeView) -> bool:
    return node["exclude"] and node["axes"] is not None and node.rank() is None


def _over_others(node: NodeView, x: Symbol, reduce: Callable[[Symbol, Symbol], Symbol]) -> Symbol:
    """Reduce an input of unknown rank over all axes but the excluded ones.

    The excluded axes may be all, of which torch would reduce all: a further axis leaves it one.
    """
    wide = x.unsqueeze(0)
    result = reduce(wide, helper.other_axes(wide, tuple(axis + (axis >= 0) for axis in node["axes"])))
    return result.squeeze(0) if node["keepdim"] else result


@rule(*_METHODS)
def reduction(node: NodeView, x: Symbol) -> Symbol:
    if _leaves_all(node):
        return torch.where(x.isnan(), 0, x) if node.kind == "nan_sum" else x
    axes, keepdim = _arguments(node, x)
    method = _METHODS[node.kind]
    if _excludes_unknown(node):
        return _over_others(node, x, lambda wide, others: getattr(wide, method)(others, **keepdim))
    return _at_least_1d(node, getattr(x, method)(*axes, **keepdim))


@rule("variance", "standard_deviation")
def variance(node: NodeView, x: Symbol) -> Symbol:
    if _leaves_all(node):
        return torch.zeros_like(x)
    axes, keepdim = _arguments(node, x)
    method = {"variance": x.var, "standard_deviation": x.std}[node.kind]
    options = {} if node["correction"] == 1 else {"correction": node["correction"]}
    return _at_least_1d(node, method(*axes, **options, **keepdim))


@rule("l1_norm", "l2_norm")
def norm(node: NodeView, x: Symbol) -> Symbol:
    if _leaves_all(node):
        return x.abs()
    axes, keepdim = _arguments(node, x)
    order = (1,) if node.kind == "l1_norm" else ()
    dim = {"dim": axes[0]} if axes else {}
    return _at_least_1d(node, torch.linalg.vector_norm(x, *order, **dim, **keepdim))


@rule("product", "nan_product")
def product(node: NodeView, x: Symbol) -> Symbol:
    if node.kind == "nan_product":
        x = torch.where(x.isnan(), 1, x)
    if _leaves_all(node):
        return x
    axes, keepdim = _arguments(node, x)
    if _excludes_unknown(node):
        return _over_others(node, x, lambda wide, others: helper.product_over_axes(wide, others, **keepdim))
    single = not axes or isinstance(axes[0], int)
    function = helper.product if single else helper.product_over_axes
    return _at_least_1d(node, function(x, *axes, **keepdim))


@rule("argmax", "argmin")
def argmax(node: NodeView, x: Symbol) -> Symbol:
    axis, keepdim = node["axis"], node["keepdim"]
    options = {"keepdim": True} if keepdim else {}
    position: Symbol = getattr(x, node.kind)(*(() if axis is None and not keepdim else (axis,)), **options)
    if node["at_least_1d"] and not keepdim:
        if axis is None or node.rank() == 1:
            position = position.reshape(1)
        elif node.rank() is None and may_cover((axis,), None):
            position = torch.atleast_1d(position)
    return position if node["dtype"] == "int64" else position.to(x.dtype)


@rule("quantile")
def quantile(node: NodeView, x: Symbol, q: Symbol) -> Symbol:
    defaults = {"axis": None, "keepdim": False, "interpolation": "linear"}
    q = q if node.number(1) is not None else q.to(x.dtype)
    names = {"axis": "dim"}
    given = {names.get(name, name): node[name] for name, default in defaults.items() if node[name] != default}
    if given.get("interpolation") == "nearest":
        del given["interpolation"]
        return helper.nearest_quantile(x, q, **given)
    return torch.quantile(x, q, **given)


@rule("cumulative_sum")
def cumulative_sum(node: NodeView, x: Symbol) -> Symbol:
    return x.cumsum(node["axis"])


@rule("half_variance")
def half_variance(node: NodeView, x: Symbol) -> Symbol:
    options = {"keepdim": True} if node["keepdim"] else {}
    if node["correction"]:
        options["correction"] = node["correction"]
    return helper.half_variance(x, node["axes"], torch_dtype(node["dtype"]), **options)
