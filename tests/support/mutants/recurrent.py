"""Networks with recurrent layers, attention of several heads, shared weights, and upsampling."""

from __future__ import annotations

from typing import Any, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from graphs import GraphBuilder
from mutants import Network, Pick, images
from mutants.sequential import flat, norm
from neutral.graph import Value


def recurrent(
    g: GraphBuilder,
    kind: str,
    x: Value,
    inputs: int,
    hidden: int,
    layers: int,
    both: bool,
    states: Sequence[Value] = (),
) -> Value:
    """Add a recurrent layer over (time, batch, features)."""
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[kind] * hidden
    arrays = {}
    for layer in range(layers):
        width = inputs if layer == 0 else hidden * (2 if both else 1)
        for suffix in ("", "_reverse")[: 2 if both else 1]:
            sizes = {
                "weight_ih": (gates, width),
                "weight_hh": (gates, hidden),
                "bias_ih": (gates,),
                "bias_hh": (gates,),
            }
            arrays.update({f"{role}_l{layer}{suffix}": g.values(*size, scale=0.5) for role, size in sizes.items()})
    attributes: dict[str, Any] = {"hidden_size": hidden, "num_layers": layers, "bidirectional": both, "dropout": 0.0}
    if kind == "lstm":
        attributes.update(projection_size=0, clip_min=None, clip_max=None, clip_nan=False)
    if kind == "rnn":
        attributes.update(nonlinearity="tanh")
    return g.node(kind, x, *states, name="rnn", arrays=arrays, **attributes)


def times_first(g: GraphBuilder, x: Value) -> Value:
    return g.node("swap_axes", x, axis=0, other_axis=1)


# --- a bidirectional LSTM over sequences ------------------------------------------------------------------------------
def _tagger(g: GraphBuilder) -> Any:
    x = times_first(g, g.input(shape=(None, 7, 5)))
    x = times_first(g, recurrent(g, "lstm", x, 5, 4, 2, True))
    return flat(g, x, 3, 8, "head")


def _tagger_layers(p: Pick) -> dict[str, Any]:
    first = p("batch first", True, False)
    return {"rnn": nn.LSTM(5, 4, 2, batch_first=first, bidirectional=True, dropout=0.5), "head": nn.Linear(8, 3)}


def _tagger_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    rnn = m["rnn"]
    if p("training", False, True):
        rnn.train()
    x = p("input", x, x.flip(1), x * 1.01, x.roll(1, 1))
    zeros = x.new_zeros(4, len(x) if rnn.batch_first else x.shape[1], 4)
    y = rnn(x, p("states", None, (zeros, zeros + 1), (zeros + 0.1, zeros)))[0]
    forward, backward = y.chunk(2, -1)
    y = p(
        "directions",
        y,
        torch.cat([backward, forward], -1),
        torch.cat([forward, backward.flip(1)], -1),
        torch.cat([forward, forward], -1),
    )
    y = m["head"](p("between", y, y.relu(), y.clamp(max=0.9)))
    return p("end", y, y.softmax(0), y.softmax(1), y.flip(1), y.roll(1, 0), y.transpose(0, 1))


# --- a GRU cell by cell; the last state counts ------------------------------------------------------------------------
def _last(g: GraphBuilder) -> Any:
    x = times_first(g, g.input(shape=(None, 6, 5)))
    x = recurrent(g, "gru", x, 5, 8, 1, False)
    x = g.node("slice", x, axes=(0,), starts=(-1,), ends=(None,), steps=(1,))
    return flat(g, g.node("squeeze", x, axes=(0,), at_least_1d=False), 3, 8, "head")


def _last_layers(p: Pick) -> dict[str, Any]:
    return {"rnn": nn.GRU(5, 8, batch_first=True), "head": nn.Linear(8, 3)}


def _last_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = p("input", x, x + (x > 5) * 0.5, x.nan_to_num().clamp(-9, 9), x[:, 1:], x.flip(1))
    y, state = m["rnn"](x)
    y = p("which", y[:, -1], state[-1], y[:, 0], y[:, -2], y.mean(1), y.amax(1), y.sum(1))
    y = m["head"](p("state", y, y.tanh(), -y))
    return p("end", y, y.log_softmax(-1), y / 8**0.5, y - y.mean(0))


