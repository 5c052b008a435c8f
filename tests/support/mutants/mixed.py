"""Networks of signals, pyramids and codes."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from graphs import GraphBuilder
from mutants import Network, Pick, images


# --- signal: convolutions over time -----------------------------------------------------------------------------------
def _signal(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=(None, 3, 24)), 8, 5, 2, bias=True, rank=1, name="conv0"))
    x = g.node("tanh", g.bn(g.conv(x, 8, bias=True, rank=1, name="conv1"), name="bn1", eps=2e-5))
    x = g.node("sum", x, axes=(2,), exclude=False, keepdim=False, at_least_1d=False)
    return g.linear(x, 4, features=8, flatten=False, name="fc")


def _signal_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv1d(3, 8, 5, p("stride", 2, 1, 3), p("padding", 2, 1, 0)),
        "conv1": nn.Conv1d(8, 8, 3, 1, p("dilation", 1, 2), dilation=p("dilation", 1, 2)),
        "bn1": nn.BatchNorm1d(8, eps=p("eps", 2e-5, 1e-5, 1e-3)),
        "fc": nn.Linear(8, 4),
    }


def _signal_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = p("first", F.relu, F.gelu, torch.abs)(m["conv0"](p("input", x, x.flip(2), x * 0.5, x - x.mean())))
    x = p("second", torch.tanh, torch.sigmoid, F.softsign)(m["bn1"](m["conv1"](x)))
    x = p("reduce", x.sum(2), x.mean(2), x.amax(2), x[:, :, 1:].sum(2), x.abs().sum(2))
    y = m["fc"](x)
    return p("end", y, y.softmax(-1), y.round(decimals=2), y.roll(1, 0))


# --- pyramid: two outputs at two scales -------------------------------------------------------------------------------
def _pyramid(g: GraphBuilder) -> Any:
    low = g.relu(g.conv(g.input(shape=(None, 3, 16, 16)), 8, stride=2, bias=True, name="low"))
    high = g.relu(g.conv(low, 8, stride=2, bias=True, name="high"))
    side = g.conv(low, 8, 1, bias=True, name="side")
    top = g.conv(high, 8, 1, bias=True, name="top")
    joined = g.add(side, g.node("upsample_nearest", top, scale=2))
    return g.conv(joined, 4, bias=True, name="out0"), g.conv(top, 4, bias=True, name="out1")


def _pyramid_layers(p: Pick) -> dict[str, Any]:
    return {
        "low": nn.Conv2d(3, 8, 3, 2, 1),
        "high": nn.Conv2d(8, 8, 3, 2, 1, padding_mode=p("mode", "zeros", "reflect")),
        "side": nn.Conv2d(8, 8, 1),
        "top": nn.Conv2d(8, 8, 1),
        "out0": nn.Conv2d(8, 4, 3, padding=1),
        "out1": nn.Conv2d(8, 4, 3, padding=1),
    }


def _pyramid_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    low = p("low", F.relu, F.silu, F.relu6)(m["low"](x))
    high = p("high", F.relu, F.leaky_relu, torch.tanh)(m["high"](low))
    side, top = m["side"](low), m["top"](high)
    up = p(
        "up",
        F.interpolate(top, scale_factor=2),
        F.interpolate(top, scale_factor=2, mode="bilinear"),
        F.interpolate(top, scale_factor=2, mode="bilinear", align_corners=True),
        F.interpolate(top, scale_factor=2).flip(3),
    )
    joined = p("join", side + up, side, up, side - up, torch.maximum(side, up), side + 1.001 * up)
    top = p("top", top, top.relu(), top * 1.01, top + top.mean())
    a, b = m["out0"](joined), m["out1"](top)
    return p("outputs", (a, b), (b, a), (a, b.sigmoid()), (a.relu(), b), (a, b.flip(2)))


# --- codes: a bottleneck of matrices ----------------------------------------------------------------------------------
def _codes(g: GraphBuilder) -> Any:
    x = g.input(shape=(None, 12))
    y = g.node("softplus", g.linear(x, 8, features=12, flatten=False, name="enc0"))
    z = g.linear(y, 4, features=8, flatten=False, name="enc1")
    y = g.relu(g.linear(z, 8, features=4, flatten=False, name="dec0"))
    y = g.node("multiply", g.linear(y, 12, features=8, flatten=False, name="dec1"), 0.5)
    return g.node("add", y, x), z


def _codes_layers(p: Pick) -> dict[str, Any]:
    sizes = {"enc0": (12, 8), "enc1": (8, 4), "dec0": (4, 8), "dec1": (8, 12)}
    return {name: nn.Linear(*size) for name, size in sizes.items()}


def _codes_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    y = p("enc", F.softplus, F.relu, F.elu, lambda v: F.softplus(v, beta=2.0))(m["enc0"](p("input", x, x + 1, -x)))
    z = m["enc1"](p("drop", y, y * 0.9, F.dropout(y, 0.2, True)))
    code = p("code", z, z + torch.randn_like(z), z.tanh(), z.clamp(-2, 2))
    y = p("dec", F.relu, F.relu6, F.hardswish)(m["dec0"](code))
    y = m["dec1"](y) * p("factor", 0.5, 1.0, 0.49, -0.5)
    y = p("skip", y + x, y, y - x, y + x.abs())
    return p("outputs", (y, z), (y, z.exp()), (y.sigmoid(), z), (y.flip(1), z), (y, code.relu()))


NETWORKS = (
    Network("signal", _signal, _signal_layers, _signal_forward, images(3, 24)),
    Network("pyramid", _pyramid, _pyramid_layers, _pyramid_forward, images(3, 16, 16)),
    Network("codes", _codes, _codes_layers, _codes_forward, images(12)),
)
