"""Rules for linear algebra: src/operator/tensor/la_op.cc, and src/operator/numpy/linalg for NumPy mode."""

from __future__ import annotations

import math
from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value
from neutral.operators.dtypes import INTEGERS


def _transposed(context: NodeContext, value: Operand) -> Value:
    """Swap the last two axes."""
    return context.node("swap_axes", value, axis=-2, other_axis=-1)


def _scaled(context: NodeContext, value: Value) -> Value:
    """Multiply by the attribute ``alpha``."""
    alpha = context.attributes.float("alpha", 1.0)
    return value if alpha == 1 else context.node("multiply", value, alpha)


@rule("_linalg_potrf", "_npi_cholesky")
def cholesky(context: NodeContext) -> Operand:
    """Convert ``_linalg_potrf`` and ``np.linalg.cholesky``: the Cholesky factor."""
    return context.node("cholesky", context.input(0), lower=context.attributes.bool("lower", True))


@rule("_linalg_potri")
def cholesky_inverse(context: NodeContext) -> Operand:
    """Convert ``_linalg_potri``: the inverse of a matrix from its Cholesky factor."""
    return context.node("cholesky_inverse", context.input(0))


@rule("_linalg_trsm")
def solve_triangular(context: NodeContext) -> Operand:
    """Convert ``_linalg_trsm``: solve a triangular system."""
    value = context.node(
        "solve_triangular",
        context.input(0),
        context.input(1),
        lower=context.attributes.bool("lower", True),
        transpose=context.attributes.bool("transpose", False),
        right=context.attributes.bool("rightside", False),
    )
    return _scaled(context, value)


@rule("_linalg_trmm")
def multiply_triangular(context: NodeContext) -> Operand:
    """Convert ``_linalg_trmm``: multiply by a triangular matrix."""
    lower = context.attributes.bool("lower", True)
    matrix = context.node("lower_triangle" if lower else "upper_triangle", context.input(0), offset=0)
    if context.attributes.bool("transpose", False):
        matrix = _transposed(context, matrix)
    factors = (context.input(1), matrix) if context.attributes.bool("rightside", False) else (matrix, context.input(1))
    return _scaled(context, context.node("matmul", *factors))


@rule("_linalg_syrk")
def syrk(context: NodeContext) -> Operand:
    """Convert ``_linalg_syrk``: ``A @ A.T``, or transposed ``A.T @ A``."""
    factors = (context.input(0), _transposed(context, context.input(0)))
    return _scaled(
        context, context.node("matmul", *(factors[::-1] if context.attributes.bool("transpose", False) else factors))
    )


@rule("_linalg_sumlogdiag")
def sum_log_diagonal(context: NodeContext) -> Operand:
    """Convert ``_linalg_sumlogdiag``: the sum of the logarithms of a matrix's diagonal."""
    logarithms = context.node("log", context.node("diagonal", context.input(0), offset=0, axis=-2, other_axis=-1))
    return context.node("sum", logarithms, axes=(-1,), exclude=False, keepdim=False, at_least_1d=True)


@rule("_linalg_extractdiag")
def extract_diagonal(context: NodeContext) -> Operand:
    """Convert ``_linalg_extractdiag``: a diagonal of matrices."""
    return context.node(
        "diagonal", context.input(0), offset=context.attributes.int("offset", 0), axis=-2, other_axis=-1
    )


@rule("_linalg_makediag")
def make_diagonal(context: NodeContext) -> Operand:
    """Convert ``_linalg_makediag``: matrices with the input on a diagonal."""
    return context.node("diagonal_matrix", context.input(0), offset=context.attributes.int("offset", 0))


@rule("_linalg_extracttrian", "_linalg_maketrian")
def triangle(context: NodeContext) -> Operand:
    """Convert ``_linalg_extracttrian`` and ``_linalg_maketrian``: pack a triangle as a vector, and unpack it.

    An ``offset`` other than 0 selects the triangle by its sign, whatever ``lower`` says.
    """
    offset, lower = context.attributes.int("offset", 0), context.attributes.bool("lower", True)
    kind = "pack_triangle" if context.operator == "_linalg_extracttrian" else "unpack_triangle"
    return context.node(kind, context.input(0), offset=offset, lower=lower if offset == 0 else offset < 0)


@rule("_linalg_inverse", "_npi_inv")
def inverse(context: NodeContext) -> Operand:
    """Convert ``_linalg_inverse`` and ``np.linalg.inv``."""
    return context.node("inverse", context.input(0))


@rule("_npi_solve")
def solve(context: NodeContext) -> Operand:
    """Convert ``np.linalg.solve``, in float64 for integers."""
    return context.node("solve", _floating_matrix(context), _floating_matrix(context, 1))


