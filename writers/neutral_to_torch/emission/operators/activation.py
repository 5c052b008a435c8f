"""Activations."""

from __future__ import annotations

from typing import Any

from neutral_to_torch.emission.expression.symbols import F, Symbol, either, helper, nn, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule


def _both(node: NodeView, x: Symbol, module: str, function: Symbol, **arguments: Any) -> Symbol:
    """Return a layer without state, or the function that computes the same."""
    return either(node.module(getattr(nn, module)(**arguments))(x), function(x, **arguments))


@rule("relu")
def relu(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "ReLU", F.relu)


@rule("sigmoid")
def sigmoid(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "Sigmoid", torch.sigmoid)


@rule("log_sigmoid")
def log_sigmoid(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "LogSigmoid", F.logsigmoid)


@rule("tanh")
def tanh(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "Tanh", torch.tanh)


@rule("softplus")
def softplus(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "Softplus", F.softplus)


@rule("softsign")
def softsign(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "Softsign", F.softsign)


@rule("selu")
def selu(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "SELU", F.selu)


@rule("gelu")
def gelu(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "GELU", F.gelu)


@rule("gelu_tanh")
def gelu_tanh(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "GELU", F.gelu, approximate="tanh")


@rule("mish")
def mish(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "Mish", F.mish)


@rule("hard_sigmoid")
def hard_sigmoid(node: NodeView, x: Symbol) -> Symbol:
    scaled: Symbol = node["alpha"] * x + node["beta"]
    return scaled.clamp(0, 1)


@rule("leaky_relu")
def leaky_relu(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "LeakyReLU", F.leaky_relu, negative_slope=node["negative_slope"])


@rule("elu")
def elu(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "ELU", F.elu, alpha=node["alpha"])


@rule("prelu")
def prelu(node: NodeView, x: Symbol) -> Symbol:
    if not node.stored("weight"):
        return F.prelu(x, node.tensor("weight"))
    return node.module(nn.PReLU(node.shape("weight")[0]))(x)


@rule("softmax")
def softmax(node: NodeView, x: Symbol, length: Symbol | None = None) -> Symbol:
    axis = node["axis"]
    if length is not None:
        return helper.softmax_of_length(x, length, axis)
    return either(node.module(nn.Softmax(dim=axis))(x), x.softmax(axis))


@rule("softmax_of_sample")
def softmax_of_sample(node: NodeView, x: Symbol) -> Symbol:
    if node.rank() == 1:
        return x.softmax(0)
    if node.rank() == 2:
        return either(node.module(nn.Softmax(dim=1))(x), x.softmax(1))
    if node.rank() is None:  # -(rank - 1) is axis 1, and the only axis of a vector
        return x.flatten(1 - x.ndim).softmax(-1).view_as(x)
    return x.flatten(1).softmax(1).view_as(x)


@rule("log_softmax")
def log_softmax(node: NodeView, x: Symbol) -> Symbol:
    axis = node["axis"]
    return either(node.module(nn.LogSoftmax(dim=axis))(x), x.log_softmax(axis))


@rule("masked_softmax")
def masked_softmax(node: NodeView, x: Symbol, mask: Symbol) -> Symbol:
    return helper.masked_softmax(x, mask, node["axis"])


@rule("masked_log_softmax")
def masked_log_softmax(node: NodeView, x: Symbol, mask: Symbol) -> Symbol:
    return helper.masked_log_softmax(x, mask, node["axis"])


@rule("silu", rank="same")
def silu(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "SiLU", F.silu)


@rule("hard_swish", rank="same")
def hard_swish(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "Hardswish", F.hardswish)


@rule("hard_sigmoid_of_sixths", rank="same")
def hard_sigmoid_of_sixths(node: NodeView, x: Symbol) -> Symbol:
    return _both(node, x, "Hardsigmoid", F.hardsigmoid)
