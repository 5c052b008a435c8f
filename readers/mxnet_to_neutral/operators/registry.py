"""The table of rules by MXNet operator name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Sequence, Union

from neutral.errors import NeutralError

if TYPE_CHECKING:
    from mxnet_to_neutral.context import NodeContext
    from neutral.graph import Operand

Rule = Callable[["NodeContext"], Union["Operand", "Sequence[Operand]"]]
"""Gives the operator's outputs: one operand, or one for each output."""

RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule of these MXNet operators; a name registered twice is an error."""

    def register(function: Rule) -> Rule:
        for name in names:
            if name in RULES:
                raise NeutralError(f"operator {name!r} has two rules.")
            RULES[name] = function
        return function

    return register
