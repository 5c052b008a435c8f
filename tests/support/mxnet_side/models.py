"""Whole models in real MXNet, saved with random parameters, and their golden files."""

from __future__ import annotations

import ctypes
import json
from typing import Any, Callable, Dict, Mapping, Sequence

import mxnet as mx
import numpy as np
from mxnet.base import NDArrayHandle

import mxnet_capture

Arrays = Dict[str, mx.nd.NDArray]


def randomise(
    symbol: mx.sym.Symbol, shapes: Mapping[str, tuple[int, ...]], seed: int = 0, constants: Mapping[str, Any] = {}
) -> tuple[Arrays, Arrays]:
    """Return random parameters that keep the values of a deep network in range.

    Weights are scaled by their fan-in, statistics differ from the initial ones, slopes and gammas are near their usual
    values. ``constants`` are kept.
    """
    random = np.random.default_rng(seed)
    arg_shapes, _, aux_shapes = symbol.infer_shape(**shapes)
    arguments: Arrays = {}
    for name, shape in zip(symbol.list_arguments(), arg_shapes):
        if name in constants:
            arguments[name] = constants[name]
        elif name not in shapes and not name.endswith("label"):
            arguments[name] = mx.nd.array(random_parameter(name, shape, random))
    auxiliary = {}
    for name, shape in zip(symbol.list_auxiliary_states(), aux_shapes):
        value = random.uniform(0.5, 1.5, shape) if name.endswith("var") else random.normal(0, 0.1, shape)
        auxiliary[name] = mx.nd.array(value.astype(np.float32))
    return arguments, auxiliary


def random_parameter(name: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Return random values for a parameter, by its name, as :func:`randomise` describes them."""
    if name.endswith(("gamma", "alpha")):
        low, high = (0.2, 0.9) if "relu" in name else (0.7, 1.3)
        return random.uniform(low, high, shape).astype(np.float32)
    scale = 0.1
    if not name.endswith(("beta", "bias")):
        scale = np.sqrt(2 / max(int(np.prod(shape[1:])) if len(shape) > 1 else shape[0], 1))
    return random.standard_normal(shape, np.float32) * np.float32(scale)


def calibrate(
    symbol: mx.sym.Symbol, arguments: Arrays, auxiliary: Arrays, inputs: Mapping[str, np.ndarray], seed: int = 0
) -> Arrays:
    """Return statistics for the BatchNorms of a deep network that keep every activation near 1.

    Without, activations grow from block to block until exponentials overflow and sigmoids are steps. What goes into
    each BatchNorm is observed while the network runs, and its statistics are set before it computes. As training would,
    they keep differences, rounding too, from growing layer by layer: what is added to a shortcut is small, and means
    are not taken away (to centre all features of a random network enlarges differences by a fifth in each layer).
    """
    random = np.random.default_rng(seed)
    internals = symbol.get_internals()
    document = json.loads(internals.tojson())
    names = {tuple(head[:2]): name for head, name in zip(document["heads"], internals.list_outputs())}
    norms: dict[str, list] = {}
    for node in document["nodes"]:
        if "BatchNorm" in node["op"]:
            norms.setdefault(names[tuple(node["inputs"][0][:2])], []).append(node)
    branches = residual_branches(document["nodes"])
    shapes = dict(zip(symbol.list_arguments(), symbol.infer_shape(**{k: v.shape for k, v in inputs.items()})[0]))
    known = {name: mx.nd.zeros(shape) for name, shape in shapes.items() if name not in arguments}  # labels
    known.update(arguments)
    known.update((name, mx.nd.array(value)) for name, value in inputs.items())
    statistics = {name: value.copy() for name, value in auxiliary.items()}

    def observe(name: str, array: mx.nd.NDArray) -> None:
        for node in norms.pop(name, ()):
            axis = int(node.get("attrs", {}).get("axis", 1))
            of_node = statistics_of(array.asnumpy(), axis, node["name"] in branches, random)
            for entry, value in zip(node["inputs"][3:5], of_node):
                statistics[document["nodes"][entry[0]]["name"]][:] = value

    for name, value in inputs.items():
        observe(name, mx.nd.array(value))
    executor = symbol.bind(mx.cpu(), known, grad_req="null", aux_states=statistics)
    executor.set_monitor_callback(
        lambda name, handle: observe(name.decode(), mx.nd.NDArray(ctypes.cast(handle, NDArrayHandle), writable=False))
    )
    for output in executor.forward(is_train=False):
        output.wait_to_read()
    if norms:
        raise RuntimeError(f"no values have been seen of {', '.join(norms)}")
    return statistics


def statistics_of(
    values: np.ndarray, axis: int, is_branch: bool, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a mean and a variance per channel for the BatchNorm of given values, as :func:`calibrate` sets them."""
    values = np.moveaxis(values, axis, 0)
    values = values.reshape(len(values), -1).astype(np.float64)
    mean = 0.1 * np.sqrt(np.square(values).mean(1)) * random.standard_normal(len(values))
    variance = np.square(values - mean[:, None]).mean(1) * random.uniform(0.8, 1.25, mean.shape) + 1e-3
    return mean, variance * 25 if is_branch else variance


def residual_branches(nodes: list[dict[str, Any]]) -> set[str]:
    """Return the BatchNorms whose output is added to another operator's output."""
    branches = set()
    for node in nodes:
        if node["op"] in ("elemwise_add", "broadcast_add", "_Plus", "_plus", "_npi_add"):
            added = [nodes[entry[0]] for entry in node["inputs"]]
            norms = [each["name"] for each in added if "BatchNorm" in each["op"]]
            branches.update(norms if len(norms) == 1 else ())
    return branches


NUDGE = 1e-6
"""Relative change of each input value in the measurement of a network's sensitivity to rounding."""


DIRECTIONS = 8
"""Random directions in which the inputs move."""


def sensitivity(
    run: Callable[[Mapping[str, np.ndarray]], Sequence[np.ndarray]], inputs: Mapping[str, np.ndarray]
) -> float:
    """Return how far the outputs move at most, relative to their magnitude, if the inputs move by :data:`NUDGE`."""
    random = np.random.default_rng(1)
    recorded = run(inputs)
    most = 0.0
    for _ in range(DIRECTIONS):
        moved = {k: v * (1 + NUDGE * random.choice([-1, 1], v.shape)).astype("float32") for k, v in inputs.items()}
        pairs = zip(recorded, run(moved))
        most = max(most, *(float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-6)) for a, b in pairs))
    return most


