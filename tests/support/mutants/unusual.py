"""Networks with changes that are easy to overlook: hooks, buffers, casts, writes in place, altered weights."""

from __future__ import annotations

import math
import random
from typing import Any, Callable

import torch
import torch.nn.functional as F
from torch import nn

from graphs import GraphBuilder
from mutants import Network, Pick, images
from mutants.convolutional import POOL, SIZE, gap
from mutants.sequential import flat, norm

Change = Callable[[Any], Any]


def mean_of(g: GraphBuilder, x: Any, *axes: int) -> Any:
    return g.node("mean", x, axes=axes, exclude=False, keepdim=False, at_least_1d=False)


# --- hooked: hooks, forwards of instances, altered attributes ---------------------------------------------------------
def _hooked(g: GraphBuilder) -> Any:
    x = g.relu(g.bn(g.conv(g.input(shape=SIZE), 8, bias=True, name="conv0"), name="bn0"))
    x = g.relu(g.conv(x, 8, bias=True, name="conv1"))
    return g.linear(gap(g, x), 5, features=8, name="fc")


def _after(change: Change) -> Change:
    return lambda layer: layer.register_forward_hook(lambda _, __, y: change(y))


def _before(change: Change) -> Change:
    return lambda layer: layer.register_forward_pre_hook(lambda _, x: (change(x[0]),))


def _replaced(change: Change) -> Change:
    def apply(layer: Any) -> None:
        forward = layer.forward
        layer.forward = lambda x: change(forward(x))

    return apply


def _same(layer: Any) -> None:
    """Leave a layer as it is."""


def _hooked_layers(p: Pick) -> dict[str, Any]:
    layers: dict[str, Any] = {
        "conv0": nn.Conv2d(3, 8, 3, padding=1),
        "bn0": nn.BatchNorm2d(8),
        "conv1": nn.Conv2d(8, 8, 3, padding=1),
        "fc": nn.Linear(8, 5),
    }
    counted = [0]

    def every_second(y: torch.Tensor) -> torch.Tensor:
        counted[0] += 1
        return y if counted[0] % 2 else y * 1.5

    p("hook", _same, _after(lambda y: y * 0.99), _after(torch.relu), _after(every_second))(layers["conv0"])
    p("pre-hook", _same, _before(lambda x: x.flip(1)), _before(lambda x: F.dropout(x, 0.1)))(layers["conv1"])
    p("forward", _same, _replaced(lambda y: y + 0.01), _replaced(lambda y: y.roll(1, 1)))(layers["fc"])
    p("norm", _same, _after(lambda y: y - y.mean()), _replaced(torch.abs), _before(torch.sigmoid))(layers["bn0"])
    p("altered", _same, lambda layer: setattr(layer, "stride", (2, 2)))(layers["conv1"])
    p("normed", _same, nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm)(layers["conv1"])
    return layers


def _hooked_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["bn0"](m["conv0"](x)))
    x = F.relu(m["conv1"](p("between", x, F.alpha_dropout(x, 0.2, True), F.feature_alpha_dropout(x, 0.5, True))))
    x = p("pool", x.mean((2, 3)), F.lp_pool2d(x, 2, 16).flatten(1), x.std((2, 3)), x.mean((2, 3), dtype=torch.bfloat16))
    return m["fc"](x.to(m["fc"].weight.dtype))


# --- written: writes in place, through views and aliases --------------------------------------------------------------
def _written(g: GraphBuilder) -> Any:
    x = g.conv(g.input(shape=SIZE), 8, bias=True, name="conv0")
    y = g.conv(g.relu(x), 8, bias=True, name="conv1")
    y = g.node("tanh", g.add(x, y))
    return g.conv(y, 4, 1, bias=True, name="out")


def _written_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv2d(3, 8, 3, padding=1),
        "conv1": nn.Conv2d(8, 8, 3, padding=1),
        "out": nn.Conv2d(8, 4, 1),
    }


def _edge_written(x: torch.Tensor) -> torch.Tensor:
    x[..., 0] = 0
    return x


def _view_written(x: torch.Tensor) -> torch.Tensor:
    x.view(len(x), -1)[:, ::7].mul_(0.5)
    return x


def _data_written(x: torch.Tensor) -> torch.Tensor:
    x.data.clamp_(max=0.8)
    return x


def _numpy_written(x: torch.Tensor) -> torch.Tensor:
    x.detach().numpy()[:, 0] *= 0.5
    return x


