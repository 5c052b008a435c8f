"""Checkpoints as MXNet serves them, and networks of layers that a store normalizes."""

from __future__ import annotations

from importlib import import_module
from typing import Dict, Mapping, Tuple

import mxnet as mx
import numpy as np

from mxnet_side import models

Network = Tuple[mx.sym.Symbol, Dict[str, Tuple[int, ...]]]


def _network(name: str) -> Network:
    module, _, function = name.rpartition(":")
    make_network = getattr(import_module(f"mxnet_side.{module or 'served'}"), function)
    with mx.name.NameManager():  # numbers operators from 0
        network: Network = make_network()
    return network


def make(network: str, prefix: str) -> None:
    """Save a network of this module, or ``module:function`` of another, with random parameters."""
    symbol, shapes = _network(network)
    models.save(symbol, *models.randomise(symbol, shapes), prefix)


def record(network: str, prefix: str, golden: str) -> None:
    """Save a network as :func:`make` does, and its outputs for random inputs."""
    make(network, prefix)
    random = np.random.default_rng(0)
    inputs = {name: random.standard_normal(shape, np.float32) for name, shape in _network(network)[1].items()}
    if "words" in inputs:
        inputs["words"] = np.floor(np.abs(inputs["words"]))
    models.capture(prefix, inputs, golden)


def outputs(prefix: str, inputs: Mapping[str, np.ndarray], epoch: int = 0) -> list[np.ndarray]:
    """Return the outputs of a checkpoint that MXNet loads from files."""
    symbol, arguments, auxiliary = mx.model.load_checkpoint(prefix, epoch)
    given = {name: mx.nd.array(value, dtype=value.dtype) for name, value in inputs.items()}
    executor = symbol.bind(mx.cpu(), {**arguments, **given}, grad_req="null", aux_states=auxiliary)
    return [output.asnumpy() for output in executor.forward(is_train=False)]


def fixed_scales() -> Network:
    """Build norms with fixed and free scales, a PReLU with a slope per channel, and a linear layer on an image."""
    x = mx.sym.Convolution(mx.sym.var("data"), num_filter=6, kernel=(3, 3), name="conv1")
    x = mx.sym.LeakyReLU(mx.sym.BatchNorm(x, name="bn1"), act_type="prelu", name="relu1")
    x = mx.sym.Convolution(x, num_filter=6, kernel=(3, 3), no_bias=True, name="conv2")
    x = mx.sym.BatchNorm(x, fix_gamma=False, eps=1e-5, name="bn2")
    x = mx.sym.Deconvolution(x, num_filter=4, kernel=(2, 2), stride=(2, 2), name="up")
    return mx.sym.FullyConnected(x, num_hidden=5, name="fc"), {"data": (2, 3, 8, 8)}


def packed() -> Network:
    """Build a recurrent layer with its weights in one vector, and an embedding."""
    x = mx.sym.Embedding(mx.sym.var("data"), input_dim=11, output_dim=5, name="embed")
    state = {name: mx.sym.zeros((4, 2, 3)) for name in ("state", "state_cell")}
    x = mx.sym.RNN(
        x,
        mx.sym.var("rnn_parameters"),
        mode="lstm",
        state_size=3,
        num_layers=2,
        bidirectional=True,
        name="rnn",
        **state,
    )
    return mx.sym.FullyConnected(x, num_hidden=4, flatten=False, name="out"), {"data": (7, 2)}


def groups() -> Network:
    """Build a GroupNorm with a scale and a shift per group."""
    x = mx.sym.Convolution(mx.sym.var("data"), num_filter=6, kernel=(3, 3), name="conv")
    return mx.sym.GroupNorm(x, num_groups=2, name="norm"), {"data": (2, 3, 8, 8)}


def branches() -> Network:
    """Build the sum of three branches with equal layers."""

    def branch(x: mx.sym.Symbol) -> mx.sym.Symbol:
        x = mx.sym.Activation(mx.sym.Convolution(x, num_filter=4, kernel=(3, 3), pad=(1, 1)), act_type="relu")
        return mx.sym.BatchNorm(mx.sym.Convolution(x, num_filter=4, kernel=(3, 3), pad=(1, 1)), fix_gamma=False)

    data = mx.sym.var("data")
    x = branch(data) + branch(data) + branch(data)
    return mx.sym.FullyConnected(x, num_hidden=5), {"data": (2, 4, 6, 6)}


def called_twice() -> Network:
    """Build a layer that is used twice under one name, as Gluon blocks are."""
    weight, bias = mx.sym.var("fc_weight"), mx.sym.var("fc_bias")

    def fc(x: mx.sym.Symbol) -> mx.sym.Symbol:
        return mx.sym.FullyConnected(x, weight, bias, num_hidden=4, name="fc")

    return mx.sym.FullyConnected(fc(mx.sym.tanh(fc(mx.sym.var("data")))), num_hidden=2), {"data": (3, 4)}


def two_variables() -> Network:
    """Build a layer for each of two variables of one name, of which the second declares its shape."""
    first = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=4)
    return first + mx.sym.FullyConnected(mx.sym.var("data", shape=(3, 4)), num_hidden=4), {"data": (3, 4)}