def save(symbol: mx.sym.Symbol, arguments: dict, auxiliary: dict, prefix: str) -> None:
    mx.model.save_checkpoint(prefix, 0, symbol, arguments, auxiliary)


def capture(prefix: str, inputs: Mapping[str, np.ndarray], golden: str, epoch: int = 0) -> None:
    """Write the golden file of a checkpoint for given inputs."""
    mxnet_capture.capture(mx.model.load_checkpoint(prefix, epoch), dict(inputs), golden)


def resnet20_face(prefix: str, golden: str) -> None:
    """Build the 20-layer face network: four stages, PReLU everywhere, bias only in each stage's first convolution."""

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


def load_dense(path: str) -> dict[str, np.ndarray]:
    """Return the arrays of a file, sparse ones as dense ones."""
    return {name: array.tostype("default").asnumpy() for name, array in mx.nd.load(path).items()}


def capture_files(symbol: str, params: str, shapes: Mapping[str, tuple[int, ...]], golden: str, seed: int = 0) -> None:
    """Write the golden file of a symbol and a parameter file, for random inputs of the given shapes."""
    inputs = [f"--shape={name}={','.join(map(str, shape))}" for name, shape in shapes.items()]
    arguments = ["run", f"--symbol={symbol}", f"--params={params}", f"--output={golden}", f"--seed={seed}", *inputs]
    if mxnet_capture.main(arguments):
        raise ValueError(f"no golden file can be made of {symbol} and {params}")


def capture_symbol(
    symbol: str, shapes: Mapping[str, tuple[int, ...]], prefix: str, golden: str, integers: Mapping[str, int] = {}
) -> None:
    """Write a checkpoint of a symbol file with random parameters, and its golden file.

    ``integers`` gives for inputs that hold whole numbers how many there are.
    """
    loaded = mx.sym.load(symbol)
    random = np.random.default_rng(0)
    inputs = {
        name: random.integers(0, integers[name], shape).astype(np.float32)
        if name in integers
        else random.standard_normal(shape, np.float32)
        for name, shape in shapes.items()
    }
    arguments, auxiliary = randomise(loaded, shapes)
    if auxiliary:
        auxiliary = calibrate(loaded, arguments, auxiliary, inputs)
    save(loaded, arguments, auxiliary, prefix)
    mxnet_capture.capture((loaded, arguments, auxiliary), inputs, golden)