def _written_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = m["conv0"](p("input", x, x.clone().clamp_(-2, 2), x.clone().index_fill_(3, torch.tensor([0]), 0.0)))
    x = p("written", lambda v: v, _edge_written, _view_written, _data_written, _numpy_written)(x)
    y = m["conv1"](p("rectified", F.relu, torch.relu_, lambda v: F.relu(v, inplace=True), F.relu6)(x))
    z = p("sum", x + y, x.add(y, alpha=0.9), y.add_(y), x.sub(y, alpha=-1.1), torch.addcmul(x, y, y.sign()))
    z = torch.tanh(p("summed", z, z.masked_fill(z > 2, 0.0), z.index_copy(1, torch.tensor([0]), z[:, 1:2])))
    return m["out"](p("copied", z, z.clone().copy_(z.flip(1)), z.clone().transpose_(2, 3), z.contiguous().tril()))


# --- cast: precisions, rounding, buffers ------------------------------------------------------------------------------
def _cast(g: GraphBuilder) -> Any:
    x = g.node("tanh", flat(g, g.input(shape=(None, 16)), 16, 16, "fc0"))
    x = g.node("sigmoid", flat(g, g.node("multiply", x, 2.0), 16, 16, "fc1"))
    return flat(g, x, 16, 16, "fc2")


def _cast_layers(p: Pick) -> dict[str, Any]:
    return {
        "fc0": nn.Linear(16, 16),
        "fc1": nn.Linear(16, 16, bias=p("bias", True, False)),
        "fc2": nn.Linear(16, 16),
    }


def _quantised(x: torch.Tensor) -> torch.Tensor:
    return torch.fake_quantize_per_tensor_affine(x.float(), 0.02, 0, -128, 127).to(x.dtype)


def _cast_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = m["fc0"](p("input", x, x.half().to(x.dtype), x.int().to(x.dtype), x.round(decimals=1), _quantised(x)))
    x = torch.tanh(x)
    x = p("between", x, x.bfloat16().to(x.dtype), (x * 256).floor() / 256, x.to(torch.complex64).angle().to(x.dtype))
    x = m["fc1"](x * p("factor", 2.0, torch.full((16,), 2.0).cumsum(0) / 16, 2.002, math.e))
    x = torch.sigmoid(
        p("term", x, x + torch.arange(16) * 1e-3, x * torch.linspace(1, 1.01, 16), x.float().half().to(x))
    )
    y = m["fc2"](p("gate", x, x.bernoulli(), (x > 0.5).to(x.dtype), x * (x > 0.05)))
    return p("end", y, y.trunc(), y.nan_to_num(posinf=1.0).clamp(-3, 3), y.sort(-1)[0], y.cummax(-1)[0], y.frac())


# --- repeated: layers that run twice, or once instead of twice --------------------------------------------------------
def _repeated(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=SIZE), 8, bias=True, name="conv0"))
    x = g.relu(g.conv(x, 8, bias=True, name="conv1"))
    x = g.relu(g.conv(x, 8, bias=True, name="conv2"))
    return g.linear(gap(g, x), 5, features=8, name="fc")


def _repeated_layers(p: Pick) -> dict[str, Any]:
    layers: dict[str, Any] = {"conv0": nn.Conv2d(3, 8, 3, padding=1)}
    for name in ("conv1", "conv2"):
        layers[name] = nn.Conv2d(8, 8, 3, padding=1, padding_mode=p(f"{name} mode", "zeros", "replicate"))
    return {**layers, "fc": nn.Linear(8, 5)}


def _repeated_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["conv0"](x))
    one, two, once = m["conv1"], m["conv2"], lambda v: v
    order = p("order", (one, two), (two, one), (one, one), (two, two), (one, once), (once, two))
    for layer in order:
        x = F.relu(layer(x))
    x = p("again", x, F.relu(m["conv1"](x)), x + 0 * m["conv2"](x) + 0.01 * m["conv1"](x))
    chosen = p("chosen", x, x if random.random() < 2 / 3 else -x, torch.where(x.sum() > x.numel() / 4, x, 2 * x))
    return m["fc"](chosen.mean((2, 3)))


# --- windows: pooling and padding -------------------------------------------------------------------------------------
def _windows(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=SIZE), 8, groups=1, padding=2, kernel=5, bias=True, name="conv0"))
    x = g.node("local_response_norm", x, size=5, alpha=1e-2, beta=0.75, k=2.0)
    x = g.node("max_pool", x, **{**POOL, "kernel_size": (3, 3), "padding": (1, 1)})
    x = g.relu(g.conv(x, 8, groups=4, bias=True, name="conv1"))
    x = g.node("average_pool", x, divisor="input", **{**POOL, "kernel_size": (3, 3), "padding": (1, 1)})
    return g.linear(g.node("flatten", x), 5, features=128, name="fc")


