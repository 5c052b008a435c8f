"""Linear algebra."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol, helper, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, unpack
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.operators.shape import starred

linalg = torch.linalg


@rule("cholesky")
def cholesky(node: NodeView, x: Symbol) -> Symbol:
    return linalg.cholesky(x) if node["lower"] else linalg.cholesky(x, upper=True)


@rule("cholesky_inverse")
def cholesky_inverse(node: NodeView, x: Symbol) -> Symbol:
    return torch.cholesky_inverse(x)


@rule("solve_triangular")
def solve_triangular(node: NodeView, a: Symbol, b: Symbol) -> Symbol:
    """Solve with the transpose of a triangular matrix, which is triangular on the other side."""
    matrix = a.mT if node["transpose"] else a
    options = {"left": False} if node["right"] else {}
    return linalg.solve_triangular(matrix, b, upper=node["lower"] == node["transpose"], **options)


@rule("solve")
def solve(node: NodeView, a: Symbol, b: Symbol) -> Symbol:
    return linalg.solve(a, b)


@rule("inverse")
def inverse(node: NodeView, x: Symbol) -> Symbol:
    return linalg.inv(x)


@rule("pseudo_inverse")
def pseudo_inverse(node: NodeView, x: Symbol, rcond: Symbol | None = None) -> Symbol:
    options = {"hermitian": True} if node["hermitian"] else {}
    return linalg.pinv(x, rtol=node["rcond"] if rcond is None else rcond, **options)


@rule("tensor_inverse")
def tensor_inverse(node: NodeView, x: Symbol) -> Symbol:
    return linalg.tensorinv(x, ind=node["axes"])


@rule("tensor_solve")
def tensor_solve(node: NodeView, a: Symbol, b: Symbol) -> Symbol:
    return linalg.tensorsolve(a, b, dims=node["axes"]) if node["axes"] else linalg.tensorsolve(a, b)


@rule("eig")
def eig(node: NodeView, x: Symbol) -> Result:
    if not any(node.used[1:]):
        return linalg.eigvals(x).real
    return unpack(helper.real_eig(x), (0, 1))


def _may_be_one(node: NodeView) -> bool:
    """Return whether a single determinant has to get an axis."""
    return node["at_least_1d"] and node.rank() in (None, 2)


@rule("determinant")
def determinant(node: NodeView, x: Symbol) -> Symbol:
    result = linalg.det(x)
    return torch.atleast_1d(result) if _may_be_one(node) else result


@rule("log_determinant")
def log_determinant(node: NodeView, x: Symbol) -> Result:
    result = linalg.slogdet(x)
    return unpack(torch.atleast_1d(starred(result)) if _may_be_one(node) else result, (0, 1))


@rule("eigh")
def eigh(node: NodeView, x: Symbol) -> Result:
    options = {} if node["lower"] else {"UPLO": "U"}
    if not any(node.used[1:]):
        return linalg.eigvalsh(x, **options)
    return unpack(helper.eigh(x, **options), (0, 1))


@rule("qr")
def qr(node: NodeView, x: Symbol) -> Result:
    return unpack(linalg.qr(x), (0, 1))


@rule("svd")
def svd(node: NodeView, x: Symbol) -> Result:
    if not (node.used[0] or any(node.used[2:])):
        return None, linalg.svdvals(x)
    return unpack(linalg.svd(x, full_matrices=False), (0, 1, 2))


@rule("diagonal_matrix")
def diagonal_matrix(node: NodeView, x: Symbol) -> Symbol:
    return x.diag_embed(node["offset"]) if node["offset"] else x.diag_embed()


@rule("pack_triangle")
def pack_triangle(node: NodeView, x: Symbol) -> Symbol:
    return helper.pack_triangle(x, node["offset"], lower=node["lower"])


@rule("unpack_triangle")
def unpack_triangle(node: NodeView, x: Symbol) -> Symbol:
    return helper.unpack_triangle(x, node["offset"], lower=node["lower"])


@rule("least_squares")
def least_squares(node: NodeView, matrix: Symbol, other: Symbol) -> Result:
    options = {} if node["rcond"] is None else {"rcond": node["rcond"]}
    return unpack(helper.least_squares(matrix, other, **options), (0, 1, 2, 3))


@rule("matrix_rank")
def matrix_rank(node: NodeView, x: Symbol, tolerance: Symbol | None = None) -> Symbol:
    if tolerance is not None:
        return helper.matrix_rank(x, tolerance)
    options = {} if node["eps"] is None else {"eps": node["eps"]}
    return helper.matrix_rank_by_eps(x, **options)
