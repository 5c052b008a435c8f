"""Whole models in real MXNet, saved with random parameters, and their golden files."""

from __future__ import annotations

from typing import Any, Mapping

import mxnet as mx
import numpy as np

import mxnet_capture


def randomise(symbol: mx.sym.Symbol, shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> tuple[dict, dict]:
    """Parameters for a symbol such that values stay in a sane range through many layers: scaled weights, statistics
    that are not the initial ones, slopes and gammas around their usual values."""
    random = np.random.RandomState(seed)
    arg_shapes, _, aux_shapes = symbol.infer_shape(**shapes)
    arguments = {}
    for name, shape in zip(symbol.list_arguments(), arg_shapes):
        if name in shapes or name.endswith("label"):
            continue
        if name.endswith(("gamma", "alpha")):
            value = random.uniform(0.2, 0.9, shape) if "relu" in name else random.uniform(0.7, 1.3, shape)
        elif name.endswith(("beta", "bias")):
            value = random.normal(0, 0.1, shape)
        else:
            fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else shape[0]
            value = random.normal(0, np.sqrt(2 / max(fan_in, 1)), shape)
        arguments[name] = mx.nd.array(value.astype(np.float32))
    auxiliary = {}
    for name, shape in zip(symbol.list_auxiliary_states(), aux_shapes):
        value = random.uniform(0.5, 1.5, shape) if name.endswith("var") else random.normal(0, 0.1, shape)
        auxiliary[name] = mx.nd.array(value.astype(np.float32))
    return arguments, auxiliary


def save(symbol: mx.sym.Symbol, arguments: dict, auxiliary: dict, prefix: str) -> None:
    mx.model.save_checkpoint(prefix, 0, symbol, arguments, auxiliary)


def capture(prefix: str, inputs: Mapping[str, np.ndarray], golden: str, epoch: int = 0) -> None:
    """The golden file of a checkpoint for given inputs."""
    mxnet_capture.capture(mx.model.load_checkpoint(prefix, epoch), dict(inputs), golden)


def resnet20_face(prefix: str, golden: str) -> None:
    """The 20-layer face network: four stages, PReLU everywhere, bias only in each stage's first convolution."""

    def relu(x: Any, name: str) -> Any:
        return mx.sym.LeakyReLU(x, act_type="prelu", name=f"relu{name}")

    def convolution(x: Any, name: str, channels: int) -> Any:
        x = mx.sym.Convolution(x, num_filter=channels, kernel=(3, 3), pad=(1, 1), no_bias=True, name=f"conv{name}")
        return relu(mx.sym.BatchNorm(x, fix_gamma=False, eps=1e-5, name=f"bn{name}"), name)

    x = mx.sym.var("data")
    for stage, (channels, units) in enumerate(((16, 1), (32, 2), (64, 4), (128, 1)), 1):
        first = f"{stage}_1"
        x = mx.sym.Convolution(x, num_filter=channels, kernel=(3, 3), stride=(2, 2), pad=(1, 1), name=f"conv{first}")
        x = relu(x, first)
        for unit in range(units):
            inner = convolution(x, f"{stage}_{2 + 2 * unit}", channels)
            x = x + convolution(inner, f"{stage}_{3 + 2 * unit}", channels)
    symbol = mx.sym.FullyConnected(x, num_hidden=128, name="fc5")
    shapes = {"data": (2, 3, 112, 96)}
    save(symbol, *randomise(symbol, shapes), prefix)
    capture(prefix, {"data": np.random.RandomState(1).normal(0, 1, shapes["data"]).astype(np.float32)}, golden)
