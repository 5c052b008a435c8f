"""Decompositions, inverses and solutions of matrices. The last two axes are the matrix; the axes before are batch axes."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator
from neutral.operators.ranks import RankContext
from neutral.operators.shape import AT_LEAST_1D

LOWER = Attribute("lower", "bool", "True for the lower triangle, False for the upper one.")

OFFSET = Attribute("offset", "int", "The diagonal: 0 is the main diagonal, positive numbers are above it.")


def _determinant_rank(node: RankContext) -> int | None:
    rank = node.changed(-2)
    return None if rank is None else max(rank, int(node["at_least_1d"]))


OPERATORS = (
    Operator(
        "cholesky",
        "The Cholesky factor of a symmetric positive definite matrix A: L with A = L L^T if lower, else U with A "
        "= U^T U. Its diagonal is positive and its other triangle is 0. The other triangle of A is not read.",
        attributes=(LOWER,),
        family="linear algebra",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "cholesky_inverse",
        "(L L^T)^-1 for a lower triangular L, whose upper triangle is not read.",
        family="linear algebra",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "solve_triangular",
        "Solve matrix X = other, or X matrix = other, for X. The matrix is triangular; its other triangle is not read.",
        inputs=("matrix", "other"),
        attributes=(
            Attribute("lower", "bool", "True if the matrix is lower triangular, False if upper."),
            Attribute("transpose", "bool", "True if the transpose of that triangle takes the place of the matrix."),
            Attribute("right", "bool", "True to solve X matrix = other, False for matrix X = other."),
        ),
        family="linear algebra",
        rank_rule="broadcast",
        dtype_rule="same",
    ),
    Operator(
        "solve",
        "Solve matrix X = other for X; the matrix is square.",
        inputs=("matrix", "other"),
        family="linear algebra",
        rank_rule=lambda node: node.rank(1),
        dtype_rule="same",
    ),
    Operator(
        "inverse",
        "The inverse of a square matrix.",
        family="linear algebra",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "pseudo_inverse",
        "The Moore-Penrose inverse; singular values that are at most rcond times the largest one are taken as 0.",
        inputs=("input", "rcond?"),
        attributes=(
            Attribute(
                "rcond",
                "float",
                "The threshold, as a fraction of the largest singular value; None: the operand, which has one for each "
                "matrix.",
                optional=True,
            ),
            Attribute("hermitian", "bool", "True if the matrix is symmetric."),
        ),
        family="linear algebra",
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "least_squares",
        "Solve matrix X = other for X by least squares, with the smallest X where it is not unique; singular values that are at "
        "most rcond times the largest one are taken as 0. The further outputs are the sums of squares of other - matrix X for "
        "each column, with no elements unless the matrix has more rows than columns and full rank; the rank, of int64; and the "
        "singular values.",
        inputs=("matrix", "other"),
        attributes=(
            Attribute(
                "rcond",
                "float",
                "The threshold, as a fraction of the largest singular value; negative: the machine precision of the dtype; "
                "None: that times the larger extent of the matrix.",
                optional=True,
            ),
        ),
        outputs=("solution", "residuals", "rank", "singular_values"),
        family="linear algebra",
        discontinuous=True,
        operand_rank=2,
        rank_rule=lambda node: (node.rank(1), 1, 0, 1),
        dtype_rule="promote",
    ),
    Operator(
        "matrix_rank",
        "The number of singular values that are greater than the tolerance: the operand, which broadcasts to the batch axes, or "
        "eps times the larger extent of the matrix times its largest singular value. Of an input with fewer than two axes it "
        "is 1 if no element is 0, else 0.",
        inputs=("input", "tolerance?"),
        attributes=(
            Attribute(
                "eps", "float", "The factor of the tolerance; None: the machine precision of the dtype.", optional=True
            ),
        ),
        family="linear algebra",
        discontinuous=True,
        dtype_rule="int64",
    ),
    Operator(
        "tensor_inverse",
        "The inverse of the matrix whose rows are the first axes of the input and whose columns are the others, with "
        "the columns' axes first.",
        attributes=(Attribute("axes", "int", "The number of axes that are rows.", minimum=1),),
        family="linear algebra",
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "tensor_solve",
        "Solve tensor X = other for X: the last axes of the tensor, as many as are left beside those of other, are "
        "summed with all axes of X.",
        inputs=("tensor", "other"),
        attributes=(Attribute("axes", "ints", "Axes that are moved to the end of the tensor first, in this order."),),
        family="linear algebra",
        rank_rule=lambda node: None if None in (node.rank(0), node.rank(1)) else node.changed(-(node.rank(1) or 0)),
        dtype_rule="same",
    ),
    Operator(
        "eig",
        "The eigenvalues of a square matrix that has real ones only, and its eigenvectors of length 1 as columns, in "
        "the order and with the signs of LAPACK's geev.",
        outputs=("values", "vectors"),
        family="linear algebra",
        rank_rule=lambda node: (node.changed(-1), node.rank()),
        dtype_rule="same",
    ),
    Operator(
        "determinant",
        "The determinant of a square matrix.",
        attributes=(AT_LEAST_1D,),
        family="linear algebra",
        rank_rule=_determinant_rank,
        dtype_rule="same",
    ),
    Operator(
        "log_determinant",
        "The sign of the determinant (-1, 0 or 1) and the natural logarithm of its absolute value.",
        attributes=(AT_LEAST_1D,),
        outputs=("sign", "logarithm"),
        family="linear algebra",
        rank_rule=lambda node: (_determinant_rank(node), _determinant_rank(node)),
        dtype_rule="same",
    ),
    Operator(
        "eigh",
        "The eigenvalues of a symmetric matrix in ascending order, and its eigenvectors of length 1 as columns, "
        "each with the sign that makes its element of largest absolute value positive. Only one triangle is read.",
        attributes=(LOWER,),
        outputs=("values", "vectors"),
        family="linear algebra",
        rank_rule=lambda node: (node.changed(-1), node.rank()),
        dtype_rule="same",
    ),
    Operator(
        "qr",
        "The QR decomposition of a matrix (m, n): Q (m, k) has orthonormal columns, R (k, n) is upper triangular, "
        "and k is the smaller of m and n. The signs are those of LAPACK's Householder reflections.",
        outputs=("q", "r"),
        family="linear algebra",
        rank_rule=lambda node: (node.rank(), node.rank()),
        dtype_rule="same",
    ),
    Operator(
        "svd",
        "The singular value decomposition U diag(s) V of a matrix (m, n): U (m, k), s (k,) in descending order "
        "and V (k, n), where k is the smaller of m and n. The signs of a column of U and the row of V that "
        "belongs to it may both be flipped.",
        outputs=("u", "s", "v"),
        family="linear algebra",
        rank_rule=lambda node: (node.rank(), node.changed(-1), node.rank()),
        dtype_rule="same",
    ),
    Operator(
        "diagonal_matrix",
        "Square matrices with the vectors along the input's last axis on a diagonal and 0 elsewhere.",
        attributes=(OFFSET,),
        family="linear algebra",
        rank_rule=lambda node: node.changed(1),
        dtype_rule="same",
    ),
    Operator(
        "pack_triangle",
        "The elements of a square matrix on a diagonal and on one side of it, as a vector: the lower triangle row "
        "by row, the upper one column by column.",
        attributes=(OFFSET, LOWER),
        family="linear algebra",
        rank_rule=lambda node: node.changed(-1),
        dtype_rule="same",
    ),
    Operator(
        "unpack_triangle",
        "The inverse of pack_triangle: the square matrix with the vector's elements in that triangle and 0 elsewhere.",
        attributes=(OFFSET, LOWER),
        family="linear algebra",
        rank_rule=lambda node: node.changed(1),
        dtype_rule="same",
    ),
)
