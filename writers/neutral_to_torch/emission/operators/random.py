"""Random numbers, from torch's generators."""

from __future__ import annotations

from typing import Any

from neutral.dtypes import DTYPE_CODE
from neutral.operators.dtypes import INTEGERS
from neutral.tensor import lazy_tensor
from neutral_to_torch.emission.expression.symbols import Symbol, helper, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, unpack
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.lowering.torch_dtypes import torch_dtype
from neutral_to_torch.emission.operators.creation import number


def _parameters(node: NodeView) -> list[Symbol | float | int]:
    """Return the parameters, literals as numbers."""
    parameters: list[Any] = []
    for index, symbol in enumerate(node.inputs[:-1]):
        value = node.number(index)
        parameters.append(symbol if value is None else number(float(value)))
    return parameters


def _like(node: NodeView) -> Symbol | None:
    """Return a tensor of the output's shape and dtype: a buffer, which knows its device; None if there is none."""
    import numpy as np

    if node.inputs[-1] is not None:
        return node.inputs[-1]
    if any(node.number(index) is None for index in range(len(node.inputs) - 1)):
        return None
    shape, dtype = node["shape"] or (), node["dtype"] or "float32"
    constructor = torch.zeros(*(shape or ((),)), dtype=torch_dtype(dtype))
    return node.constant(constructor, lazy_tensor(DTYPE_CODE[dtype], shape, lambda: np.zeros(shape, dtype)))


def _helped(node: NodeView, function: Symbol) -> Symbol:
    """Call a helper with the parameters, at least one of them a tensor, and the shape."""
    first, *others = _parameters(node)
    like = _like(node)
    if like is not None and node["dtype"] in INTEGERS:
        drawn = function(torch.full_like(like, first, dtype=torch.float32), *others)
        return drawn.to(torch_dtype(node["dtype"]))
    if like is not None:
        return function(torch.full_like(like, first), *others)
    size = [] if node["shape"] is None else [node["shape"], node["place"]]
    result = function(first, *others, *size)
    return result if node["dtype"] is None else result.to(torch_dtype(node["dtype"]))


@rule("random_normal")
def normal(node: NodeView, *inputs: Symbol) -> Symbol:
    like, (mean, deviation) = _like(node), _parameters(node)
    only = _only_tensor(node)
    if like is None and only is None:
        return _helped(node, helper.random_normal)
    return _affine(torch.randn_like(only if like is None else like), mean, deviation)


@rule("random_uniform")
def uniform(node: NodeView, *inputs: Symbol) -> Symbol:
    like, (low, high) = _like(node), _parameters(node)
    only = _only_tensor(node)
    if like is None and only is None:
        return _helped(node, helper.random_uniform)
    return _affine(torch.rand_like(only if like is None else like), low, high - low)


def _only_tensor(node: NodeView) -> Symbol | None:
    """Return the parameter that is a tensor where the output has its shape and dtype: one, the other a number."""
    tensors = [x for index, x in enumerate(node.inputs[:-1]) if node.number(index) is None]
    return tensors[0] if len(tensors) == 1 and node["shape"] is None and node["dtype"] is None else None


def _affine(drawn: Symbol, offset: Any, scale: Any) -> Symbol:
    if isinstance(scale, Symbol) or scale != 1:
        drawn = drawn * scale
    return drawn + offset if isinstance(offset, Symbol) or offset else drawn


@rule(
    "random_exponential",
    "random_gamma",
    "random_poisson",
    "random_negative_binomial",
    "random_binomial",
    "random_bernoulli",
)
def other_distribution(node: NodeView, *inputs: Symbol) -> Symbol:
    return _helped(node, getattr(helper, node.kind))


@rule("random_integer")
def integer(node: NodeView, *inputs: Symbol) -> Symbol:
    low, high = _parameters(node)
    return torch.randint_like(_like(node), low, high)


@rule("random_category")
def category(node: NodeView, x: Symbol) -> Result:
    dtype = torch_dtype(node["dtype"] or "int64")
    if any(node.used[1:]):
        return unpack(helper.random_category_and_log(x, node["shape"], dtype=dtype), (0, 1))
    return helper.random_category(x, node["shape"], dtype=dtype)


@rule("random_permutation")
def permutation(node: NodeView, x: Symbol) -> Symbol:
    return x[torch.randperm(x.shape[0], device=x.device)]


@rule("random_multinomial")
def multinomial(node: NodeView, p: Symbol | None = None) -> Symbol:
    import numpy as np

    if p is None:
        values = node["probabilities"]
        tensor = lazy_tensor(DTYPE_CODE["float32"], (len(values),), lambda: np.array(values, np.float32))
        p = node.constant(torch.tensor(list(values)), tensor)
    return helper.random_multinomial(p, node["draws"], node["shape"])
