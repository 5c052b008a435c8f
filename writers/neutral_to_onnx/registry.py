"""The registry of rules: each writes the nodes of one kind, or of several, as standard operators of ONNX."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Callable, TypeVar

Function = Callable[..., Any]
"""Called with a :class:`neutral_to_onnx.lowering.node_context.NodeContext` and the operands as values (None for an
absent one). It returns a value, or a tuple of values for a kind with several outputs; None for one that is not used."""


@dataclass(frozen=True)
class Rule:
    """The rule of a kind.

    Attributes:
        function: The function that writes a node.
        single: Whether float16 operands are converted to float32 first, and the outputs back: for rules that compose
            several operators, which would round between them.
        floating: Whether integer operands are converted to float32 first, and the outputs back.
    """

    function: Function
    single: bool = False
    floating: bool = False


RULES: dict[str, Rule] = {}
"""The rule of each kind."""

REFUSED: dict[str, str] = {}
"""The reason for each kind that standard operators cannot express."""

F = TypeVar("F", bound=Function)


class Unsupported(Exception):
    """A node that standard operators cannot express exactly; the message says why.

    Example:
        >>> str(Unsupported("the operand has an unknown rank"))
        'the operand has an unknown rank'
    """


class NeedsShape(Unsupported):
    """A node that standard operators express only for known sizes; the message says which and why.

    Example:
        >>> str(NeedsShape("its bins depend on the size of the image"))
        'its bins depend on the size of the image'
    """


def rule(*kinds: str, single: bool = False, floating: bool = False) -> Callable[[F], F]:
    """Register the rule of one or several kinds.

    Args:
        kinds: The names of the kinds.
        single: Whether float16 operands are converted to float32 first, and the outputs back.
        floating: Whether integer operands are converted to float32 first, and the outputs back.

    Returns:
        A decorator that returns the function unchanged.
    """

    def register(function: F) -> F:
        for kind in kinds:
            assert kind not in RULES, f"kind {kind} has two rules"
            RULES[kind] = Rule(function, single, floating)
        return function

    return register


def refuse(reason: str, *kinds: str) -> None:
    """Record why kinds cannot be expressed.

    Args:
        reason: The reason, after "kind K:".
        kinds: The names of the kinds.
    """
    REFUSED.update(dict.fromkeys(kinds, reason))


def load_rules() -> dict[str, Rule]:
    """Import the families and return the rules.

    Returns:
        The rule of each kind.
    """
    from neutral_to_onnx import operators

    for module in pkgutil.iter_modules(operators.__path__):
        import_module(f"{operators.__name__}.{module.name}")
    return RULES