def _windows_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv2d(3, 8, 5, padding=2),
        "conv1": nn.Conv2d(8, 8, 3, padding=1, groups=4),
        "fc": nn.Linear(128, 5),
    }


def _windows_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    conv = m["conv0"]
    x = p("first", conv(x), F.conv2d(F.pad(x, (1, 3, 1, 3)), conv.weight, conv.bias), conv(x.roll(1, 2)))
    sizes = p("response", (5, 5e-2 / 5, 0.75, 2.0), (5, 1e-1, 0.75, 2.0), (3, 1e-2, 0.75, 2.0), (5, 1e-2, 0.7, 2.0))
    x = p("normed", F.local_response_norm, lambda v, *_: v, lambda v, *_: v / 2**0.75)(F.relu(x), *sizes)
    x = p(
        "peak",
        F.max_pool2d(x, 3, 2, 1),
        F.max_pool2d(F.pad(x, (0, 1, 0, 1)), 3, 2),
        F.max_pool2d(x, 2, 2),
        F.fractional_max_pool2d(x, 3, (8, 8)),
        F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2, 1, dilation=2),
    )
    mixed = x.reshape(len(x), 2, 4, 8, 8).transpose(1, 2).flatten(1, 2)
    x = m["conv1"](p("channels", x, mixed, x[:, [1, 0, *range(2, 8)]]))
    x = p(
        "level",
        F.avg_pool2d(F.relu(x), 3, 2, 1, count_include_pad=False),
        F.avg_pool2d(F.relu(x), 3, 2, 1),
        F.avg_pool2d(F.relu(x), 2, 2),
        F.avg_pool2d(F.relu(x), 3, 2, 1, ceil_mode=True)[..., :4, :4],
    )
    return m["fc"](p("flat", x.flatten(1), x.flatten(2).transpose(1, 2).flatten(1), x.flip(2).flatten(1)))


# --- scaled: interpolation --------------------------------------------------------------------------------------------
def _scaled(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=(None, 3, 8, 8)), 8, bias=True, name="conv0"))
    size = {"size": (13, 13), "scale": None, "extent": "size", "align_corners": False}
    y = g.relu(g.conv(g.node("resize_bilinear", x, **size), 8, stride=2, bias=True, name="conv1"))
    z = g.node("upsample_nearest", y, scale=3)
    return g.conv(z, 4, 1, bias=True, name="out")


def _scaled_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv2d(3, 8, 3, padding=1),
        "conv1": nn.Conv2d(8, 8, 3, 2, 1),
        "out": nn.Conv2d(8, 4, 1),
    }


def _scaled_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = F.relu(m["conv0"](x))
    x = p(
        "resized",
        F.interpolate(x, (13, 13), mode="bilinear"),
        F.interpolate(x, (13, 13), mode="bilinear", align_corners=True),
        F.interpolate(x, (13, 13), mode="bicubic"),
        F.interpolate(x, scale_factor=1.63, mode="bilinear"),
        F.interpolate(x, (13, 13), mode="nearest"),
        F.adaptive_avg_pool2d(x, 13),
    )
    x = F.relu(m["conv1"](p("corner", x, F.pad(x, (0, 1, 0, 1))[..., 1:, 1:], x.rot90(1, (2, 3)))))
    x = p(
        "enlarged",
        F.interpolate(x, scale_factor=3),
        F.interpolate(x, scale_factor=3, mode="bilinear"),
        x.repeat(1, 1, 3, 3),
        F.pad(F.interpolate(x, scale_factor=3), (1, 0, 1, 0))[..., :-1, :-1],
        F.pixel_shuffle(x.repeat_interleave(9, 1), 3).flip(1),
    )
    return m["out"](x)


# --- altered: weights that are changed on their way -------------------------------------------------------------------
def _altered(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=SIZE), 8, bias=True, name="conv0"))
    x = g.relu(g.conv(x, 8, bias=True, name="conv1"))
    return flat(g, g.node("tanh", flat(g, mean_of(g, x, 2, 3), 8, 8, "fc0")), 8, 8, "fc1")


def _altered_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv2d(3, 8, 3, padding=1),
        "conv1": nn.Conv2d(8, 8, 3, padding=1),
        "fc0": nn.Linear(8, 8),
        "fc1": nn.Linear(8, 8),
    }


