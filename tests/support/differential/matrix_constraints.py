"""Constraints of operators on matrices: products, decompositions, equations and packed triangles."""

from __future__ import annotations

from typing import Sequence

from differential.draft import Constraint, Draft, Input

EINSUMS = (
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)),
    ("i,j->ij", (3,), (4,)),
    ("ij->ji", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 2)),
    ("ij,kj", (2, 3), (4, 3)),
)


def square(values: str, ranks: tuple[int, ...] = (0, 1, 2)) -> Constraint:
    def constraint(draft: Draft) -> Sequence[Input]:
        size = draft.between(1, 4)
        return [Input((*draft.shape(*ranks), size, size), (values,))]

    return constraint


def matrices(draft: Draft) -> Sequence[Input]:
    """Two batches of matrices, either transposed."""
    batch = () if draft.attributes.get("axis") else draft.shape(0, 1, 2)
    rows, inner, columns = (draft.between(1, 4) for _ in range(3))
    draft.set(axis=None)
    first = (inner, rows) if draft.flag("transpose_a") else (rows, inner)
    second = (columns, inner) if draft.flag("transpose_b") else (inner, columns)
    return [Input((*batch, *first)), Input((*batch, *second))]


def added_matrices(draft: Draft) -> Sequence[Input]:
    first, second = matrices(draft)
    rows = first.shape[-1 if draft.flag("transpose_a") else -2]
    columns = second.shape[-2 if draft.flag("transpose_b") else -1]
    return [first, second, Input((*first.shape[:-2], rows, columns))]


def triangular_matrices(draft: Draft) -> Sequence[Input]:
    batch, size, other = draft.shape(0, 1), draft.between(1, 4), draft.between(1, 4)
    shape = (other, size) if draft.flag("rightside") else (size, other)
    return [Input((*batch, size, size), ("regular",)), Input((*batch, *shape))]


def batch_dot(draft: Draft) -> Sequence[Input]:
    draft.set(forward_stype=None)
    batch = draft.shape(1)
    rows, inner, columns = (draft.between(1, 4) for _ in range(3))
    first = (inner, rows) if draft.flag("transpose_a") else (rows, inner)
    second = (columns, inner) if draft.flag("transpose_b") else (inner, columns)
    return [Input((*batch, *first)), Input((*batch, *second))]


def dot(draft: Draft) -> Sequence[Input]:
    draft.set(forward_stype=None)
    shared, first, second = (draft.between(1, 4),), draft.shape(0, 1, 2), draft.shape(0, 1, 2)
    return [
        Input((*shared, *first) if draft.flag("transpose_a") else (*first, *shared)),
        Input((*second, *shared) if draft.flag("transpose_b") else (*shared, *second)),
    ]


def numpy_dot(draft: Draft) -> Sequence[Input]:
    inner = draft.between(1, 4)
    first, second = draft.shape(0, 1, 2), draft.one((), (), (3,), (2, 3))
    return [Input((*first, inner)), Input((*second[:-1], inner, *second[-1:]))]


def matmul(draft: Draft) -> Sequence[Input]:
    inner, batch = draft.between(1, 4), draft.shape(0, 1, 2)
    if not batch:
        return numpy_dot(draft)
    return [Input((*batch, 2, inner)), Input((*draft.broadcast(batch), inner, 3))]


def tensordot(draft: Draft) -> Sequence[Input]:
    shared = draft.shape(1, 2)
    first, second = draft.shape(0, 1), draft.shape(0, 1)
    a_axes = tuple(range(len(first), len(first) + len(shared)))
    draft.set(a_axes_summed=a_axes, b_axes_summed=tuple(range(len(shared))))
    return [Input((*first, *shared)), Input((*shared, *second))]


def tensordot_count(draft: Draft) -> Sequence[Input]:
    shared = draft.shape(0, 1, 2)
    draft.set(axes=len(shared))
    return [Input((*draft.shape(1, 2), *shared)), Input((*shared, *draft.shape(1, 2)))]


def einsum(draft: Draft) -> Sequence[Input]:
    subscripts, *shapes = draft.one(*EINSUMS)
    draft.set(subscripts=subscripts, num_args=len(shapes), optimize=None)
    draft.maybe(optimize=[0, 1])
    return [Input(shape) for shape in shapes]


