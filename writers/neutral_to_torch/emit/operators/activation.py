"""Activations."""

from __future__ import annotations

from neutral_to_torch.emit.rules import View, rule
from neutral_to_torch.emit.symbols import F, Symbol, either, nn, torch


@rule("relu", rank="same")
def relu(node: View, x: Symbol) -> Symbol:
    return either(node.module(nn.ReLU())(x), F.relu(x))


@rule("sigmoid", rank="same")
def sigmoid(node: View, x: Symbol) -> Symbol:
    return either(node.module(nn.Sigmoid())(x), torch.sigmoid(x))


@rule("tanh", rank="same")
def tanh(node: View, x: Symbol) -> Symbol:
    return either(node.module(nn.Tanh())(x), torch.tanh(x))


@rule("softmax", rank="same")
def softmax(node: View, x: Symbol) -> Symbol:
    axis = node["axis"]
    return either(node.module(nn.Softmax(dim=axis))(x), x.softmax(axis))


@rule("prelu", rank="same")
def prelu(node: View, x: Symbol) -> Symbol:
    if not node.stored("weight"):
        return F.prelu(x, node.tensor("weight"))
    return node.module(nn.PReLU(node.shape("weight")[0]))(x)
