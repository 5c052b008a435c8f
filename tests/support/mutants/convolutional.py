"""Convolutional networks of the zoo's kinds."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from graphs import GraphBuilder
from mutants import Network, Pick, images

SIZE = (None, 3, 16, 16)
POOL = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "rounding": "down", "layout": "channels_first"}


def gap(g: GraphBuilder, x: Any) -> Any:
    return g.node("global_average_pool", x, layout="channels_first")


# --- residual --------------------------------------------------------------------------------------------------------
def _residual(g: GraphBuilder) -> Any:
    x = g.relu(g.bn(g.conv(g.input(shape=SIZE), 8, stride=2, name="conv0"), name="bn0"))
    y = g.relu(g.bn(g.conv(x, 8, name="conv1"), name="bn1"))
    y = g.bn(g.conv(y, 8, name="conv2"), name="bn2")
    return g.linear(gap(g, g.relu(g.add(y, x))), 5, features=8, name="fc")


def _residual_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv2d(3, 8, 3, p("stem stride", 2, 1, 3), 1, bias=False),
        "bn0": nn.BatchNorm2d(8, eps=p("eps", 1e-5, 1e-3, 1e-2)),
        "conv1": nn.Conv2d(8, 8, 3, 1, 1, bias=False, padding_mode=p("mode", "zeros", "reflect")),
        "bn1": nn.BatchNorm2d(8),
        "conv2": nn.Conv2d(8, 8, 3, 1, p("dilated", 1, 2), dilation=p("dilated", 1, 2), bias=False),
        "bn2": nn.BatchNorm2d(8, track_running_stats=p("statistics", True, False)),
        "fc": nn.Linear(8, 5),
    }


def _residual_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = p("input", x, x / 255, x.flip(1), x.clamp(-1, 1), x.transpose(2, 3))
    x = p("first", F.relu, F.relu6, F.silu, F.leaky_relu)(m["bn0"](m["conv0"](x)))
    if p("training", False, True):
        m["bn1"].train()
    y = p("second", F.relu, F.gelu, F.elu)(m["bn1"](m["conv1"](x)))
    y = m["bn2"](m["conv2"](y))
    y = F.relu(p("residual", y + x, y, y - x, y + 0.5 * x, x + x + y))
    y = p("pool", y.mean((2, 3)), y.amax((2, 3)), y[:, :, 0, 0], y.sum((2, 3)))
    y = m["fc"](y)
    return p("end", y, y.softmax(1), -y, y.sigmoid())


# --- plain -----------------------------------------------------------------------------------------------------------
def _plain(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=SIZE), 8, bias=True, name="conv1_1"))
    x = g.node("max_pool", x, **POOL)
    x = g.relu(g.conv(x, 8, bias=True, name="conv2_1"))
    x = g.node("average_pool", x, divisor="kernel", **{**POOL, "padding": (1, 1), "kernel_size": (3, 3)})
    x = g.relu(g.linear(g.node("flatten", x), 8, features=128, name="fc6"))
    return g.node("softmax", g.linear(x, 8, features=8, name="fc7"), axis=1)


def _plain_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv1_1": nn.Conv2d(3, 8, 3, padding=1),
        "conv2_1": nn.Conv2d(8, 8, 3, padding=1),
        "fc6": nn.Linear(128, 8),
        "fc7": nn.Linear(8, 8),
    }


def _plain_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["conv1_1"](x))
    x = p("pool", F.max_pool2d(x, 2), F.avg_pool2d(x, 2), x[..., ::2, ::2], F.max_pool2d(x, 3, 2, 1))
    x = p("relu", F.relu, torch.abs, F.softplus, torch.tanh)(m["conv2_1"](x))
    x = p(
        "average",
        F.avg_pool2d(x, 3, 2, 1),
        F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        F.max_pool2d(x, 3, 2, 1),
        F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 3, 2),
        F.avg_pool2d(x, 3, 2, 1, divisor_override=8),
    )
    x = p("flatten", x.flatten(1), x.permute(0, 2, 3, 1).flatten(1), x.transpose(2, 3).flatten(1))
    x = m["fc6"](x)
    x = F.relu(p("exchanged", x, x.flip(1)))
    x = p("dropped", x, F.dropout(x, 0.5, training=True), x * 0.5)
    x = m["fc7"](x)
    return p("end", x.softmax(1), x, x.log_softmax(1), x.softmax(0), (2 * x).softmax(1))


# --- depthwise -------------------------------------------------------------------------------------------------------
def _depthwise(g: GraphBuilder) -> Any:
    x = g.conv_bn_relu(g.input(shape=SIZE), 8, name="stem_")
    y = g.node("clamp", g.bn(g.conv(x, 16, 1, name="expand"), name="expand_bn"), min=0.0, max=6.0)
    y = g.node("clamp", g.bn(g.conv(y, 16, 3, groups=16, name="depth"), name="depth_bn"), min=0.0, max=6.0)
    y = g.bn(g.conv(y, 8, 1, name="project"), name="project_bn", eps=1e-3)
    return g.node("flatten", g.conv(gap(g, g.add(y, x)), 5, 1, bias=True, name="head"))


def _depthwise_layers(p: Pick) -> dict[str, Any]:
    return {
        "stem_conv": nn.Conv2d(3, 8, 3, padding=1, bias=False),
        "stem_bn": nn.BatchNorm2d(8),
        "expand": nn.Conv2d(8, 16, 1, bias=False),
        "expand_bn": nn.BatchNorm2d(16),
        "depth": nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False),
        "depth_bn": nn.BatchNorm2d(16),
        "project": nn.Conv2d(16, 8, 1, bias=False),
        "project_bn": nn.BatchNorm2d(8, eps=p("eps", 1e-3, 1e-5, 1e-4)),
        "head": nn.Conv2d(8, 5, 1),
    }


def _depthwise_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = m["stem_conv"](x)
    x = F.relu(m["stem_bn"](p("stem", x, x.flip(3), x * 1.01)))
    y = p("first", F.relu6, F.relu, F.hardswish, lambda v: v.clamp(0, 5))(m["expand_bn"](m["expand"](x)))
    y = p("second", F.relu6, F.relu, lambda v: v.clamp(-1, 6))(m["depth_bn"](m["depth"](y)))
    y = m["project"](y)
    z = m["project_bn"](y)
    y = p("bottleneck", z, F.relu6(z), y)
    y = p("residual", y + x, y, x - y, torch.maximum(x, y))
    y = p("pool", F.adaptive_avg_pool2d(y, 1), F.adaptive_max_pool2d(y, 1), F.adaptive_avg_pool2d(y, 2)[..., :1, :1])
    y = m["head"](y)
    return p("end", y.flatten(1), y.flatten(1).flip(0), y.flatten(1).roll(1, 1), y.flatten(1) + 1e-2)


# --- shuffle ---------------------------------------------------------------------------------------------------------
def _shuffle(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=SIZE), 8, bias=True, stride=2, name="conv0"))
    cut = {"axes": (1,), "steps": (1,)}
    left = g.node("slice", x, starts=(0,), ends=(4,), channels=4, **cut)
    right = g.node("slice", x, starts=(4,), ends=(8,), channels=4, **cut)
    right = g.relu(g.bn(g.conv(right, 4, name="conv1"), name="bn1"))
    y = g.node("concatenate", left, right, axis=1, channels=8)
    y = g.node("reshape", y, shape=(-1, 2, 4, 8, 8), from_end=False)
    y = g.node("transpose", y, axes=(0, 2, 1, 3, 4))
    y = g.node("reshape", y, shape=(-1, 8, 8, 8), from_end=False, channels=8)
    y = g.conv(y, 8, groups=2, bias=True, name="conv2")
    return g.linear(gap(g, g.relu(y)), 5, features=8, name="fc")


def _shuffle_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv2d(3, 8, 3, 2, 1),
        "conv1": nn.Conv2d(4, 4, 3, padding=1, padding_mode=p("mode", "zeros", "circular")),
        "bn1": nn.BatchNorm2d(4, eps=p("eps", 1e-5, 1e-3)),
        "conv2": nn.Conv2d(8, 8, 3, padding=1, groups=2),
        "fc": nn.Linear(8, 5),
    }


def _mixed(x: torch.Tensor, groups: int) -> torch.Tensor:
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def _shuffle_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["conv0"](x))
    left, right = p("halves", (x[:, :4], x[:, 4:]), (x[:, 4:], x[:, :4]), (x[:, ::2], x[:, 1::2]))
    right = F.relu(m["bn1"](m["conv1"](p("branch", right, left, right + left))))
    y = p(
        "joined",
        torch.cat([left, right], 1),
        torch.cat([right, left], 1),
        torch.cat([left, right + left], 1),
        torch.cat([x[:, :4].relu() * 2, right], 1),
    )
    y = p("shuffle", _mixed(y, 2), y, _mixed(y, 4), y.flip(1))
    y = p("last", F.relu, F.relu6, F.gelu)(m["conv2"](y))
    y = p("pool", y.mean((2, 3)), y.mean((2, 3)).sqrt(), y.amax((2, 3)))
    y = m["fc"](p("rolled", y, y.roll(1, 1)))
    return p("end", y, y.softmax(-1), y.abs())


# --- branches --------------------------------------------------------------------------------------------------------
def _branches(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=SIZE), 8, bias=True, name="stem"))
    window = {**POOL, "kernel_size": (3, 3), "stride": (1, 1), "padding": (1, 1)}
    a = g.relu(g.conv(x, 4, 1, bias=True, name="a"))
    b = g.relu(g.conv(x, 4, 3, bias=True, name="b"))
    c = g.relu(g.conv(g.node("max_pool", x, **window), 4, 1, bias=True, name="c"))
    d = g.relu(g.conv(g.node("average_pool", x, divisor="input", **window), 4, 1, bias=True, name="d"))
    x = g.concat(a, b, c, d)
    return g.linear(gap(g, x), 5, features=16, name="fc")


def _branches_layers(p: Pick) -> dict[str, Any]:
    return {
        "stem": nn.Conv2d(3, 8, 3, padding=1),
        "a": nn.Conv2d(8, 4, 1),
        "b": nn.Conv2d(8, 4, 3, padding=1, padding_mode=p("mode", "zeros", "replicate")),
        "c": nn.Conv2d(8, 4, 1),
        "d": nn.Conv2d(8, 4, 1),
        "fc": nn.Linear(16, 5),
    }


def _branches_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["stem"](p("input", x, x * 2, x - 0.5, x.flip(2))))
    a, b = F.relu(m["a"](x)), p("b", F.relu, F.sigmoid, F.mish)(m["b"](x))
    peak = p("peak", F.max_pool2d(x, 3, 1, 1), F.avg_pool2d(x, 3, 1, 1), x, F.max_pool2d(x, 5, 1, 2))
    level = p(
        "level",
        F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
        F.avg_pool2d(x, 3, 1, 1),
        F.max_pool2d(x, 3, 1, 1),
    )
    peak, level = p("pools", (peak, level), (level, peak))
    c, d = F.relu(m["c"](peak)), F.relu(m["d"](level))
    parts = p("order", [a, b, c, d], [b, a, c, d], [a, b, d, c], [d, c, b, a], [a, b, c, c])
    y = p("join", torch.cat(parts, 1), torch.stack(parts, 2).flatten(1, 2))
    y = p("pool", y.mean((2, 3)), y.amax((2, 3)), y.median(3)[0].mean(2), y[:, :, 1:-1, 1:-1].mean((2, 3)))
    y = m["fc"](y)
    return p("end", y, y.tanh(), F.normalize(y))


# --- gated -----------------------------------------------------------------------------------------------------------
def _gated(g: GraphBuilder) -> Any:
    x = g.conv_bn_relu(g.input(shape=SIZE), 8, name="stem_")
    s = g.relu(g.conv(gap(g, x), 4, 1, bias=True, name="reduce"))
    s = g.node("sigmoid", g.conv(s, 8, 1, bias=True, name="expand"))
    x = g.node("multiply", x, s, channels=8)
    return g.linear(gap(g, g.relu(g.conv(x, 8, bias=True, name="last"))), 5, features=8, name="fc")


def _gated_layers(p: Pick) -> dict[str, Any]:
    return {
        "stem_conv": nn.Conv2d(3, 8, 3, 1, 1, bias=False),
        "stem_bn": nn.BatchNorm2d(8, affine=True, eps=p("eps", 1e-5, 2e-5, 1e-3)),
        "reduce": nn.Conv2d(8, 4, 1),
        "expand": nn.Conv2d(4, 8, 1),
        "last": nn.Conv2d(8, 8, 3, p("stride", 1, 2), p("padding", 1, 0, 2)),
        "fc": nn.Linear(8, 5),
    }


def _gated_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["stem_bn"](m["stem_conv"](x)))
    s = p("squeeze", x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True), x.mean((2, 3), keepdim=True) * 0.5)
    s = p("inner", F.relu, F.silu, F.leaky_relu)(m["reduce"](s))
    s = p("gate", torch.sigmoid, F.hardsigmoid, torch.tanh, lambda v: v.softmax(1))(m["expand"](s))
    x = p("product", x * s, x + s, x * s + x, x, x * (1 - s))
    x = p("last", F.relu, F.relu6, F.softplus)(m["last"](x))
    x = x.mean((2, 3))
    return m["fc"](p("end", x, x + x.std(1, keepdim=True), x * 1.001))


# --- hourglass -------------------------------------------------------------------------------------------------------
def _hourglass(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=SIZE), 8, bias=True, name="enter"))
    y = g.relu(g.conv(x, 8, stride=2, bias=True, name="down"))
    arrays = {"weight": g.values(8, 8, 2, 2, scale=0.2), "bias": g.values(8)}
    y = g.node(
        "transposed_convolution", y, name="up", arrays=arrays, channels=8, out_channels=8, kernel_size=(2, 2),
        stride=(2, 2), padding=(0, 0), dilation=(1, 1), groups=1, output_padding=(0, 0), output_size=None,
        layout="channels_first",
    )  # fmt: skip
    return g.node("sigmoid", g.conv(g.concat(y, x), 2, bias=True, name="out"))


def _hourglass_layers(p: Pick) -> dict[str, Any]:
    return {
        "enter": nn.Conv2d(3, 8, 3, padding=1),
        "down": nn.Conv2d(8, 8, 3, 2, 1),
        "up": nn.ConvTranspose2d(8, 8, 2, 2),
        "out": nn.Conv2d(16, 2, 3, padding=1),
    }


def _hourglass_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["enter"](p("input", x, x.flip(1), x + 1, x / x.std())))
    y = p("down", F.relu, F.elu, F.leaky_relu)(m["down"](x))
    y = m["up"](p("turned", y, y.transpose(2, 3), y.flip(3)))
    y = p("up", y, y.relu(), F.interpolate(y[..., ::2, ::2], scale_factor=2), y.roll(1, 3))
    y = p("skip", torch.cat([y, x], 1), torch.cat([x, y], 1), torch.cat([y, y], 1), torch.cat([y, x * 0.9], 1))
    y = m["out"](y)
    return p("end", y.sigmoid(), y, y.softmax(1), y.flip(1).sigmoid(), F.hardsigmoid(y), 1 - y.sigmoid())


# --- atrous ----------------------------------------------------------------------------------------------------------
def _atrous(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=SIZE), 8, bias=True, name="stem"))
    parts = [g.conv(x, 8, 3, padding=rate, bias=True, name=f"rate{rate}", dilation=(rate, rate)) for rate in (1, 2, 3)]
    x = g.add(g.add(parts[0], parts[1]), parts[2])
    return g.conv(g.node("leaky_relu", x, negative_slope=0.1), 4, 1, bias=True, name="out")


def _atrous_layers(p: Pick) -> dict[str, Any]:
    def conv(rate: int, dilation: int) -> nn.Conv2d:
        return nn.Conv2d(8, 8, 3, padding=dilation, dilation=dilation)

    return {
        "stem": nn.Conv2d(3, 8, 3, padding=1),
        "rate1": conv(1, p("first", 1, 2)),
        "rate2": conv(2, p("second", 2, 1, 4)),
        "rate3": conv(3, p("third", 3, 2, 6)),
        "out": nn.Conv2d(8, 4, 1),
    }


def _atrous_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = p("stem", F.relu, F.gelu, F.relu6)(m["stem"](x))
    a, b, c = m["rate1"](x), m["rate2"](x), m["rate3"](x)
    y = p("sum", a + b + c, a + b, a + b - c, torch.maximum(a + b, c), (a + b + c) / 3, a + b * c)
    y = F.leaky_relu(y, p("slope", 0.1, 0.01, 0.2, 0.11))
    y = m["out"](y)
    return p("end", y, y[:, [1, 0, 2, 3]], y.transpose(2, 3), y.detach() * 2)


# --- dense -----------------------------------------------------------------------------------------------------------
def _dense(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=SIZE), 8, bias=True, name="stem"))
    for index in range(3):
        y = g.conv(g.relu(g.bn(x, name=f"bn{index}", eps=1e-4)), 4, bias=True, name=f"conv{index}")
        x = g.concat(x, y)
    return g.linear(gap(g, g.relu(g.bn(x, name="bn3"))), 5, features=20, name="fc")


def _dense_layers(p: Pick) -> dict[str, Any]:
    layers: dict[str, Any] = {"stem": nn.Conv2d(3, 8, 3, padding=1)}
    for index in range(3):
        layers[f"bn{index}"] = nn.BatchNorm2d(8 + 4 * index, eps=p(f"eps{index}", 1e-4, 1e-5))
        layers[f"conv{index}"] = nn.Conv2d(
            8 + 4 * index, 4, 3, padding=1, padding_mode=p(f"mode{index}", "zeros", "reflect")
        )
    return {**layers, "bn3": nn.BatchNorm2d(20), "fc": nn.Linear(20, 5)}


def _dense_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["stem"](x))
    for index in range(3):
        y = m[f"bn{index}"](x)
        y = m[f"conv{index}"](p(f"relu{index}", y.relu(), y, y.relu().clamp(max=3)))
        x = p(f"join{index}", torch.cat([x, y], 1), torch.cat([y, x], 1), torch.cat([x, y.relu()], 1))
    x = F.relu(m["bn3"](x))
    return m["fc"](p("end", x.mean((2, 3)), x.mean((3, 2)).clamp(max=1), x[..., 0].mean(2)))


NETWORKS = tuple(
    Network(name, globals()[f"_{name}"], globals()[f"_{name}_layers"], globals()[f"_{name}_forward"], images(3, 16, 16))
    for name in ("residual", "plain", "depthwise", "shuffle", "branches", "gated", "hourglass", "atrous", "dense")
)