# --- an encoder with attention of two heads, as nn.MultiheadAttention -------------------------------------------------
def _encoder(g: GraphBuilder) -> Any:
    x = g.input(shape=(None, 5, 8))

    def split(name: str) -> Value:
        y = g.node("reshape", flat(g, x, 8, 8, name), shape=(0, 0, 2, 4), from_end=False)
        return g.node("transpose", y, axes=(0, 2, 1, 3))

    query, key, value = (split(name) for name in ("query", "key", "value"))
    scores = g.node("multiply", g.node("matmul", query, g.node("transpose", key, axes=(0, 1, 3, 2))), 0.5)
    y = g.node("transpose", g.node("matmul", g.node("softmax", scores, axis=-1), value), axes=(0, 2, 1, 3))
    y = flat(g, g.node("reshape", y, shape=(0, 0, -1), from_end=False), 8, 8, "proj")
    x = norm(g, g.add(x, y), 8, "ln0")
    y = flat(g, g.relu(flat(g, x, 12, 8, "ffn0")), 8, 12, "ffn1")
    return norm(g, g.add(x, y), 8, "ln1")


def _encoder_layers(p: Pick) -> dict[str, Any]:
    options = {"batch_first": p("batch first", True, False), "dropout": 0.3, "add_zero_attn": p("zero", False, True)}
    return {
        "attention": nn.MultiheadAttention(8, p("heads", 2, 1, 4, 8), **options),
        "ln0": nn.LayerNorm(8, eps=p("eps", 1e-5, 1e-6, 1e-12)),
        "ffn0": nn.Linear(8, 12),
        "ffn1": nn.Linear(12, 8),
        "ln1": nn.LayerNorm(8),
    }


def _encoder_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    attention = m["attention"]
    if p("training", False, True):
        attention.train()
    causal = torch.ones(5, 5, dtype=torch.bool).triu(1)
    mask = p("mask", None, causal, torch.eye(5, dtype=torch.bool))
    key, value = p("operands", (x, x), (x, x.flip(1)), (x.flip(1), x.flip(1) * 1.01), (x * 0.9, x))
    y, weights = attention(x, key, value, attn_mask=mask, average_attn_weights=True)
    y = p("attended", y, y / 2, y + weights.mean() * 0.1, weights @ x)
    n = m["ln0"](p("residual", x + y, y, x + 2 * y, x - y))
    x = p("norm first", n, x + m["ln0"](y))
    y = m["ffn1"](p("act", F.relu, F.gelu, F.relu6, lambda v: v)(m["ffn0"](x)))
    y = m["ln1"](p("second", x + y, y, n + y + 0.01 * n))
    return p("end", y, y[:, 0], y.mean(1), y.flip(0), y * (y.std(0, correction=0, keepdim=True) + 1))


# --- words whose table is the last matrix too -------------------------------------------------------------------------
def _shared(g: GraphBuilder) -> Any:
    x = g.input("words", shape=(None, 6))
    table = g.values(20, 8)
    x = g.node("embedding", x, name="embed", arrays={"weight": table}, num_embeddings=20, embedding_dim=8)
    x = norm(g, g.node("tanh", flat(g, g.node("multiply", x, 8**0.5), 8, 8, "mid")), 8, "ln")
    sizes = {"out_features": 20, "flatten": False}
    keys = {"weight": "embed.weight"}
    g.layer("out", "linear", {"weight": table, "bias": g.values(20)}, sizes, keys)
    return g.node("linear", x, name="out", layer="out", **sizes)


def _shared_layers(p: Pick) -> dict[str, Any]:
    layers = {"embed": nn.Embedding(20, 8), "mid": nn.Linear(8, 8), "ln": nn.LayerNorm(8), "out": nn.Linear(8, 20)}
    layers["out"].weight = layers["embed"].weight
    return layers


