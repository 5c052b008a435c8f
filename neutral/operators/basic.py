"""Kinds that say what a value is rather than what is computed."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator, Role
from neutral.operators.ranks import RankContext


def _parameter_rank(node: RankContext) -> int | None:
    return len(node.role_shapes["value"]) if "value" in node.role_shapes else None


OPERATORS = (
    Operator(
        "parameter",
        "A stored tensor, used as a value of the graph or kept because no layer uses it.",
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
        "opaque",
        "An operator of the source that has no exact meaning here. It keeps the source's name and attributes as text; "
        "tensors that it uses are inputs of kind parameter. It cannot be run.",
        inputs=("*inputs",),
        attributes=(
            Attribute("operator", "str", "The source's name of the operator."),
            Attribute("attributes", "json", "The source's attributes, texts by name."),
            Attribute("reason", "str", "Why it could not be expressed."),
        ),
        family="basic",
    ),
)
