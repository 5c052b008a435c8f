"""Rules of operators by node: Neutral's own, and those that plug-ins give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mxnet_to_neutral.operators import REFUSED, RULES, Rule, rule
from neutral import extensions

if TYPE_CHECKING:
    from mxnet_to_neutral.symbol.model import SymbolNode


def rule_for(node: SymbolNode) -> Rule | None:
    """The rule of a node's operator. That of a ``Custom`` one is registered as ``Custom:`` and its ``op_type``."""
    name = node.operator
    if name == "Custom":
        name = f"Custom:{node.attributes.get('op_type')}"
    extensions.apply("mxnet", rule)
    if name not in RULES:
        extensions.search()  # it takes as long as the command line to start
        extensions.apply("mxnet", rule)
    return RULES.get(name)


def reason_for(node: SymbolNode) -> str:
    """Why there is no rule."""
    if node.operator == "Custom":
        name = node.attributes.get("op_type")
        return f"{name!r}: {REFUSED['Custom']}; a plug-in can give a rule for it"
    return REFUSED.get(node.operator, "there is no rule for this operator")