@rule("_linalg_det", "_npi_det")
def determinant(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_linalg_det`` and ``np.linalg.det``.

    Returns:
        The determinant. MXNet's further outputs serve the gradient.
    """
    return [context.node("determinant", context.input(0), at_least_1d=not context.numpy_shape)]


@rule("_linalg_slogdet", "_npi_slogdet")
def log_determinant(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_linalg_slogdet`` and ``np.linalg.slogdet``.

    Returns:
        The sign, and the logarithm of the determinant's magnitude.
    """
    value = context.node("log_determinant", context.input(0), at_least_1d=not context.numpy_shape)
    return [value, Value(value.node, 1)]


@rule("_linalg_syevd")
def eigenvectors_as_rows(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_linalg_syevd``: the eigendecomposition of symmetric matrices.

    Returns:
        The eigenvectors as rows, and the eigenvalues.
    """
    values = context.node("eigh", context.input(0), lower=True)
    return [_transposed(context, Value(values.node, 1)), values]


@rule("_npi_eigh", "_npi_eigvalsh")
def eigenvectors(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.linalg.eigh`` and ``np.linalg.eigvalsh``.

    Returns:
        The eigenvalues, and the eigenvectors as columns; in float64 for integers.
    """
    values = context.node(
        "eigh", _floating_matrix(context), lower=context.attributes.str("UPLO", "L") in ("L", "108", "76")
    )
    return [values, Value(values.node, 1)]


@rule("_linalg_gelqf")
def lq(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_linalg_gelqf``: the factorisation A = L Q, computed as the transposed QR of A.T.

    Returns:
        Q and L.
    """
    q = context.node("qr", _transposed(context, context.input(0)))
    return [_transposed(context, q), _transposed(context, Value(q.node, 1))]


@rule("_npi_qr")
def qr(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.linalg.qr``, in float64 for integers.

    Returns:
        Q and R.
    """
    q = context.node("qr", _floating_matrix(context))
    return [q, Value(q.node, 1)]


@rule("_npi_svd")
def svd(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.linalg.svd``.

    Returns:
        The left singular vectors, the singular values, and the right singular vectors.
    """
    u = context.node("svd", context.input(0))
    return [u, Value(u.node, 1), Value(u.node, 2)]


@rule("_npi_pinv_scalar_rcond")
def pseudo_inverse(context: NodeContext) -> Operand:
    """Convert ``np.linalg.pinv`` with a number as ``rcond``."""
    rcond, hermitian = context.attributes.float("rcond", 1e-15), context.attributes.bool("hermitian", False)
    return context.node("pseudo_inverse", context.input(0), rcond=rcond, hermitian=hermitian)


@rule("_npi_pinv")
def pseudo_inverse_by_tensor(context: NodeContext) -> Operand:
    """Convert ``np.linalg.pinv`` with a tensor as ``rcond``."""
    hermitian = context.attributes.bool("hermitian", False)
    return context.node("pseudo_inverse", context.input(0), context.input(1), rcond=None, hermitian=hermitian)


@rule("_npi_tensorinv")
def tensor_inverse(context: NodeContext) -> Operand:
    """Convert ``np.linalg.tensorinv``."""
    return context.node("tensor_inverse", context.input(0), axes=context.attributes.int("ind", 2, minimum=1))


@rule("_npi_tensorsolve")
def tensor_solve(context: NodeContext) -> Operand:
    """Convert ``np.linalg.tensorsolve``, in float64 for integers."""
    axes = context.attributes.ints_or_none("a_axes", None) or ()
    return context.node("tensor_solve", _floating_matrix(context), _floating_matrix(context, 1), axes=axes)


@rule("_npi_eig", "_npi_eigvals")
def real_eigenvectors(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.linalg.eig`` and ``np.linalg.eigvals``, which MXNet computes where all eigenvalues are real.

    Returns:
        The eigenvalues, and the eigenvectors as columns; in float64 for integers.
    """
    values = context.node("eig", _floating_matrix(context))
    return [values, Value(values.node, 1)]


def _floating_matrix(context: NodeContext, index: int = 0) -> Operand:
    """Return an operand, in float64 if it is an integer one."""
    matrix = context.input(index)
    return context.node("cast", matrix, dtype="float64") if context.dtype(index) in INTEGERS else matrix


@rule("_npi_lstsq")
def least_squares(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.linalg.lstsq``.

    Returns:
        The solution, the squared errors, the rank and the singular values.

    Raises:
        Refusal: The machine precision is not that of the dtype.
    """
    rcond: float | None = context.attributes.float("rcond", -1.0)
    eps = _precision(context)
    if context.attributes.bool("new_default", False):
        if eps is not None:
            context.refuse(f"it takes {eps:g} for the machine precision")
        rcond = None
    value = context.node("least_squares", context.input(0), context.input(1), rcond=rcond)
    return [value, *(Value(value.node, index) for index in (1, 2, 3))]


@rule("_npi_matrix_rank")
def matrix_rank(context: NodeContext) -> Operand:
    """Convert ``np.linalg.matrix_rank`` with a tolerance.

    Raises:
        Refusal: The matrix is said to be symmetric, which MXNet refuses too.
    """
    _refuse_hermitian(context)
    return context.node("matrix_rank", context.input(0), context.input(1), eps=None)


@rule("_npi_matrix_rank_none_tol")
def matrix_rank_by_precision(context: NodeContext) -> Operand:
    """Convert ``np.linalg.matrix_rank`` without a tolerance.

    Raises:
        Refusal: The matrix is said to be symmetric, or its dtype is unknown and the precision is not the machine's.
    """
    _refuse_hermitian(context)
    return context.node("matrix_rank", context.input(0), eps=_precision(context))


def _refuse_hermitian(context: NodeContext) -> None:
    if context.attributes.bool("hermitian", False):
        context.refuse("MXNet computes no ranks of symmetric matrices by their eigenvalues")


def _precision(context: NodeContext) -> float | None:
    """Return the relative precision that the attributes state, None for that of the dtype.

    Raises:
        Refusal: It depends on the dtype, which is unknown.
    """
    stated = {32: context.attributes.float("finfoEps32", 0.0), 64: context.attributes.float("finfoEps64", 0.0)}
    dtype = context.dtype(0)
    if dtype is not None:
        bits = 64 if dtype == "float64" else 32
        return None if math.isclose(stated[bits], _MACHINE[bits], rel_tol=1e-5) else stated[bits]
    if stated[32] == stated[64]:
        return stated[32]
    if not all(math.isclose(stated[bits], _MACHINE[bits], rel_tol=1e-5) for bits in stated):
        context.refuse("its precision depends on the dtype, which is unknown")
    return None


_MACHINE = {32: 2.0**-23, 64: 2.0**-52}
"""The relative precision of floating dtypes by their bits."""
