"""Products of two values."""

from __future__ import annotations

import re

from neutral_to_torch.emission.expression.symbols import Symbol, helper, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Unsupported
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.operators.shape import positive


@rule("matmul")
def matmul(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    return x @ y


@rule("tensordot")
def tensordot(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    """Write products of matrices as ``@``, all others as ``torch.tensordot``."""
    left, right = node.rank(0), node.rank(1)
    (axis,), (other,) = positive((node["axis"],), left), positive((node["other_axis"],), right)
    if left is not None and right in (1, 2) and (left == 2 or axis == left - 1) and left * right > 1:
        x = x if axis == left - 1 else x.T
        return x @ (y.T if right == 2 and other == 1 else y)
    result = torch.tensordot(x, y, dims=([axis], [other]))
    if not node["at_least_1d"] or (left or 0) > 1 or (right or 0) > 1:
        return result
    return result.reshape(1) if left == right == 1 else torch.atleast_1d(result)


@rule("contract")
def contract(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    axes, others = node["axes"], node["other_axes"]
    count = len(axes)
    last, first = tuple(range(-count, 0)), tuple(range(count))
    if positive(axes, node.rank(0)) == positive(last, node.rank(0)) and others == first:
        return torch.tensordot(x, y, dims=count)
    return torch.tensordot(x, y, dims=(list(axes), list(others)))


@rule("dot")
def dot(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    left, right = node.rank(0), node.rank(1)
    if left is None or right is None:
        return helper.dot(x, y)
    if not left or not right:
        return x * y
    return x @ y if right <= 2 else torch.tensordot(x, y, dims=([left - 1], [right - 2]))


_SUBSCRIPTS = re.compile(r"(?:[A-Za-z]*(?:\.\.\.)?[A-Za-z]*)(?:,[A-Za-z]*(?:\.\.\.)?[A-Za-z]*)*")


@rule("einsum")
def einsum(node: NodeView, *inputs: Symbol) -> Symbol:
    subscripts = node["subscripts"].replace(" ", "")
    terms, _, output = subscripts.partition("->")
    if not _SUBSCRIPTS.fullmatch(terms) or not _SUBSCRIPTS.fullmatch(output) or "," in output:
        raise Unsupported(f"subscripts {subscripts[:40]!r}; expected letters and ... as in 'ij,jk->ik'")
    if terms.count(",") + 1 != len(inputs):
        raise Unsupported(f"subscripts for {terms.count(',') + 1} operands, but there are {len(inputs)}")
    return torch.einsum(node["subscripts"], *inputs)


@rule("kronecker")
def kronecker(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    return torch.kron(x, y)


@rule("cross")
def cross(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    if node["axis"] == -1 and (node.rank(0) is None or node.rank(0) != node.rank(1)):
        return helper.cross(x, y)
    return torch.linalg.cross(x, y, dim=node["axis"]) if node["axis"] != -1 else torch.linalg.cross(x, y)


@rule("khatri_rao")
def khatri_rao(node: NodeView, *inputs: Symbol) -> Symbol:
    result, *others = inputs
    for other in others:
        result = helper.khatri_rao(result, other)
    return result
