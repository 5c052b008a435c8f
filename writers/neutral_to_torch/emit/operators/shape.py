"""Shapes."""

from __future__ import annotations

from neutral_to_torch.emit.rules import View, rule
from neutral_to_torch.emit.symbols import Symbol, either, nn, torch


@rule("flatten", rank=2)
def flatten(node: View, x: Symbol) -> Symbol:
    return either(node.module(nn.Flatten())(x), x.flatten(1))


@rule("concatenate", rank="same")
def concatenate(node: View, *inputs: Symbol) -> Symbol:
    return torch.cat(list(inputs), dim=node["axis"])
