"""Pairs of networks that are written differently and compute the same function."""

from __future__ import annotations

from typing import Any

import mxnet as mx

from mxnet_side.served import Network

IMAGE = {"data": (2, 3, 8, 8)}


def data() -> Any:
    return mx.sym.var("data")


def convolution(x: Any, channels: int, kernel: int = 3, **options: Any) -> Any:
    return mx.sym.Convolution(
        x, num_filter=channels, kernel=(kernel, kernel), pad=(kernel // 2, kernel // 2), **options
    )


def relu(x: Any) -> Any:
    return mx.sym.Activation(x, act_type="relu")


def pooled(x: Any) -> Any:
    return mx.sym.Pooling(x, global_pool=True, pool_type="avg", kernel=(1, 1))


def linear_head() -> Network:
    """Build a linear layer on pooled features."""
    x = pooled(relu(convolution(data(), 6)))
    return mx.sym.FullyConnected(mx.sym.Flatten(x), num_hidden=5), IMAGE


def convolution_head() -> Network:
    """Build the linear layer as a 1x1 convolution."""
    x = convolution(pooled(relu(convolution(data(), 6))), 5, kernel=1)
    return mx.sym.Flatten(x), IMAGE


def fixed_scale() -> Network:
    x = mx.sym.BatchNorm(convolution(data(), 6, no_bias=True), fix_gamma=True, eps=1e-5)
    return mx.sym.FullyConnected(relu(x), num_hidden=5), IMAGE


def batch_norms() -> Network:
    """Build convolutions followed by norms, the first without a bias."""
    x = relu(mx.sym.BatchNorm(convolution(data(), 6, no_bias=True), fix_gamma=False, eps=1e-5))
    x = relu(mx.sym.BatchNorm(convolution(x, 4), fix_gamma=False, eps=1e-3))
    return mx.sym.FullyConnected(x, num_hidden=5), IMAGE


def without_norms() -> Network:
    """Build the convolutions with the norms folded into them."""
    x = relu(convolution(relu(convolution(data(), 6)), 4))
    return mx.sym.FullyConnected(x, num_hidden=5), IMAGE


def grouped() -> Network:
    x = relu(convolution(data(), 8))
    x = relu(convolution(x, 12, num_group=2, no_bias=True))
    return mx.sym.FullyConnected(x, num_hidden=5), IMAGE


def attention() -> Network:
    """Build attention with separate projections of query, key and value."""
    x = data()
    query, key, value = (mx.sym.FullyConnected(x, num_hidden=12, flatten=False, name=name) for name in ("q", "k", "v"))
    weights = mx.sym.softmax(mx.sym.batch_dot(query, key, transpose_b=True) * 12**-0.5)
    x = mx.sym.FullyConnected(mx.sym.batch_dot(weights, value), num_hidden=12, flatten=False, name="out")
    return mx.sym.LayerNorm(x), {"data": (2, 7, 12)}


def fused_attention() -> Network:
    """Build attention with the three projections in one matrix."""
    x = mx.sym.FullyConnected(data(), num_hidden=36, flatten=False, name="qkv")
    query, key, value = mx.sym.split(x, num_outputs=3, axis=-1)
    weights = mx.sym.softmax(mx.sym.batch_dot(query, key, transpose_b=True) * 12**-0.5)
    x = mx.sym.FullyConnected(mx.sym.batch_dot(weights, value), num_hidden=12, flatten=False, name="out")
    return mx.sym.LayerNorm(x), {"data": (2, 7, 12)}


def tied() -> Network:
    """Build a language model whose decoder shares its weight with the embedding."""
    table = mx.sym.var("table_weight")
    x = mx.sym.Embedding(mx.sym.var("words"), table, input_dim=11, output_dim=6, name="embed")
    x = mx.sym.FullyConnected(x, num_hidden=6, flatten=False, name="hidden")
    return mx.sym.FullyConnected(mx.sym.tanh(x), table, num_hidden=11, no_bias=True, flatten=False), {"words": (2, 7)}


def two_heads() -> Network:
    """Build a network with an additional output for training only."""
    x = relu(convolution(data(), 6))
    auxiliary = mx.sym.FullyConnected(pooled(x), num_hidden=5, name="auxiliary")
    x = relu(convolution(x, 8))
    return mx.sym.Group([mx.sym.FullyConnected(pooled(x), num_hidden=5, name="output"), auxiliary]), IMAGE


def preprocessed_by_numbers() -> Network:
    x = (data() - 127.5) * 0.0078125
    return mx.sym.FullyConnected(relu(convolution(x, 6)), num_hidden=5), IMAGE


def preprocessed_by_a_norm() -> Network:
    x = mx.sym.BatchNorm(data(), fix_gamma=True, eps=2e-5, name="bn_data")
    return mx.sym.FullyConnected(relu(convolution(x, 6)), num_hidden=5), IMAGE


def slopes() -> Network:
    x = mx.sym.LeakyReLU(convolution(data(), 6), act_type="prelu")
    return mx.sym.FullyConnected(x, num_hidden=5), IMAGE


def packed_lstm() -> Network:
    states = {name: mx.sym.zeros((1, 2, 4)) for name in ("state", "state_cell")}
    x = mx.sym.RNN(
        data(), mx.sym.var("lstm_parameters"), mode="lstm", state_size=4, num_layers=1, name="lstm", **states
    )
    return mx.sym.FullyConnected(x, num_hidden=5, flatten=False), {"data": (7, 2, 3)}
