"""Linear algebra: src/operator/tensor/la_op.cc, and numpy/linalg for NumPy mode."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


def _transposed(op: Op, value: Operand) -> Value:
    return op.node("swap_axes", value, axis=-2, other_axis=-1)


def _scaled(op: Op, value: Value) -> Value:
    alpha = op.attributes.float("alpha", 1.0)
    return value if alpha == 1 else op.node("multiply", value, alpha)


@rule("_linalg_potrf", "_npi_cholesky")
def cholesky(op: Op) -> Operand:
    return op.node("cholesky", op.input(0), lower=op.attributes.bool("lower", True))


@rule("_linalg_potri")
def cholesky_inverse(op: Op) -> Operand:
    return op.node("cholesky_inverse", op.input(0))


@rule("_linalg_trsm")
def solve_triangular(op: Op) -> Operand:
    value = op.node(
        "solve_triangular",
        op.input(0),
        op.input(1),
        lower=op.attributes.bool("lower", True),
        transpose=op.attributes.bool("transpose", False),
        right=op.attributes.bool("rightside", False),
    )
    return _scaled(op, value)


@rule("_linalg_trmm")
def multiply_triangular(op: Op) -> Operand:
    lower = op.attributes.bool("lower", True)
    matrix = op.node("lower_triangle" if lower else "upper_triangle", op.input(0), offset=0)
    if op.attributes.bool("transpose", False):
        matrix = _transposed(op, matrix)
    factors = (op.input(1), matrix) if op.attributes.bool("rightside", False) else (matrix, op.input(1))
    return _scaled(op, op.node("matmul", *factors))


@rule("_linalg_syrk")
def syrk(op: Op) -> Operand:
    """A A^T, or transposed A^T A."""
    factors = (op.input(0), _transposed(op, op.input(0)))
    return _scaled(op, op.node("matmul", *(factors[::-1] if op.attributes.bool("transpose", False) else factors)))


@rule("_linalg_sumlogdiag")
def sum_log_diagonal(op: Op) -> Operand:
    logarithms = op.node("log", op.node("diagonal", op.input(0), offset=0, axis=-2, other_axis=-1))
    return op.node("sum", logarithms, axes=(-1,), exclude=False, keepdim=False, at_least_1d=not op.numpy_shape)


@rule("_linalg_extractdiag")
def extract_diagonal(op: Op) -> Operand:
    return op.node("diagonal", op.input(0), offset=op.attributes.int("offset", 0), axis=-2, other_axis=-1)


@rule("_linalg_makediag")
def make_diagonal(op: Op) -> Operand:
    return op.node("diagonal_matrix", op.input(0), offset=op.attributes.int("offset", 0))


@rule("_linalg_extracttrian", "_linalg_maketrian")
def triangle(op: Op) -> Operand:
    """A diagonal that is not the main one says by its sign which triangle is meant."""
    offset, lower = op.attributes.int("offset", 0), op.attributes.bool("lower", True)
    kind = "pack_triangle" if op.operator == "_linalg_extracttrian" else "unpack_triangle"
    return op.node(kind, op.input(0), offset=offset, lower=lower if offset == 0 else offset < 0)


@rule("_linalg_inverse", "_npi_inv")
def inverse(op: Op) -> Operand:
    return op.node("inverse", op.input(0))


@rule("_npi_solve")
def solve(op: Op) -> Operand:
    return op.node("solve", op.input(0), op.input(1))


@rule("_linalg_det", "_npi_det")
def determinant(op: Op) -> Sequence[Operand]:
    """Further outputs are what its gradient needs."""
    return [op.node("determinant", op.input(0), at_least_1d=not op.numpy_shape)]


@rule("_linalg_slogdet", "_npi_slogdet")
def log_determinant(op: Op) -> Sequence[Operand]:
    value = op.node("log_determinant", op.input(0), at_least_1d=not op.numpy_shape)
    return [value, Value(value.node, 1)]


@rule("_linalg_syevd")
def eigenvectors_as_rows(op: Op) -> Sequence[Operand]:
    values = op.node("eigh", op.input(0), lower=True)
    return [_transposed(op, Value(values.node, 1)), values]


@rule("_npi_eigh", "_npi_eigvalsh")
def eigenvectors(op: Op) -> Sequence[Operand]:
    values = op.node("eigh", op.input(0), lower=op.attributes.str("UPLO", "L") in ("L", "108", "76"))
    return [values, Value(values.node, 1)]


@rule("_linalg_gelqf")
def lq(op: Op) -> Sequence[Operand]:
    """A = L Q, which is the transpose of Q R of A^T."""
    q = op.node("qr", _transposed(op, op.input(0)))
    return [_transposed(op, q), _transposed(op, Value(q.node, 1))]


@rule("_npi_qr")
def qr(op: Op) -> Sequence[Operand]:
    q = op.node("qr", op.input(0))
    return [q, Value(q.node, 1)]


@rule("_npi_svd")
def svd(op: Op) -> Sequence[Operand]:
    u = op.node("svd", op.input(0))
    return [u, Value(u.node, 1), Value(u.node, 2)]


@rule("_npi_pinv_scalar_rcond")
def pseudo_inverse(op: Op) -> Operand:
    rcond, hermitian = op.attributes.float("rcond", 1e-15), op.attributes.bool("hermitian", False)
    return op.node("pseudo_inverse", op.input(0), rcond=rcond, hermitian=hermitian)
