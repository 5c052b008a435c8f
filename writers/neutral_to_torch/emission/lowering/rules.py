"""The registry of emitter rules, one for each kind.

``docs/adding-an-operator.md`` shows how a rule is written.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import Callable

from neutral import extensions
from neutral.errors import NeutralError
from neutral.operators.ranks import RankRule
from neutral_to_torch.emission.lowering.rule_results import Result

Function = Callable[..., Result]


@dataclass(frozen=True)
class Rule:
    """The function that writes a kind, and the rank rule of a kind whose catalogue entry has none.

    Attributes:
        function: Returns the expressions of a node's outputs.
        rank: The number of axes of the outputs; see :mod:`neutral.operators.ranks`.

    Example:
        >>> callable(rule_for("relu").function)
        True
    """

    function: Function
    rank: RankRule


_RULES: dict[str, Rule] = {}


def rule(*kinds: str, rank: RankRule = None) -> Callable[[Function], Function]:
    """Register a function as the emitter rule of one or more kinds.

    The function is called with the node's :class:`NodeView` and the inputs as symbols, and returns a :data:`Result`.

    Args:
        kinds: The kinds of the catalogue that the function writes.
        rank: The rank rule (:mod:`neutral.operators.ranks`) of kinds whose catalogue entry has none.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        NeutralError: A kind has a rule already.

    Example:
        >>> @rule("unit.double")
        ... def double(node, x):
        ...     return x * 2
        >>> rule_for("unit.double").function is double
        True
        >>> _ = _RULES.pop("unit.double")
    """

    def register(function: Function) -> Function:
        for kind in kinds:
            if kind in _RULES:
                raise NeutralError(f"operator kind {kind!r} has two emitter rules.")
            _RULES[kind] = Rule(function, rank)
        return function

    return register


def rule_for(kind: str) -> Rule | None:
    """Return the rule of a kind, or None.

    Args:
        kind: A kind of the catalogue.

    Returns:
        The rule of this package or of a plug-in.
    """
    _load()
    return _RULES.get(kind)


def supported() -> tuple[str, ...]:
    """Return every kind that has a rule, sorted.

    Returns:
        Kinds of this package and of plug-ins.
    """
    _load()
    return tuple(sorted(_RULES))


_loaded = False


def _load() -> None:
    global _loaded
    if not _loaded:
        _loaded = True
        package = import_module("neutral_to_torch.emission.operators")
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
    extensions.search()
    extensions.apply("torch", rule)
