"""Kinds that say what a value is rather than what is computed."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator, Role

OPERATORS = (
    Operator(
        "parameter",
        "A stored tensor, used as a value of the graph or kept because no layer uses it.",
        inputs=(),
        roles=(Role("value", "any", "The tensor."),),
        family="basic",
    ),
    Operator("identity", "output = input.", family="basic"),
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
