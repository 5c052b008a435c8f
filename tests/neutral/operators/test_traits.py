"""A trait that is set holds: it agrees with the kind's signature, and rank and dtype rules can be applied."""

from __future__ import annotations

import pytest

from neutral.dtypes import DTYPE_CODE
from neutral.operators import Operator, catalogue
from neutral.operators.dtypes import DTYPE_RULES, output_dtype, promote
from neutral.operators.ranks import RankContext, output_ranks

EVERY_KIND = [pytest.param(operator, id=operator.kind) for operator in catalogue]
VALUES = {
    "int": 1,
    "float": 0.5,
    "bool": False,
    "str": "text",
    "ints": (1, 1),
    "floats": (0.5,),
    "optional_ints": (1, 1),
}


def attributes_of(operator: Operator) -> dict[str, object]:
    """A valid value for each attribute of a kind."""
    return {a.name: a.choices[0] if a.choices else VALUES.get(a.type) for a in operator.attributes}


def test_random_kinds_are_the_random_family_and_two_of_other_families() -> None:
    assert {o.kind for o in catalogue if o.random} == {o.kind for o in catalogue if o.family == "random numbers"} | {
        "dropout",
        "image_color_jitter",
    }


@pytest.mark.parametrize("operator", EVERY_KIND)
def test_traits_agree_with_the_signature(operator: Operator) -> None:
    if operator.commutative:
        assert len(operator.inputs) == 2
    if operator.associative:
        assert len(operator.inputs) == 2 or operator.inputs[0].startswith("*")
    if operator.elementwise:
        assert len(operator.outputs) == 1
        assert operator.keeps_shape is (len(operator.inputs) == 1)
        assert operator.rank_rule in ("same", "broadcast")
    if operator.shape_operands is not None:
        assert operator.shape_operands < len(operator.inputs)
    if operator.inference_identity:
        assert operator.keeps_shape and operator.dtype_rule == "same"
    if operator.layout_only:
        assert operator.dtype_rule == "same"


@pytest.mark.parametrize("operator", EVERY_KIND)
def test_rank_rules_can_be_applied(operator: Operator) -> None:
    attributes = attributes_of(operator)
    for rank in (2, None):
        context = RankContext(attributes, [rank] * 6, outputs=2, role_shapes={"value": (3, 4)})
        ranks = output_ranks(operator.rank_rule, context)
        assert len(ranks) >= 2
        assert all(r is None or (isinstance(r, int) and r >= 0) for r in ranks)
        if operator.keeps_shape and operator.kind != "batch_norm":
            assert ranks[0] == rank


@pytest.mark.parametrize("operator", EVERY_KIND)
def test_dtype_rules_can_be_applied(operator: Operator) -> None:
    assert operator.dtype_rule is None or operator.dtype_rule in DTYPE_RULES or operator.dtype_rule in DTYPE_CODE
    if operator.dtype_rule == "attribute":
        assert "dtype" in {attribute.name for attribute in operator.attributes}
    dtype = output_dtype(operator.dtype_rule, {"dtype": None, **attributes_of(operator)}, ["float32", "float32"])
    assert dtype is None or dtype in DTYPE_CODE


@pytest.mark.parametrize(
    ("shape", "from_end", "rank", "expected"),
    [
        ((2, 3), False, None, 2),
        ((0, -2), False, 4, 4),
        ((-2, 5), False, 3, 4),
        ((0, -2, 1), True, 4, 5),
        ((-2,), False, None, None),
    ],
)
def test_ranks_of_reshape(shape: tuple[int, ...], from_end: bool, rank: int | None, expected: int | None) -> None:
    context = RankContext({"shape": shape, "from_end": from_end}, [rank])
    assert output_ranks(catalogue["reshape"].rank_rule, context) == [expected]


@pytest.mark.parametrize(("left", "right", "expected"), [(1, 1, 0), (1, 3, 2), (2, 1, 1), (4, 2, 4), (None, 2, None)])
def test_ranks_of_matmul(left: int | None, right: int | None, expected: int | None) -> None:
    assert output_ranks(catalogue["matmul"].rank_rule, RankContext({}, [left, right])) == [expected]


def test_promotion_prefers_floats_and_knows_no_common_type_of_large_unsigned_integers() -> None:
    assert promote(["float16", "float64", "int64"]) == "float64"
    assert promote(["bool", "int8"]) == "int8"
    assert promote(["uint32", "int8"]) is None
    assert promote(["float32", None]) is None


@pytest.mark.parametrize(
    "operator", [operator for operator in catalogue if operator.operand_rank], ids=lambda o: o.kind
)
def test_kinds_that_demand_a_rank_accept_operands_of_that_rank(operator: Operator) -> None:
    attributes = attributes_of(operator)
    rank = output_ranks(operator.operand_rank, RankContext(attributes))[0]
    assert rank is not None and 2 <= rank <= 5
    if operator.rank_rule == operator.operand_rank or operator.keeps_shape:
        assert output_ranks(operator.rank_rule, RankContext(attributes, [rank]))[0] == rank


def test_weights() -> None:
    with_matrices = {operator.kind for operator in catalogue if operator.has_matrix_weights}
    assert with_matrices == {
        *("linear", "embedding", "convolution", "transposed_convolution", "deformable_convolution"),
        *("lstm", "gru", "rnn", "lstm_cell", "gru_cell", "rnn_cell"),
    }
    assert catalogue["batch_norm"].has_weights and not catalogue["relu"].has_weights


def test_dropout_is_the_identity_unless_it_is_always_active() -> None:
    dropout = catalogue["dropout"]
    assert dropout.is_inference_identity({"p": 0.5, "shared_axes": (), "always": False})
    assert not dropout.is_inference_identity({"p": 0.5, "shared_axes": (), "always": True})
