"""The registry of reference functions: one for each kind of the catalogue."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any, Callable, TypeVar

import numpy as np

from neutral.errors import NeutralError
from neutral.graph import Graph
from neutral.operators import catalogue

Array = np.ndarray

Function = Callable[..., Any]
"""Called with the operands as arrays (None for an absent one) by position, and with the attributes and the layer's
tensors by name. It returns an array, or a list or tuple of arrays for a kind with several outputs."""

FUNCTIONS: dict[str, Function] = {}
"""The function of each kind."""

NOT_EXECUTABLE = ("opaque",)
"""Kinds that by their definition cannot be executed."""

_CONTEXT: dict[str, str] = {}

F = TypeVar("F", bound=Function)


def reference(*kinds: str, context: str | None = None) -> Callable[[F], F]:
    """Register the function of one or several kinds.

    Args:
        kinds: The names of the kinds.
        context: The name of a further argument of the function: ``run_graph``, a function that runs a
            subgraph on a list of arrays, or ``random``, a ``numpy.random.Generator``. None: nothing.

    Returns:
        A decorator that returns the function.

    Raises:
        NeutralError: If a kind has a function already.
    """

    def decorate(function: F) -> F:
        for kind in kinds:
            if kind in FUNCTIONS:
                raise NeutralError(f"operator kind {kind!r} has two reference functions.")
            FUNCTIONS[kind] = function
            if context is not None:
                _CONTEXT[kind] = context
        return function

    return decorate


def context_of(kind: str) -> str | None:
    """Return the name of the further argument that the function of a kind takes, or None.

    Args:
        kind: The name of the kind.

    Returns:
        ``run_graph``, ``random`` or None.
    """
    return _CONTEXT.get(kind)


def load_functions() -> dict[str, Function]:
    """Import the modules of all families.

    Returns:
        :data:`FUNCTIONS`, complete.

    Example:
        >>> int(load_functions()["negative"](np.int64(3)))
        -3
    """
    package = import_module("neutral.reference.operators")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return FUNCTIONS


def missing_kinds() -> list[str]:
    """Return the executable kinds of the catalogue that have no reference function, sorted.

    Returns:
        The names of the kinds.

    Example:
        >>> missing_kinds()
        []
    """
    functions = load_functions()
    return sorted(operator.kind for operator in catalogue if operator.kind not in (*functions, *NOT_EXECUTABLE))


def kinds_of(graph: Graph) -> dict[str, str]:
    """Return the name of the first node of each kind, in subgraphs too.

    Args:
        graph: The graph.

    Returns:
        The names of nodes by kind.

    Example:
        >>> from neutral.graph import Node, Value
        >>> kinds_of(Graph((), (Node("a", "exp", (Value("x"),), {}),), ()))
        {'exp': 'a'}
    """
    kinds: dict[str, str] = {}
    for node in graph.nodes:
        kinds.setdefault(node.kind, node.name)
        for subgraph in node.subgraphs:
            kinds = {**kinds_of(subgraph), **kinds}
    return kinds