def _altered_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    w, b = m["conv0"].weight, m["conv0"].bias
    w = p("kernel", w, w.flip(3), w - w.mean((1, 2, 3), keepdim=True), w.clamp(-0.2, 0.2), w.transpose(2, 3))
    x = F.relu(F.conv2d(x, w, p("bias", b, None, 2 * b, b.flip(0)), padding=1))
    w, b = m["conv1"].weight, m["conv1"].bias
    x = F.relu(p("turned", F.conv2d(x, w, b, padding=1), F.conv2d(x, w.transpose(0, 1), b, padding=1),
        F.conv_transpose2d(x, w, b, padding=1), F.conv2d(x, w, b, padding=2, dilation=2)))  # fmt: skip
    x, w, b = x.mean((2, 3)), m["fc0"].weight, m["fc0"].bias
    x = torch.tanh(p("matrix", F.linear(x, w, b), F.linear(x, w.t(), b), x @ w + b, F.linear(x, w.abs(), b),
        F.linear(x, torch.round(w * 32) / 32, b), F.linear(x, w + torch.eye(8, dtype=w.dtype), b),
        F.linear(x, F.dropout(w, 0.1, True), b), F.linear(x, w / (1 + w.norm() * 1e-2), b)))  # fmt: skip
    w, b = m["fc1"].weight, m["fc1"].bias
    return p("last", torch.addmm(b, x, w.t()), torch.addmm(b, x, w.t(), beta=0), torch.baddbmm(b.expand(1, len(x), 8),
        x[None], w.t()[None], alpha=0.9)[0], F.bilinear(x, x, w.expand(8, 8, 8), b), F.linear(x, w, b[:1]))  # fmt: skip


# --- attended: attention and norms as functions -----------------------------------------------------------------------
def _attended(g: GraphBuilder) -> Any:
    x = g.input(shape=(None, 6, 8))
    q, k, v = (flat(g, x, 8, 8, name) for name in ("query", "key", "value"))
    scores = g.node("multiply", g.node("matmul", q, g.node("transpose", k, axes=(0, 2, 1))), 8**-0.5)
    y = flat(g, g.node("matmul", g.node("softmax", scores, axis=-1), v), 8, 8, "out")
    x = norm(g, g.add(x, y), 8, "ln")
    return flat(g, g.node("gelu", flat(g, x, 12, 8, "up")), 8, 12, "down")


def _attended_layers(p: Pick) -> dict[str, Any]:
    layers: dict[str, Any] = {name: nn.Linear(8, 8) for name in ("query", "key", "value", "out")}
    return {**layers, "ln": nn.LayerNorm(8), "up": nn.Linear(8, 12), "down": nn.Linear(12, 8)}


def _attended_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    q, k, v = m["query"](x), m["key"](x), m["value"](x)
    options = p("attention", {}, {"is_causal": True}, {"scale": 0.5}, {"dropout_p": 0.2}, {"scale": 8**-0.49})
    q, k = p("angles", (q, k), (F.normalize(q, dim=-1), k), (q, k - k.mean(1, keepdim=True) * 1.5), (q.flip(1), k))
    own = torch.eye(6, dtype=q.dtype)
    mask = p("mask", None, own[5:] * -3, own * 0.1)
    mask = None if "is_causal" in options else mask
    y = m["out"](F.scaled_dot_product_attention(q, k, v, attn_mask=mask, **options))
    z, ln = x + y, m["ln"]
    x = p(
        "norm",
        ln(z),
        F.rms_norm(z, (8,), ln.weight) + ln.bias,
        (z - z.mean(-1, keepdim=True)) / z.std(-1, keepdim=True) * ln.weight + ln.bias,
        F.layer_norm(z, (6, 8)) * ln.weight + ln.bias,
        (z - z.mean(-1, keepdim=True)) / (z.var(-1, correction=0, keepdim=True).sqrt() + 1e-3) * ln.weight + ln.bias,
    )
    y = m["up"](x)
    y = p("gelu", F.gelu(y), 0.5 * y * (1 + torch.tanh(0.79788456 * (y + 0.044715 * y**3))), F.glu(y.repeat(1, 1, 2)))
    y = m["down"](y)
    return p("end", y, y.swapaxes(1, 2).reshape(y.shape), y.softmax(-1).log(), y + 1e-3 * y.norm(), y.unique())


# --- volumes: three spatial axes --------------------------------------------------------------------------------------
def _volumes(g: GraphBuilder) -> Any:
    x = g.relu(g.conv(g.input(shape=(None, 2, 6, 8, 8)), 4, 3, bias=True, rank=3, name="conv0"))
    window = {"kernel_size": (2, 2, 2), "stride": (2, 2, 2), "padding": (0, 0, 0), "rounding": "down"}
    x = g.node("max_pool", x, layout="channels_first", **window)
    x = g.node("tanh", g.bn(g.conv(x, 4, (1, 3, 3), bias=True, rank=3, name="conv1"), name="bn1"))
    x = mean_of(g, x, 2, 3, 4)
    return flat(g, x, 3, 4, "fc")


