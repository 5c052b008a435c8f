"""Losses that a graph computes."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol, helper
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule


@rule("pick")
def pick(node: NodeView, x: Symbol, index: Symbol) -> Symbol:
    options = {"wrap": True} if node["out_of_range"] == "wrap" else {}
    return helper.pick(x, index, node["axis"], keepdim=node["keepdim"], **options)


@rule("softmax_cross_entropy")
def softmax_cross_entropy(node: NodeView, x: Symbol, label: Symbol) -> Symbol:
    return helper.softmax_cross_entropy(x, label)


@rule("ctc_loss")
def ctc_loss(
    node: NodeView, x: Symbol, label: Symbol, input_length: Symbol | None = None, label_length: Symbol | None = None
) -> Symbol:
    lengths = {"input_length": input_length, "label_length": label_length}
    given = {name: length for name, length in lengths.items() if length is not None}
    return helper.ctc_loss(x, label, **given, blank_first=node["blank"] == "first")
