"""The table of reader rules by MXNet's operator names."""

from __future__ import annotations

from typing import Callable, Sequence, TypeVar, Union

from mxnet_to_neutral.context import NodeContext
from neutral.errors import NeutralError
from neutral.graph import Operand

Rule = Callable[[NodeContext], Union[Operand, Sequence[Operand]]]
"""A rule adds a node's neutral nodes and returns its outputs: one operand, or one for each output."""

R = TypeVar("R", bound=Rule)

RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[R], R]:
    """Register a function as the rule of MXNet's operators.

    Args:
        *names: Canonical names of operators (:mod:`mxnet_to_neutral.symbol.aliases`), such as ``FullyConnected``; for
            operators in Python ``Custom:`` and the ``op_type``.

    Returns:
        A decorator that returns the function unchanged. The function gets a
        :class:`~mxnet_to_neutral.context.NodeContext`, adds nodes with its ``node`` method and returns the outputs. It
        must read every attribute that MXNet writes: an attribute that is left unread makes the node opaque.

    Raises:
        NeutralError: An operator has a rule already.

    Example:
        >>> @rule("square_plus_one")
        ... def square_plus_one(context):
        ...     return context.node("add", context.node("square", context.input(0)), 1.0)
        >>> RULES.pop("square_plus_one") is square_plus_one
        True
    """

    def register(function: R) -> R:
        for name in names:
            if name in RULES:
                raise NeutralError(f"operator {name!r} has two rules: {RULES[name]!r} and {function!r}.")
            RULES[name] = function
        return function

    return register