def _volumes_layers(p: Pick) -> dict[str, Any]:
    return {
        "conv0": nn.Conv3d(2, 4, 3, padding=1),
        "conv1": nn.Conv3d(4, 4, (1, 3, 3), padding=(0, 1, 1), padding_mode=p("mode", "zeros", "circular")),
        "bn1": nn.BatchNorm3d(4, eps=p("eps", 1e-5, 1e-3), track_running_stats=p("statistics", True, False)),
        "fc": nn.Linear(4, 3),
    }


def _volumes_forward(m: Any, p: Pick, x: torch.Tensor) -> Any:
    x = p("input", x, x.flip(2), x.transpose(3, 4), x[:, [1, 0]], x.diff(dim=2, prepend=x[:, :, :1]))
    x = F.relu(m["conv0"](x))
    x = p("pool", F.max_pool3d(x, 2), F.avg_pool3d(x, 2), F.max_pool3d(x, (1, 2, 2), (2, 2, 2)), -F.max_pool3d(-x, 2))
    x = torch.tanh(m["bn1"](m["conv1"](p("slices", x, x.roll(1, 2), x.cumsum(2), x.flip(2) + 0 * x))))
    y = x.mean((3, 4))
    x = p("reduced", x.mean((2, 3, 4)), y.amax(2), y[:, :, 0], x.norm(dim=(3, 4)).mean(2))
    y = m["fc"](x)
    return p("end", y, y.softmax(0), y - y.logsumexp(1, keepdim=True), y.erf(), torch.lerp(y, y.flip(1), 0.01))


# --- selected: conditions, indices, sorting ---------------------------------------------------------------------------
def _selected(g: GraphBuilder) -> Any:
    left, right = g.input("left", shape=(None, 8)), g.input("right", shape=(None, 8))
    a, b = flat(g, left, 8, 8, "one"), g.relu(flat(g, right, 8, 8, "two"))
    y = g.node("maximum", a, b)
    z = g.node("multiply", y, g.node("sigmoid", flat(g, y, 8, 8, "gate")))
    return flat(g, g.node("concatenate", z, g.node("subtract", a, b), axis=1), 4, 16, "head")


def _selected_layers(p: Pick) -> dict[str, Any]:
    return {"one": nn.Linear(8, 8), "two": nn.Linear(8, 8), "gate": nn.Linear(8, 8), "head": nn.Linear(16, 4)}


def _selected_forward(m: Any, p: Pick, left: torch.Tensor, right: torch.Tensor) -> Any:
    a, b = m["one"](left), F.relu(m["two"](p("right", right, right.masked_fill(right > 3, 3.0), right.fmod(2.0))))
    y = p(
        "choice", torch.maximum(a, b), torch.minimum(a, b), torch.where(a > b, b, a), torch.where(a > 0, a, b),
        torch.logaddexp(a, b), torch.fmax(a, b.roll(1, 0)), a.clamp(min=0.0) + b, torch.hypot(a, b),
    )  # fmt: skip
    gathered = y.gather(1, torch.arange(7, -1, -1).expand(len(y), 8))
    gate = m["gate"](p("gate input", y, y.detach() * (1 + 1e-3), gathered)).sigmoid()
    z = p("gated", y * gate, y * (1 - gate), y + gate, gate, y * gate.round(), torch.xlogy(y, gate))
    difference = p("difference", a - b, torch.sub(a, b, alpha=1.01), torch.rsub(a, b), torch.sub(b, a), a - b.flip(0))
    joined = p("joined", (z, difference), (difference, z), (z, z), (z, difference.sort(1)[0]))
    return m["head"](torch.cat(joined, 1))


NETWORKS = (
    *(
        Network(name, globals()[f"_{name}"], globals()[f"_{name}_layers"], globals()[f"_{name}_forward"], images(*size))
        for name, size in (
            ("hooked", (3, 16, 16)),
            ("written", (3, 16, 16)),
            ("cast", (16,)),
            ("repeated", (3, 16, 16)),
            ("windows", (3, 16, 16)),
            ("scaled", (3, 8, 8)),
            ("altered", (3, 16, 16)),
            ("attended", (6, 8)),
            ("volumes", (2, 6, 8, 8)),
        )
    ),
    Network(
        "selected",
        _selected,
        _selected_layers,
        _selected_forward,
        lambda generator, scale: tuple(torch.randn(2, 8, generator=generator) * scale for _ in range(2)),
    ),
)
