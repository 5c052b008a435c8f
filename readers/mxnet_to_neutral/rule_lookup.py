"""Look up the rule of a symbol's node, among Neutral's own and those of plug-ins."""

from __future__ import annotations

from mxnet_to_neutral.operators import REFUSED, RULES, Rule, rule
from mxnet_to_neutral.symbol.model import SymbolNode
from neutral import extensions


def find_rule(node: SymbolNode) -> Rule | None:
    """Return the rule of a node's operator, None if there is none.

    The rule of a ``Custom`` operator is registered as ``Custom:`` and its ``op_type``. Installed plug-ins are loaded
    the first time that a rule is missing.

    Args:
        node: A node of the symbol, not a variable.

    Returns:
        The registered function, which takes a :class:`~mxnet_to_neutral.context.NodeContext`.
    """
    name = node.operator
    if name == "Custom":
        name = f"Custom:{node.attributes.get('op_type')}"
    extensions.apply("mxnet", rule)
    if name not in RULES:
        extensions.search()  # searching entry points takes as long as starting the command line
        extensions.apply("mxnet", rule)
    return RULES.get(name)


def reason_without_rule(node: SymbolNode) -> str:
    """Return why a node's operator has no rule.

    Args:
        node: A node for which :func:`find_rule` returns None.

    Returns:
        The reason that is stored with the opaque node.
    """
    if node.operator == "Custom":
        name = node.attributes.get("op_type")
        return f"{name!r}: {REFUSED['Custom']}; a plug-in can give a rule for it"
    return REFUSED.get(node.operator, "there is no rule for this operator")
