"""Transformers in real MXNet, as GluonNLP and Sockeye write them."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn

import mxnet_capture
from mxnet_side.models import randomise
from mxnet_side.operators import run_symbol

UNITS, HEADS, VOCABULARY = 16, 4, 30


def run(model: str, inputs: Mapping[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    """Build the model of this name, save it with random parameters, and return its outputs."""
    symbol = MODELS[model]()
    arguments, _ = randomise(symbol, {name: array.shape for name, array in inputs.items()})
    arrays = {**inputs, **{name: array.asnumpy() for name, array in arguments.items()}}
    outputs = run_symbol(symbol, arrays, prefix, list(arguments))
    mxnet_capture.capture((symbol, arguments, {}), dict(inputs), f"{prefix}-golden.safetensors")
    return outputs


class InterleavedAttention(gluon.HybridBlock):
    """Build self-attention with the three projections interleaved by head for MXNet's operator."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        with self.name_scope():
            for name in ("query", "key", "value"):
                setattr(self, f"{name}_weight", self.params.get(f"{name}_weight", shape=(UNITS, UNITS)))
                setattr(self, f"{name}_bias", self.params.get(f"{name}_bias", shape=(UNITS,)))
            self.drop = nn.Dropout(0.1)
            self.projection = nn.Dense(UNITS, flatten=False, in_units=UNITS, prefix="proj_")

    def hybrid_forward(self, F: Any, x: Any, length: Any, **tensors: Any) -> Any:
        names = ("query", "key", "value")
        weights = [F.reshape(tensors[f"{name}_weight"], shape=(HEADS, -1, 0), reverse=True) for name in names]
        biases = [F.reshape(tensors[f"{name}_bias"], shape=(HEADS, -1)) for name in names]
        weight = F.reshape(F.concat(*weights, dim=-2), shape=(-1, 0), reverse=True)
        bias = F.reshape(F.stack(*biases, axis=1), shape=(-1,))
        interleaved = F.FullyConnected(x, weight, bias, num_hidden=3 * UNITS, no_bias=False, flatten=False)
        scores = F.contrib.interleaved_matmul_selfatt_qk(interleaved, heads=HEADS)
        weights = self.drop(F.softmax(scores, length, axis=-1, use_length=True))
        return self.projection(F.contrib.interleaved_matmul_selfatt_valatt(interleaved, weights, heads=HEADS))


