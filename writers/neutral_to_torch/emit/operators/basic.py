"""Stored tensors as values."""

from __future__ import annotations

from neutral_to_torch.emit.rules import View, rule
from neutral_to_torch.emit.symbols import Symbol


@rule("parameter", rank=lambda node: len(node.shape("value")))
def parameter(node: View) -> Symbol:
    return node.tensor("value")
