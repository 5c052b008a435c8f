"""Padded sequences."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol, helper
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule


@rule("sequence_mask")
def sequence_mask(node: NodeView, x: Symbol, lengths: Symbol) -> Symbol:
    return helper.mask_sequence(x, lengths, axis=node["axis"], value=node["value"])


@rule("sequence_last")
def sequence_last(node: NodeView, x: Symbol, lengths: Symbol | None = None) -> Symbol:
    if lengths is None:
        return x[-1] if node["axis"] == 0 else x[:, -1]
    return helper.last_of_sequence(x, lengths, axis=node["axis"])


@rule("sequence_reverse")
def sequence_reverse(node: NodeView, x: Symbol, lengths: Symbol | None = None) -> Symbol:
    return x.flip(0) if lengths is None else helper.reverse_sequence(x, lengths)
