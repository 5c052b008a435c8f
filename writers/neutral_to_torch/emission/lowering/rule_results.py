"""The values that an emitter rule may return, and the refusal that it may raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Union

from neutral_to_torch.emission.expression.symbols import Symbol


class Unsupported(Exception):
    """Raised by a rule for a node that it cannot express exactly.

    The message names the attribute and its value, such as ``mode='circular'``; it becomes a line of the preflight.
    """


@dataclass(frozen=True)
class Unpacked:
    """An expression with several outputs; see :func:`unpack`.

    Attributes:
        expression: The expression.
        pattern: A nested tuple of output numbers; None for an item that is not an output.
    """

    expression: Symbol
    pattern: Any


def unpack(expression: Symbol, pattern: Any) -> Unpacked:
    """Return an expression whose result is unpacked into the node's outputs.

    Args:
        expression: The expression, such as a call that returns a tuple.
        pattern: A nested tuple of output numbers; None for an item that is not an output. ``(0, (1, 2))`` is written
            ``x, (h, c) = ...``.

    Returns:
        The result of a rule.

    Example:
        >>> from neutral_to_torch.emission.expression.symbols import torch
        >>> unpack(torch.chunk(torch.ones(4), 2), (0, 1)).pattern
        (0, 1)
    """
    return Unpacked(expression, pattern)


Result = Union[Symbol, "tuple[Symbol | None, ...]", Unpacked]
"""The result of a rule: the only output, one expression for each output (None where none uses it), or ``unpack``."""