class SplitAttention(gluon.HybridBlock):
    """Build masked attention to another sequence, (N, T, C), from basic operators."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        with self.name_scope():
            for name in ("query", "key", "value", "proj"):
                layer = nn.Dense(UNITS, flatten=False, in_units=UNITS, use_bias=False, prefix=f"{name}_")
                setattr(self, name, layer)

    def hybrid_forward(self, F: Any, x: Any, memory: Any, mask: Any) -> Any:
        def heads(y: Any) -> Any:
            y = F.transpose(F.reshape(y, shape=(0, 0, HEADS, -1)), axes=(0, 2, 1, 3))
            return F.reshape(y, shape=(-1, 0, 0), reverse=True)

        query = F.contrib.div_sqrt_dim(heads(self.query(x)))
        scores = F.batch_dot(query, heads(self.key(memory)), transpose_b=True)
        mask = F.reshape(F.broadcast_axis(F.expand_dims(mask, axis=1), axis=1, size=HEADS), shape=(-3, 0, 0))
        scores = F.where(mask, scores, F.ones_like(scores) * -1e18)
        context = F.reshape(
            F.batch_dot(F.softmax(scores, axis=-1) * mask, heads(self.value(memory))), (-1, HEADS, 0, 0), reverse=True
        )
        return self.proj(F.reshape(F.transpose(context, axes=(0, 2, 1, 3)), shape=(0, 0, -1)))


class FeedForward(gluon.HybridBlock):
    def __init__(self, activation: str, **options: Any) -> None:
        super().__init__(**options)
        with self.name_scope():
            self.first = nn.Dense(2 * UNITS, flatten=False, in_units=UNITS, prefix="ffn_1_")
            self.activation = nn.GELU() if activation == "gelu" else nn.Activation(activation)
            self.second = nn.Dense(UNITS, flatten=False, in_units=2 * UNITS, prefix="ffn_2_")
            self.norm = nn.LayerNorm(in_channels=UNITS, epsilon=1e-12)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.norm(self.second(self.activation(self.first(x))) + x)


def bert() -> mx.sym.Symbol:
    """Build BERT: embeddings of tokens, types and positions; two encoder layers; a pooled output; tied token scores."""
    words, kinds, length = mx.sym.var("data0"), mx.sym.var("data1"), mx.sym.var("data2")
    table = mx.sym.var("word_embed_weight")
    x = mx.sym.Embedding(words, table, input_dim=VOCABULARY, output_dim=UNITS, name="word_embed")
    x = x + mx.sym.Embedding(kinds, input_dim=2, output_dim=UNITS, name="token_type_embed")
    x = mx.sym.transpose(x, axes=(1, 0, 2))
    steps = mx.sym.contrib.arange_like(x, axis=0)
    positions = mx.sym.Embedding(steps, input_dim=12, output_dim=UNITS, name="position")
    x = mx.sym.broadcast_add(x, mx.sym.expand_dims(positions, axis=1))
    x = mx.sym.LayerNorm(x, eps=1e-12, name="layernorm")
    ones = mx.sym.broadcast_add(
        mx.sym.reshape(length, shape=(-1, 1)), mx.sym.zeros_like(mx.sym.reshape(steps, (1, -1)))
    )
    spread = mx.sym.broadcast_axis(mx.sym.expand_dims(mx.sym.cast(ones, dtype="int32"), axis=1), axis=1, size=HEADS)
    lengths = mx.sym.reshape(spread, shape=(-1, 0), reverse=True)
    for number in range(2):
        attended = InterleavedAttention(prefix=f"transformer{number}_attention_")(x, lengths)
        x = nn.LayerNorm(in_channels=UNITS, epsilon=1e-12, prefix=f"transformer{number}_layernorm_")(attended + x)
        x = FeedForward("gelu", prefix=f"transformer{number}_")(x)
    x = mx.sym.transpose(mx.sym.SequenceMask(x, length, use_sequence_length=True), axes=(1, 0, 2))
    first = mx.sym.reshape(mx.sym.slice_axis(x, axis=1, begin=0, end=1), shape=(-1, UNITS))
    pooled = mx.sym.tanh(mx.sym.FullyConnected(first, num_hidden=UNITS, name="pooler"))
    scores = mx.sym.FullyConnected(x, table, num_hidden=VOCABULARY, flatten=False, name="decoder")
    return mx.sym.Group([x, pooled, scores])


def encoder() -> mx.sym.Symbol:
    """Build two encoder layers from basic operators, with each sample masked to its length."""
    x, length = mx.sym.var("data0"), mx.sym.var("data1")
    x = mx.sym.FullyConnected(x, num_hidden=UNITS, flatten=False, name="input")
    mask = _mask(x, length)
    for number in range(2):
        attended = SplitAttention(prefix=f"encoder{number}_")(x, x, mask)
        x = nn.LayerNorm(in_channels=UNITS, prefix=f"encoder{number}_norm_")(attended + x)
        x = FeedForward("relu", prefix=f"encoder{number}_")(x)
    return x


def _mask(x: Any, length: Any) -> Any:
    steps = mx.sym.reshape(mx.sym.contrib.arange_like(x, axis=1), shape=(1, -1))
    inside = mx.sym.broadcast_lesser(steps, mx.sym.reshape(length, shape=(-1, 1)))
    return mx.sym.broadcast_mul(mx.sym.expand_dims(inside, 1), mx.sym.expand_dims(mx.sym.ones_like(inside), 2))


def decoder() -> mx.sym.Symbol:
    """Build a decoder with causal self-attention and attention to a memory."""
    words, memory = mx.sym.var("data0"), mx.sym.var("data1")
    x = mx.sym.Embedding(words, input_dim=VOCABULARY, output_dim=UNITS, name="embed") * UNITS**0.5
    steps = mx.sym.contrib.arange_like(x, axis=1)
    before = mx.sym.broadcast_lesser_equal(mx.sym.expand_dims(steps, axis=0), mx.sym.expand_dims(steps, axis=1))
    causal = mx.sym.broadcast_like(mx.sym.expand_dims(before, axis=0), x, lhs_axes=(0,), rhs_axes=(0,))
    everything = mx.sym.broadcast_mul(
        mx.sym.ones_like(mx.sym.slice_axis(x, axis=2, begin=0, end=1)),
        mx.sym.transpose(mx.sym.ones_like(mx.sym.slice_axis(memory, axis=2, begin=0, end=1)), axes=(0, 2, 1)),
    )
    for number in range(2):
        for name, other, mask in (("self", None, causal), ("cross", memory, everything)):
            attended = SplitAttention(prefix=f"decoder{number}_{name}_")(x, x if other is None else other, mask)
            x = nn.LayerNorm(in_channels=UNITS, prefix=f"decoder{number}_{name}_norm_")(attended + x)
        x = FeedForward("relu", prefix=f"decoder{number}_")(x)
    return mx.sym.log_softmax(mx.sym.FullyConnected(x, num_hidden=VOCABULARY, flatten=False, name="output"))


def interleaved_decoder() -> mx.sym.Symbol:
    """Build one decoder layer of Sockeye 2, with interleaved projections."""
    x, memory = mx.sym.var("data0"), mx.sym.var("data1")
    for number in range(2):
        y = mx.sym.LayerNorm(x, eps=1e-6, name=f"layer{number}_pre")
        projected = mx.sym.FullyConnected(
            y, num_hidden=3 * UNITS, no_bias=True, flatten=False, name=f"layer{number}_i2h"
        )
        weights = mx.sym.softmax(mx.sym.contrib.interleaved_matmul_selfatt_qk(projected, heads=HEADS))
        y = mx.sym.contrib.interleaved_matmul_selfatt_valatt(projected, weights, heads=HEADS)
        x = x + mx.sym.FullyConnected(y, num_hidden=UNITS, no_bias=True, flatten=False, name=f"layer{number}_h2o")
        y = mx.sym.LayerNorm(x, eps=1e-6, name=f"layer{number}_mid")
        query = mx.sym.FullyConnected(y, num_hidden=UNITS, no_bias=True, flatten=False, name=f"layer{number}_q2h")
        pairs = mx.sym.FullyConnected(
            memory, num_hidden=2 * UNITS, no_bias=True, flatten=False, name=f"layer{number}_kv2h"
        )
        weights = mx.sym.softmax(mx.sym.contrib.interleaved_matmul_encdec_qk(query, pairs, heads=HEADS))
        y = mx.sym.contrib.interleaved_matmul_encdec_valatt(pairs, weights, heads=HEADS)
        x = x + mx.sym.FullyConnected(y, num_hidden=UNITS, no_bias=True, flatten=False, name=f"layer{number}_o")
    return x


MODELS: Mapping[str, Callable[[], mx.sym.Symbol]] = {
    function.__name__: function for function in (bert, encoder, decoder, interleaved_decoder)
}