def solve(draft: Draft) -> Sequence[Input]:
    size, batch = draft.between(1, 4), draft.shape(0, 1)
    right = (size,) if not batch and draft.random.random() < 0.4 else (*batch, size, draft.between(1, 3))
    return [Input((*batch, size, size), ("regular",)), Input(right)]


def tensor_inverse(draft: Draft) -> Sequence[Input]:
    ind, shape = draft.one((2, (2, 3, 6)), (1, (6, 2, 3)), (2, (2, 2, 2, 2)), (1, (4, 4)))
    draft.set(ind=None if ind == 2 and not draft.has_optional else ind)
    return [Input(shape)]


def tensor_solve(draft: Draft) -> Sequence[Input]:
    left, right = draft.one(((2, 3, 6), (2, 3)), ((4, 4), (4,)), ((2, 2, 4), (2, 2)))
    draft.set(a_axes=None)
    return [Input(left), Input(right)]


def pseudo_inverse(draft: Draft) -> Sequence[Input]:
    batch = draft.shape(0, 1)
    if draft.flag("hermitian"):
        size = draft.between(1, 4)
        return [Input((*batch, size, size), ("definite",)), Input(batch, ("constant", 1e-4))]
    return [Input((*batch, draft.between(1, 4), draft.between(1, 4))), Input(batch, ("constant", 1e-4))]


def singular_values(draft: Draft) -> Sequence[Input]:
    rows = draft.between(1, 4)
    return [Input((*draft.shape(0, 1), rows, rows + draft.between(0, 2)))]


def triangle_packed(draft: Draft) -> Sequence[Input]:
    size = draft.between(2, 4)
    draft.set(offset=None, lower=None)
    draft.maybe(offset=[-1, 1, 0], lower=["True", "False"])
    count = size * (size + 1) // 2
    return [Input((*draft.shape(0, 1), count))]


def diagonal_packed(draft: Draft) -> Sequence[Input]:
    draft.maybe(offset=[-1, 0, 1])
    return [Input((*draft.shape(0, 1), draft.between(1, 4)))]


def from_matrix(draft: Draft) -> Sequence[Input]:
    size = draft.between(3, 5)
    draft.maybe(offset=[-1, 0, 1, 2])
    return [Input((*draft.shape(0, 1), size, size))]


MATRICES: dict[str, Constraint] = {
    "_linalg_det": square("regular"),
    "_linalg_extractdiag": from_matrix,
    "_linalg_extracttrian": from_matrix,
    "_linalg_gelqf": singular_values,
    "_linalg_gemm": added_matrices,
    "_linalg_gemm2": matrices,
    "_linalg_inverse": square("regular"),
    "_linalg_makediag": diagonal_packed,
    "_linalg_maketrian": triangle_packed,
    "_linalg_potrf": square("definite"),
    "_linalg_potri": square("triangular"),
    "_linalg_slogdet": square("regular"),
    "_linalg_syevd": square("separated"),
    "_linalg_sumlogdiag": square("definite"),
    "_linalg_trmm": triangular_matrices,
    "_linalg_trsm": triangular_matrices,
    "_np_dot": numpy_dot,
    "_npi_cholesky": square("definite"),
    "_npi_det": square("regular"),
    "_npi_eig": square("separated"),
    "_npi_eigh": square("separated"),
    "_npi_eigvals": square("separated"),
    "_npi_eigvalsh": square("separated"),
    "_npi_einsum": einsum,
    "_npi_inv": square("regular"),
    "_npi_matmul": matmul,
    "_npi_pinv": pseudo_inverse,
    "_npi_pinv_scalar_rcond": lambda draft: (pseudo_inverse(draft) or ())[:1],
    "_npi_slogdet": square("regular"),
    "_npi_solve": solve,
    "_npi_svd": singular_values,
    "_npi_tensordot": tensordot,
    "_npi_tensordot_int_axes": tensordot_count,
    "_npi_tensorinv": tensor_inverse,
    "_npi_tensorsolve": tensor_solve,
    "batch_dot": batch_dot,
    "dot": dot,
}
"""Constraints of operators on matrices by operator."""