def _shared_forward(m: Any, p: Pick, data: torch.Tensor) -> Any:
    index = data.long()
    x = m["embed"](p("index", index, index.flip(1), index.clamp(1), index.roll(1, 0)))
    x = p("scale", x * 8**0.5, x, x * 8, F.normalize(x, dim=-1))
    x = p("act", torch.tanh, torch.sigmoid, F.hardtanh)(m["mid"](x))
    x = m["ln"](p("normed", x, x.flip(-1), F.dropout(x, 0.1, True)))
    y = m["out"](x)
    return p("end", y, y.softmax(-1), y.argmax(-1).float(), y.masked_fill(index[..., None] == 0, 0.0), y / 8**0.5)


# --- images made larger -----------------------------------------------------------------------------------------------
def _enlarged(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=(None, 3, 8, 8)), 8, dilation=(2, 2), padding=2, bias=True, name="conv0"))
    size = {"size": (16, 16), "scale": None, "extent": "size", "align_corners": True}
    x = g.conv(g.node("resize_bilinear", x, **size), 8, groups=4, bias=True, name="conv1")
    attributes = {
        "out_channels": 4, "kernel_size": (4, 4), "stride": (2, 2), "padding": (1, 1), "dilation": (1, 1),
        "groups": 1, "output_padding": (0, 0), "output_size": None, "layout": "channels_first",
    }  # fmt: skip
    arrays = {"weight": g.values(8, 4, 4, 4), "bias": g.values(4)}
    x = g.node("transposed_convolution", g.relu(x), name="up", arrays=arrays, channels=4, **attributes)
    window = {"kernel_size": (3, 3), "stride": (2, 2), "padding": (0, 0), "rounding": "up", "layout": "channels_first"}
    x = g.node("max_pool", g.node("slice", x, axes=(2,), starts=(1,), ends=(31,), steps=(1,), channels=4), **window)
    return g.conv(x, 2, 1, bias=True, name="out")


def _enlarged_layers(p: Pick) -> dict[str, Any]:
    rate = p("dilation", 2, 1)
    return {
        "conv0": nn.Conv2d(3, 8, 3, padding=rate, dilation=rate),
        "conv1": nn.Conv2d(8, 8, 3, padding=1, groups=4),
        "up": nn.ConvTranspose2d(8, 4, 4, 2, p("padding", 1, 2, 0), output_padding=p("output padding", 0, 1)),
        "out": nn.Conv2d(4, 2, 1),
    }


def _enlarged_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["conv0"](x))
    resized = F.interpolate(x, (16, 16), mode="bilinear", align_corners=p("corners", True, False))
    x = p("resize", resized, F.interpolate(x, (16, 16)), F.interpolate(x, (16, 16), mode="bicubic", align_corners=True))
    x = m["conv1"](
        p("channels", x, x[:, [1, 0, 3, 2, 5, 4, 7, 6]], x.reshape(len(x), 4, 2, 16, 16).flatten(1, 2).flip(1))
    )
    x = m["up"](p("act", F.relu, F.elu, F.relu6)(x))
    x = p("rows", x[:, :, 1:31], x[:, :, :30], x[:, :, 2:32], x[..., 1:31])
    x = p("window", F.max_pool2d(x, 3, 2, ceil_mode=True), F.max_pool2d(x, 3, 2), F.max_pool2d(x, 2, 2, ceil_mode=True))
    return p(
        "end", m["out"](x), m["out"](x).softmax(1), m["out"](x.flip(3)), m["out"](x) + m["out"].bias[:, None, None]
    )


def _numbers(generator: torch.Generator, scale: float) -> tuple[torch.Tensor, ...]:
    return (torch.randint(0, 20, (2, 6), generator=generator),)


NETWORKS = (
    *(
        Network(name, globals()[f"_{name}"], globals()[f"_{name}_layers"], globals()[f"_{name}_forward"], images(*size))
        for name, size in (("tagger", (7, 5)), ("last", (6, 5)), ("encoder", (5, 8)), ("enlarged", (3, 8, 8)))
    ),
    Network("shared", _shared, _shared_layers, _shared_forward, _numbers),
)
