"""Arithmetic, element by element, with broadcasting."""

from __future__ import annotations

from neutral_to_torch.emit.rules import View, rule
from neutral_to_torch.emit.symbols import Symbol


@rule("add", rank="broadcast")
def add(node: View, x: Symbol, y: Symbol) -> Symbol:
    return x + y
