"""Products of matrices and tensors that are both values of the graph."""

from __future__ import annotations

import re

from neutral.operators.declarations import Attribute, Operator
from neutral.operators.ranks import RankContext
from neutral.operators.shape import AT_LEAST_1D


def _matmul_rank(node: RankContext) -> int | None:
    left, right = node.rank(0), node.rank(1)
    if left is None or right is None:
        return None
    return max(left + right - 2, 0) if 1 in (left, right) else max(left, right)


def _tensordot_rank(node: RankContext) -> int | None:
    left, right = node.rank(0), node.rank(1)
    return None if left is None or right is None else max(left + right - 2, int(node["at_least_1d"]))


def _contract_rank(node: RankContext) -> int | None:
    left, right = node.rank(0), node.rank(1)
    return None if left is None or right is None else left + right - 2 * len(node["axes"])


def _dot_rank(node: RankContext) -> int | None:
    left, right = node.rank(0), node.rank(1)
    if left is None or right is None:
        return None
    return left + right - 2 if left and right else left + right


_EINSUM_TERM = r" *(?:[A-Za-z] *)*(?:\.\.\. *(?:[A-Za-z] *)*)?"
_EINSUM = f"{_EINSUM_TERM}(?:,{_EINSUM_TERM})*(?:->{_EINSUM_TERM})?"


def einsum_problem(subscripts: str) -> str | None:
    """Return why a text is not einsum subscripts, or None if it is: letters, ``...``, commas, spaces and one ``->``.

    Args:
        subscripts: The text.

    Returns:
        The end of a sentence about the text.

    Example:
        >>> einsum_problem("bij,bjk->bik"), einsum_problem("...i, i -> ...")
        (None, None)
        >>> einsum_problem("ij->k")
        "has the output axis 'k', which no operand has"
    """
    if re.fullmatch(_EINSUM, subscripts) is None:
        return "is not of the form 'ij,jk->ik'"
    operands, _, output = subscripts.replace(" ", "").replace(".", "").partition("->")
    letters = set(operands)
    unknown = next((letter for letter in output if letter not in letters), None)
    if unknown is not None:
        return f"has the output axis {unknown!r}, which no operand has"
    repeated = next((letter for letter in output if output.count(letter) > 1), None)
    return None if repeated is None else f"has the output axis {repeated!r} twice"


def einsum_rank(subscripts: str) -> int | None:
    """Return the number of axes that einsum subscripts give the output, None where they hold an ellipsis.

    Args:
        subscripts: Valid subscripts; without an arrow, the output has the letters that occur once.

    Returns:
        The number of axes.

    Example:
        >>> einsum_rank("bij,bjk->bik"), einsum_rank("ij,jk"), einsum_rank("...i,i")
        (3, 2, None)
    """
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    if "." in subscripts:
        return None
    return len(right) if arrow else sum(left.count(letter) == 1 for letter in set(left) - {","})


OPERATORS = (
    Operator(
        "matmul",
        "The matrix product over the last two axes; the axes before them broadcast. A vector is taken as a row on "
        "the left and as a column on the right, and the axis of extent 1 is removed from the output.",
        inputs=("input", "other"),
        family="matrix",
        rank_rule=_matmul_rank,
        dtype_rule="promote",
    ),
    Operator(
        "tensordot",
        "The product of both operands summed over one axis of each, of equal extents; the output has the "
        "remaining axes of input, then those of other.",
        inputs=("input", "other"),
        attributes=(
            Attribute("axis", "int", "The axis of input; a negative axis counts from the end."),
            Attribute("other_axis", "int", "The axis of other; a negative axis counts from the end."),
            AT_LEAST_1D,
        ),
        family="matrix",
        rank_rule=_tensordot_rank,
        dtype_rule="promote",
    ),
    Operator(
        "contract",
        "The product of both operands summed over pairs of axes, one of each operand, of equal extents; the "
        "output has the remaining axes of input, then those of other.",
        inputs=("input", "other"),
        attributes=(
            Attribute("axes", "ints", "The axes of input; negative axes count from the end."),
            Attribute(
                "other_axes", "ints", "The axes of other; negative axes count from the end.", same_length_as="axes"
            ),
        ),
        family="matrix",
        rank_rule=_contract_rank,
        dtype_rule="promote",
    ),
    Operator(
        "dot",
        "The product of both operands summed over the last axis of input and the second to last axis of other "
        "(the only axis of a vector); the output has the remaining axes of input, then those of other. If an "
        "operand is 0-D, the elementwise product.",
        inputs=("input", "other"),
        family="matrix",
        rank_rule=_dot_rank,
        dtype_rule="promote",
    ),
    Operator(
        "einsum",
        "The sum of products that the subscripts describe, as in numpy.einsum.",
        inputs=("*inputs",),
        attributes=(Attribute("subscripts", "str", "The subscripts, such as ij,jk->ik.", check=einsum_problem),),
        family="matrix",
        rank_rule=lambda node: einsum_rank(node["subscripts"]),
        dtype_rule="promote",
    ),
    Operator(
        "kronecker",
        "The Kronecker product.",
        inputs=("input", "other"),
        family="matrix",
        rank_rule="broadcast",
        dtype_rule="promote",
        associative=True,
    ),
    Operator(
        "cross",
        "The cross product of three-dimensional vectors along an axis; the other axes broadcast.",
        inputs=("input", "other"),
        attributes=(Attribute("axis", "int", "The axis; a negative axis counts from the end."),),
        family="matrix",
        rank_rule="broadcast",
        dtype_rule="promote",
    ),
    Operator(
        "khatri_rao",
        "The Khatri-Rao product (column-wise Kronecker product) of matrices with equal numbers of columns: for "
        "two of them output[i*rows(b) + j, k] = a[i, k] * b[j, k]; further matrices are multiplied to the right "
        "likewise.",
        inputs=("*inputs",),
        family="matrix",
        operand_rank=2,
        rank_rule=2,
        dtype_rule="promote",
        associative=True,
    ),
)
