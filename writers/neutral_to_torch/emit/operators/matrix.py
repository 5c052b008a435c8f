"""Products of two values."""

from __future__ import annotations

from neutral_to_torch.emit.operators.shape import positive
from neutral_to_torch.emit.rules import View, rule
from neutral_to_torch.emit.symbols import Symbol, helper, torch


@rule("matmul", rank="broadcast")
def matmul(node: View, x: Symbol, y: Symbol) -> Symbol:
    return x @ y


def _product_rank(node: View) -> int | None:
    left, right = node.rank(0), node.rank(1)
    return None if left is None or right is None else max(left + right - 2, int(node["at_least_1d"]))


@rule("tensordot", rank=_product_rank)
def tensordot(node: View, x: Symbol, y: Symbol) -> Symbol:
    """A product of matrices is written as one; otherwise all but the axes is flattened by torch."""
    left, right = node.rank(0), node.rank(1)
    (axis,), (other,) = positive((node["axis"],), left), positive((node["other_axis"],), right)
    if left is not None and right in (1, 2) and (left == 2 or axis == left - 1) and left * right > 1:
        x = x if axis == left - 1 else x.T
        return x @ (y.T if right == 2 and other == 1 else y)
    result = torch.tensordot(x, y, dims=([axis], [other]))
    if not node["at_least_1d"] or (left or 0) > 1 or (right or 0) > 1:
        return result
    return result.reshape(1) if left == right == 1 else torch.atleast_1d(result)


@rule("khatri_rao", rank=2)
def khatri_rao(node: View, *inputs: Symbol) -> Symbol:
    result, *others = inputs
    for other in others:
        result = helper.khatri_rao(result, other)
    return result
