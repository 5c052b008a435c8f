"""Stored tensors as values, the identity, and operators without a kind of their own."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator, Role
from neutral.operators.ranks import RankContext


def _parameter_rank(node: RankContext) -> int | None:
    return len(node.role_shapes["value"]) if "value" in node.role_shapes else None


OPERATORS = (
    Operator(
        "parameter",
        "A stored tensor as a value of the graph. Tensors that no layer uses are kept as layers of this kind.",
        inputs=(),
        roles=(Role("value", "any", "The tensor."),),
        family="basic",
        rank_rule=_parameter_rank,
    ),
    Operator(
        "identity",
        "output = input.",
        family="basic",
        elementwise=True,
        layout_only=True,
        inference_identity=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "stop_gradient",
        "output = input. In training no gradient passes.",
        family="basic",
        elementwise=True,
        layout_only=True,
        inference_identity=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "opaque",
        "An operator of the source that no kind of the catalogue expresses exactly. It keeps the source's name "
        "and attributes as text; its tensors are operands of kind parameter. It cannot be executed.",
        inputs=("*inputs",),
        attributes=(
            Attribute("operator", "str", "The name of the operator in the source."),
            Attribute("attributes", "json", "The attributes in the source: an object of strings by name."),
            Attribute("reason", "str", "The reason why the operator is not expressed by another kind."),
        ),
        family="basic",
    ),
)
