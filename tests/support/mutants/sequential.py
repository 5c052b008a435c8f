"""Networks of matrices, sequences, normalizations and several inputs or outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from graphs import GraphBuilder
from mutants import Network, Pick, images
from neutral.graph import Value


def flat(g: GraphBuilder, x: Any, out: int, features: int, name: str, bias: bool = True) -> Value:
    """Add a linear layer over the last axis."""
    return g.linear(x, out, features=features, flatten=False, bias=bias, name=name)


def norm(g: GraphBuilder, x: Any, size: int, name: str, eps: float = 1e-5) -> Value:
    arrays = {"weight": g.values(size) + 1, "bias": g.values(size)}
    return g.node("layer_norm", x, name=name, arrays=arrays, eps=eps, axis=-1)


# --- matrices: weights as (in, out) ----------------------------------------------------------------------------------
def _matrices(g: GraphBuilder) -> Any:
    x = g.node("tanh", flat(g, g.input(shape=(None, 6)), 6, 6, "fc0"))
    x = g.node("sigmoid", flat(g, x, 6, 6, "fc1"))
    return flat(g, x, 6, 6, "fc2", bias=False)


def _matrices_layers(p: Pick) -> dict[str, Any]:
    return {
        "w0": nn.Parameter(torch.randn(6, 6)),
        "b0": nn.Parameter(torch.randn(6)),
        "fc1": nn.Linear(6, 6),
        "w2": nn.Parameter(torch.randn(6, 6)),
    }


def _matrices_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    w, b = m["w0"], m["b0"]
    x = p("first", x @ w + b, torch.addmm(b, x, w, alpha=2), x @ w - b, (x + b) @ w, x @ w + b + b, x @ w @ w + b)
    x = p("act", torch.tanh, F.hardtanh, torch.sin, F.softsign)(x)
    y = m["fc1"](p("turned", x, x.flip(1)))
    x = p("second", y, y * 0.999, y + x)
    x = p("gate", torch.sigmoid, F.hardsigmoid, lambda v: torch.sigmoid(1.702 * v))(x)
    w = m["w2"]
    return p("last", F.linear(x, w.t()), F.linear(x, w.t()).relu(), F.linear(x * x, w.t()), F.linear(x, w.t()) / 2)


# --- perceptron: GELU and layer norms --------------------------------------------------------------------------------
def _perceptron(g: GraphBuilder) -> Any:
    x = g.input(shape=(None, 7, 8))
    y = norm(g, x, 8, "ln0", 1e-6)
    y = flat(g, g.node("gelu", flat(g, y, 16, 8, "up")), 8, 16, "down")
    x = norm(g, g.add(x, y), 8, "ln1", 1e-12)
    return flat(g, g.node("mean", x, axes=(1,), exclude=False, keepdim=False, at_least_1d=False), 4, 8, "head")


def _perceptron_layers(p: Pick) -> dict[str, Any]:
    return {
        "ln0": nn.LayerNorm(8, eps=p("eps", 1e-6, 1e-5, 1e-12)),
        "up": nn.Linear(8, 16),
        "down": nn.Linear(16, 8),
        "ln1": nn.LayerNorm(8, eps=1e-12),
        "head": nn.Linear(8, 4),
    }


def _perceptron_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    n = m["ln0"](x)
    y = p("normed", n, n * 1.001, n.flip(1), x)
    y = p(
        "gelu", F.gelu, lambda v: F.gelu(v, approximate="tanh"), F.relu, F.silu, lambda v: v * torch.sigmoid(1.702 * v)
    )(m["up"](y))
    y = m["down"](p("dropped", y, F.dropout(y, 0.1, training=True), y.clamp(max=2)))
    z = p("residual", x + y, y, x + y + y, n + y, x - y)
    ln = m["ln1"]
    z = F.layer_norm(z, (8,), ln.weight, p("bias", ln.bias, None), p("eps by hand", 1e-12, 1e-3, 1e-5))
    z = p("mean", z.mean(1), z.amax(1), z[:, 0], z.sum(1), z.median(1)[0])
    z = m["head"](z)
    return p("end", z, z.softmax(-1), z.flip(-1))


# --- attention -------------------------------------------------------------------------------------------------------
def _attention(g: GraphBuilder) -> Any:
    x = g.input(shape=(None, 5, 8))
    q, k, v = (flat(g, x, 8, 8, name) for name in ("query", "key", "value"))
    scores = g.node("multiply", g.node("matmul", q, g.node("transpose", k, axes=(0, 2, 1))), 8**-0.5)
    mixed = g.node("matmul", g.node("softmax", scores, axis=-1), v)
    return norm(g, g.add(flat(g, mixed, 8, 8, "out"), x), 8, "ln")


def _attention_layers(p: Pick) -> dict[str, Any]:
    names = ("query", "key", "value", "out")
    return {**{name: nn.Linear(8, 8) for name in names}, "ln": nn.LayerNorm(8, eps=p("eps", 1e-5, 1e-12, 1e-3))}


def _attention_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    q, k, v = m["query"](x), m["key"](x), m["value"](x)
    q, k, v = p("roles", (q, k, v), (k, q, v), (q, v, k), (v, k, q))
    scores = q @ k.transpose(1, 2) * p("scale", 8**-0.5, 1.0, 0.25, 8**-0.25)
    scores = p("mask", scores, scores.tril(), scores + torch.eye(5, dtype=x.dtype), scores.clamp(max=5))
    weights = p("softmax", scores.softmax(-1), scores.softmax(1), scores.sigmoid(), scores.softmax(-1) ** 2)
    y = p("mix", weights @ v, weights.transpose(1, 2) @ v, weights @ v.relu())
    y = m["out"](p("before", y, y + x))
    y = p("residual", y + x, y, y + 2 * x)
    y = m["ln"](y)
    return p("end", y, y.tanh(), y.transpose(1, 2), y[:, 0])


# --- heads -----------------------------------------------------------------------------------------------------------
def _heads(g: GraphBuilder) -> Any:
    x = g.relu(flat(g, g.input(shape=(None, 8)), 8, 8, "trunk"))
    boxes, scores = flat(g, x, 4, 8, "boxes"), flat(g, x, 4, 8, "scores")
    return boxes, g.node("softmax", scores, axis=-1), flat(g, g.node("tanh", x), 4, 8, "marks")


def _heads_layers(p: Pick) -> dict[str, Any]:
    return {"trunk": nn.Linear(8, 8), **{name: nn.Linear(8, 4) for name in ("boxes", "scores", "marks")}}


def _heads_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = p("trunk", F.relu, F.elu, torch.tanh)(m["trunk"](p("input", x, x + 1, x.abs(), x * 0.01)))
    boxes, scores, marks = m["boxes"](x), m["scores"](x), m["marks"](p("marks", x.tanh(), x, x.sigmoid()))
    scores = p("scores", scores.softmax(-1), scores, scores.sigmoid(), scores.log_softmax(-1), (-scores).softmax(-1))
    boxes = p("boxes", boxes, boxes.exp(), boxes.sigmoid(), boxes[:, [1, 0, 3, 2]], boxes * 2)
    result = (boxes, scores, marks)
    a, b, c = result
    return p("outputs", result, (b, a, c), (a, c, b), (c, b, a), (b, c, a), [a, b, c * 1.01], (a, b, b))


# --- two encoders ----------------------------------------------------------------------------------------------------
def _pair(g: GraphBuilder) -> Any:
    left, right = g.input("left", shape=(None, 8)), g.input("right", shape=(None, 8))
    a, b = g.relu(flat(g, left, 8, 8, "one")), g.node("tanh", flat(g, right, 8, 8, "two"))
    return flat(g, g.node("subtract", a, b), 4, 8, "head")


def _pair_layers(p: Pick) -> dict[str, Any]:
    return {"one": nn.Linear(8, 8), "two": nn.Linear(8, 8), "head": nn.Linear(8, 4)}


def _pair_forward(m: Any, p: Pick, left: torch.Tensor, right: torch.Tensor) -> Any:
    left, right = p("inputs", (left, right), (right, left), (left, left), (left + right, right))
    a, b = m["one"](left), m["two"](right)
    a = p("left", F.relu, F.leaky_relu, F.relu6)(a)
    b = p("right", torch.tanh, torch.sigmoid, F.hardtanh, lambda v: v)(b)
    y = p("difference", a - b, b - a, a + b, (a - b).abs(), a * b, (a - b) ** 2, torch.dist(a, b) + a - b)
    y = m["head"](y)
    return p("end", y, y.squeeze().relu(), -y, F.normalize(y))


# --- one encoder, twice ----------------------------------------------------------------------------------------------
def _siamese(g: GraphBuilder) -> Any:
    left, right = g.input("left", shape=(None, 8)), g.input("right", shape=(None, 8))
    a = flat(g, left, 8, 8, "encoder")
    attributes = {"out_features": 8, "flatten": False}
    b = g.node("linear", right, name="again", layer="encoder", **attributes)
    y = g.node("concatenate", g.relu(a), g.node("sigmoid", b), axis=1)
    return flat(g, y, 4, 16, "head")


def _siamese_layers(p: Pick) -> dict[str, Any]:
    return {"encoder": nn.Linear(8, 8), "head": nn.Linear(16, 4)}


def _siamese_forward(m: Any, p: Pick, left: torch.Tensor, right: torch.Tensor) -> Any:
    a = m["encoder"](p("left", left, right, left * 2, left.flip(1)))
    b = m["encoder"](p("right", right, left, right + left, -right))
    a, b = p("acts", (a.relu(), b.sigmoid()), (a.sigmoid(), b.relu()), (a.relu(), b.relu()), (a, b.sigmoid()))
    y = p("joined", torch.cat([a, b], 1), torch.cat([b, a], 1), torch.stack([a, b], 2).flatten(1), torch.cat([a, a], 1))
    y = m["head"](y)
    return p("end", y, y.softmax(1), y**2, y + 0.1)


# --- words and an LSTM -----------------------------------------------------------------------------------------------
def _words(g: GraphBuilder) -> Any:
    x = g.input("words", shape=(None, 6))
    x = g.node("embedding", x, name="embed", arrays={"weight": g.values(20, 8)}, num_embeddings=20, embedding_dim=8)
    x = g.node("transpose", x, axes=(0, 2, 1))
    g.channels[x] = 8
    x = g.relu(g.conv(x, 8, 3, bias=True, rank=1, name="conv"))
    x = g.node("reduce_max", x, axes=(2,), exclude=False, keepdim=False, at_least_1d=False)
    return flat(g, x, 4, 8, "head")


def _words_layers(p: Pick) -> dict[str, Any]:
    return {
        "embed": nn.Embedding(20, 8, max_norm=p("max_norm", None, 1.0)),
        "conv": nn.Conv1d(8, 8, 3, 1, p("padding", 1, 0, 2), padding_mode=p("mode", "zeros", "circular")),
        "head": nn.Linear(8, 4),
    }


def _words_forward(m: Any, p: Pick, data: torch.Tensor) -> Any:
    index = p("index", data, data.flip(1), (data + 1) % 20, data.clamp(max=9)).long()
    x = m["embed"](index)
    x = p("scaled", x, x * 8**0.5, F.normalize(x, dim=-1))
    x = m["conv"](x.transpose(1, 2))
    x = p("act", F.relu, F.elu, torch.tanh)(x)
    x = p("pool", x.amax(2), x.mean(2), x[:, :, -1], x.amax(2) + x.amin(2), x.logsumexp(2))
    x = m["head"](x)
    return p("end", x, x.sigmoid(), x - x.mean())


def _numbers(generator: torch.Generator, scale: float) -> tuple[torch.Tensor, ...]:
    return (torch.randint(0, 20, (2, 6), generator=generator),)


# --- normalizations --------------------------------------------------------------------------------------------------
def _style(g: GraphBuilder) -> Any:
    x = g.input(shape=(None, 3, 12, 12))
    x = g.node("pad", x, mode="reflect", before=(0, 0, 1, 1), after=(0, 0, 1, 1), value=0.0)
    x = g.conv(x, 8, padding=0, bias=True, name="conv0")
    arrays = {"weight": g.values(8) + 1, "bias": g.values(8)}
    x = g.relu(g.node("instance_norm", x, name="in0", arrays=arrays, eps=1e-3))
    x = g.conv(x, 8, bias=True, name="conv1")
    arrays = {"weight": g.values(8) + 1, "bias": g.values(8)}
    x = g.node("group_norm", x, name="gn", arrays=arrays, eps=1e-5, groups=4)
    x = g.node("multiply", x, g.node("sigmoid", x))
    return g.node("tanh", g.conv(x, 3, 1, bias=True, name="out"))


def _style_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv2d(3, 8, 3),
        "in0": nn.InstanceNorm2d(8, affine=True, eps=p("instance eps", 1e-3, 1e-5)),
        "conv1": nn.Conv2d(8, 8, 3, padding=1),
        "gn": nn.GroupNorm(p("groups", 4, 2, 8, 1), 8, eps=p("group eps", 1e-5, 1e-3, 1e-6)),
        "out": nn.Conv2d(8, 3, 1),
    }


def _style_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = m["conv0"](F.pad(x, (1, 1, 1, 1), mode=p("pad", "reflect", "constant", "replicate", "circular")))
    x = p("first", F.relu, F.gelu, F.leaky_relu)(m["in0"](x))
    x = m["gn"](p("before", m["conv1"](x), -x, x))
    x = p("normed", x, x.relu(), x.abs())
    x = p("silu", F.silu, F.hardswish, F.mish, torch.sigmoid, lambda v: v * torch.sigmoid(1.1 * v))(x)
    x = m["out"](x)
    return p("end", x.tanh(), x, x.tanh() * 0.5 + 0.5, x.clamp(-1, 1), x.tanh().flip(2))


# --- by hand: batch norm written out, leaky units --------------------------------------------------------------------
def _byhand(g: GraphBuilder) -> Any:
    x = g.bn(g.conv(g.input(shape=(None, 3, 12, 12)), 8, bias=True, name="conv0"), name="bn0", eps=1e-3)
    x = g.node("prelu", x, name="act0", arrays={"weight": np.abs(g.values(8)) * 0.2})
    x = g.node("elu", g.bn(g.conv(x, 8, name="conv1"), name="bn1"), alpha=0.5)
    x = g.node("leaky_relu", g.conv(x, 4, 1, bias=True, name="conv2"), negative_slope=0.2)
    return g.node("l2_normalize", g.node("flatten", x), eps=1e-10, over="sample")


def _byhand_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv2d(3, 8, 3, padding=1),
        "bn0": nn.BatchNorm2d(8, eps=1e-3),
        "act0": nn.PReLU(8),
        "conv1": nn.Conv2d(8, 8, 3, padding=1, bias=False),
        "bn1": nn.BatchNorm2d(8),
        "conv2": nn.Conv2d(8, 4, 1),
    }


def _byhand_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    bn = m["bn0"]
    x = m["conv0"](x)
    state = (bn.running_mean, bn.running_var, bn.weight, bn.bias)
    x = F.batch_norm(x, *state, p("training", False, True), 0.1, p("eps", 1e-3, 1e-5, 2e-3))
    x = m["act0"](p("sign", x, -x))
    x = p("slopes", x, x.abs(), x + 0.01)
    bn = m["bn1"]
    y = m["conv1"](x)
    state = (bn.running_mean, bn.running_var, bn.weight, p("bias", bn.bias, None, bn.weight))
    y = F.batch_norm(y, *state, False, p("momentum", 0.1, 0.5), p("second eps", 1e-5, 1e-3, 1e-4))
    y = F.elu(y, p("alpha", 0.5, 1.0, 0.49))
    y = F.leaky_relu(m["conv2"](y), p("slope", 0.2, 0.1, 0.01, 0.201))
    y = p("flat", y.flatten(1), y.permute(0, 2, 3, 1).flatten(1), y.flatten(1).flip(1))
    return p("end", F.normalize(y, eps=1e-5), y, F.normalize(y, dim=0), F.normalize(y, p=1), F.normalize(y) * 2)


NETWORKS = (
    *(
        Network(name, globals()[f"_{name}"], globals()[f"_{name}_layers"], globals()[f"_{name}_forward"], images(*size))
        for name, size in (
            ("matrices", (6,)),
            ("perceptron", (7, 8)),
            ("attention", (5, 8)),
            ("heads", (8,)),
            ("style", (3, 12, 12)),
            ("byhand", (3, 12, 12)),
        )
    ),
    Network("words", _words, _words_layers, _words_forward, _numbers),
    *(
        Network(
            name,
            globals()[f"_{name}"],
            globals()[f"_{name}_layers"],
            globals()[f"_{name}_forward"],
            lambda generator, scale: tuple(torch.randn(2, 8, generator=generator) * scale for _ in range(2)),
        )
        for name in ("pair", "siamese")
    ),
)
