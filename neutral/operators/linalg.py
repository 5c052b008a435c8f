"""Factors, inverses and solutions of matrices: the last two axes are the matrix, the axes before them count matrices."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.ranks import RankContext
from neutral.operators.shape import AT_LEAST_1D

LOWER = Attribute("lower", "bool", "Whether it is the lower triangle, else the upper one.")

OFFSET = Attribute("offset", "int", "The diagonal: 0 is the main one, positive ones are above it.")


def _determinant_rank(node: RankContext) -> int | None:
    rank = node.changed(-2)
    return None if rank is None else max(rank, int(node["at_least_1d"]))


OPERATORS = (
    Operator(
        "cholesky",
        "The triangular factor L of a symmetric positive definite matrix A = L L^T with a positive diagonal, or U of "
        "A = U^T U. The other triangle is 0; that of A is not looked at.",
        attributes=(LOWER,),
        family="linear algebra",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "cholesky_inverse",
        "(L L^T)^-1 of a lower triangular L, whose upper triangle is not looked at.",
        family="linear algebra",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "solve_triangular",
        "X of matrix X = other, or of X matrix = other. The matrix is triangular; its other triangle is not looked at.",
        inputs=("matrix", "other"),
        attributes=(
            Attribute("lower", "bool", "Whether the matrix is lower triangular, else upper."),
            Attribute("transpose", "bool", "Whether the matrix is transposed after that."),
            Attribute("right", "bool", "Whether the matrix stands to the right of X."),
        ),
        family="linear algebra",
        rank_rule="broadcast",
        dtype_rule="same",
    ),
    Operator(
        "solve",
        "X of matrix X = other, of a square matrix.",
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
        "The Moore-Penrose inverse; singular values not above rcond times the largest count as 0.",
        attributes=(
            Attribute("rcond", "float", "The share of the largest singular value."),
            Attribute("hermitian", "bool", "Whether the matrix is symmetric."),
        ),
        family="linear algebra",
        rank_rule="same",
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
        "The sign of the determinant, -1, 0 or 1, and the logarithm of its magnitude.",
        attributes=(AT_LEAST_1D,),
        outputs=("sign", "logarithm"),
        family="linear algebra",
        rank_rule=lambda node: (_determinant_rank(node), _determinant_rank(node)),
        dtype_rule="same",
    ),
    Operator(
        "eigh",
        "The eigenvalues of a symmetric matrix in rising order, and its eigenvectors of length 1 as columns, each with a "
        "positive sign for its element of largest magnitude. Only one triangle is looked at.",
        attributes=(LOWER,),
        outputs=("values", "vectors"),
        family="linear algebra",
        rank_rule=lambda node: (node.changed(-1), node.rank()),
        dtype_rule="same",
    ),
    Operator(
        "qr",
        "Q R of a matrix (m, n): Q (m, k) has orthonormal columns, R (k, n) is upper triangular, k is the smaller of m and "
        "n. The signs are those of Householder's reflections as LAPACK makes them.",
        outputs=("q", "r"),
        family="linear algebra",
        rank_rule=lambda node: (node.rank(), node.rank()),
        dtype_rule="same",
    ),
    Operator(
        "svd",
        "U diag(s) V of a matrix (m, n): U (m, k), s (k,) in falling order, V (k, n), k is the smaller of m and n. Each pair "
        "of a column of U and a row of V may have the opposite sign.",
        outputs=("u", "s", "v"),
        family="linear algebra",
        rank_rule=lambda node: (node.rank(), node.changed(-1), node.rank()),
        dtype_rule="same",
    ),
    Operator(
        "diagonal_matrix",
        "A square matrix with the input's last axis on a diagonal and 0 elsewhere; the axes before count matrices.",
        attributes=(OFFSET,),
        family="linear algebra",
        rank_rule=lambda node: node.changed(1),
        dtype_rule="same",
    ),
    Operator(
        "pack_triangle",
        "The elements of a square matrix on one side of a diagonal, the diagonal among them, as a vector: "
        "the lower triangle row by row, the upper one column by column.",
        attributes=(OFFSET, LOWER),
        family="linear algebra",
        rank_rule=lambda node: node.changed(-1),
        dtype_rule="same",
    ),
    Operator(
        "unpack_triangle",
        "The inverse of pack_triangle: the square matrix that has the vector's elements there and 0 elsewhere.",
        attributes=(OFFSET, LOWER),
        family="linear algebra",
        rank_rule=lambda node: node.changed(1),
        dtype_rule="same",
    ),
)
