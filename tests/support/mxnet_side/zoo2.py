"""Models of MXNet 2: its vision zoo, recurrent networks and transformers, as ``HybridBlock.export`` of 2.0 writes them.

A model is called ``mxnet2/NAME``. It gets random parameters, is exported, and is captured from the exported files.
"""

from __future__ import annotations

import inspect
import json
from fnmatch import fnmatch
from typing import Any, Callable, Dict

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock, nn, rnn
from mxnet.gluon.model_zoo import vision

import mxnet_capture
from mxnet_side import models

Inputs = Dict[str, np.ndarray]

STEPS, BATCH, FEATURES, HIDDEN, WORDS, UNITS, HEADS = 5, 3, 6, 8, 20, 16, 4

# The first that matches counts: the smallest sizes that the architectures allow, or a little more.
IMAGES = (
    ("inception_v3", (1, 3, 299, 299)),
    ("densenet*", (1, 3, 224, 224)),
    ("squeezenet*", (1, 3, 224, 224)),
    ("*", (2, 3, 64, 64)),
)


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def words(*shape: int) -> np.ndarray:
    return np.random.RandomState(0).randint(0, WORDS, shape).astype("float32")


def _sequential(*blocks: HybridBlock) -> HybridBlock:
    network = nn.HybridSequential()
    network.add(*blocks)
    return network


class LanguageModel(HybridBlock):
    """Embed words, run a recurrent layer, and score every word of the vocabulary at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, FEATURES)
        self.encoder = rnn.LSTM(HIDDEN, 2, input_size=FEATURES, dropout=0.1)
        self.decoder = nn.Dense(WORDS, flatten=False)

    def forward(self, data: Any) -> Any:
        return self.decoder(self.encoder(self.embedding(data)))


class LastStep(HybridBlock):
    """Classify sequences by the last state of a recurrent layer."""

    def __init__(self, layer: HybridBlock) -> None:
        super().__init__()
        self.layer, self.output = layer, nn.Dense(4)

    def forward(self, data: Any) -> Any:
        return self.output(self.layer(data)[:, -1])


class WithStates(HybridBlock):
    """Run a recurrent layer from given states."""

    def __init__(self, layer: HybridBlock) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, data: Any, *states: Any) -> Any:
        return self.layer(data, list(states))


class Unrolled(HybridBlock):
    """Unroll a cell over batches whose second axis is time."""

    def __init__(self, cell: rnn.HybridRecurrentCell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, data: Any) -> Any:
        return self.cell.unroll(STEPS, data, layout="NTC", merge_outputs=True)[0]


def _stacked_cells() -> HybridBlock:
    cell = rnn.HybridSequentialRNNCell()
    cell.add(rnn.LSTMCell(FEATURES, input_size=FEATURES))
    cell.add(rnn.DropoutCell(0.1))
    cell.add(rnn.ResidualCell(rnn.GRUCell(FEATURES, input_size=FEATURES)))
    return Unrolled(cell)


class Attention(HybridBlock):
    """Attend with several heads, from one sequence to another, where ``mask`` is true."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Dense(UNITS, flatten=False) for _ in range(4))

    def forward(self, data: Any, memory: Any, mask: Any) -> Any:
        np, npx = mx.np, mx.npx
        query, key, value = (
            np.transpose(npx.reshape(x, (-2, -2, HEADS, -1)), (0, 2, 1, 3))
            for x in (self.query(data), self.key(memory), self.value(memory))
        )
        scores = np.matmul(query, np.swapaxes(key, 2, 3)) / (UNITS // HEADS) ** 0.5
        mixed = np.matmul(npx.masked_softmax(scores, mask, axis=-1), value)
        return self.output(npx.reshape(np.transpose(mixed, (0, 2, 1, 3)), (-2, -2, -1)))


class FeedForward(HybridBlock):
    """Apply the two dense layers of a transformer block, with GELU between them."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Dense(4 * UNITS, flatten=False), nn.Dense(UNITS, flatten=False)

    def forward(self, data: Any) -> Any:
        return self.outer(mx.npx.leaky_relu(self.inner(data), act_type="gelu"))


class EncoderBlock(HybridBlock):
    """Apply attention and the dense layers, each added to its input and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.dense = Attention(), FeedForward()
        self.first, self.second = nn.LayerNorm(), nn.LayerNorm()

    def forward(self, data: Any, mask: Any) -> Any:
        data = self.first(data + self.attention(data, data, mask))
        return self.second(data + self.dense(data))


class Encoder(HybridBlock):
    """Encode sentences of different lengths, given the positions of their words as well."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(WORDS, UNITS), nn.Embedding(STEPS + 2, UNITS)
        self.blocks = [EncoderBlock(), EncoderBlock()]
        for index, block in enumerate(self.blocks):
            self.register_child(block, f"block{index}")

    def forward(self, data: Any, length: Any) -> Any:
        np, npx = mx.np, mx.npx
        steps = npx.arange_like(data, axis=1)
        mask = np.expand_dims(steps, 0) < np.expand_dims(length, 1)
        mask = npx.reshape(mask, (-2, 1, 1, -1))
        data = self.words(data) + np.expand_dims(self.positions(steps), 0)
        for block in self.blocks:
            data = block(data, mask)
        return npx.sequence_mask(data, length, use_sequence_length=True, axis=1)


class DecoderBlock(HybridBlock):
    """Attend to earlier steps and to a memory; each part normalises its input."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.other, self.dense = Attention(), Attention(), FeedForward()
        self.first, self.second, self.third = (nn.LayerNorm() for _ in range(3))

    def forward(self, data: Any, memory: Any) -> Any:
        np, npx = mx.np, mx.npx
        rows, columns = npx.arange_like(data, axis=1), npx.arange_like(memory, axis=1)
        earlier = np.expand_dims(rows, 0) <= np.expand_dims(rows, 1)
        all_of_memory = np.expand_dims(columns, 0) >= np.expand_dims(np.zeros_like(rows), 1)
        normed = self.first(data)
        data = data + self.own(normed, normed, np.expand_dims(np.expand_dims(earlier, 0), 0))
        data = data + self.other(self.second(data), memory, np.expand_dims(np.expand_dims(all_of_memory, 0), 0))
        return data + self.dense(self.third(data))


class InterleavedEncoder(HybridBlock):
    """Attend with one projection whose rows interleave queries, keys and values; time is the first axis."""

    def __init__(self) -> None:
        super().__init__()
        self.projection, self.output = nn.Dense(3 * UNITS, flatten=False), nn.Dense(UNITS, flatten=False)
        self.norm, self.dense = nn.LayerNorm(), FeedForward()

    def forward(self, data: Any) -> Any:
        npx = mx.npx
        projected = self.projection(data)
        weights = npx.softmax(npx.interleaved_matmul_selfatt_qk(projected, heads=HEADS), axis=-1)
        mixed = npx.interleaved_matmul_selfatt_valatt(projected, weights, heads=HEADS)
        return self.dense(self.norm(data + self.output(mixed)))


TIME_FIRST = (values(STEPS, BATCH, FEATURES),)
BATCH_FIRST = (values(BATCH, STEPS, FEATURES),)
STATE, CELL = values(2, BATCH, HIDDEN), values(2, BATCH, HIDDEN, seed=1)
KNOWN: dict[str, Any] = {"input_size": FEATURES}

BUILT: dict[str, tuple[Callable[[], HybridBlock], tuple[np.ndarray, ...]]] = {
    "lstm": (lambda: LastStep(rnn.LSTM(HIDDEN, 2, "NTC", **KNOWN)), BATCH_FIRST),
    "lstm_both_ways": (lambda: LastStep(rnn.LSTM(HIDDEN, 2, "NTC", bidirectional=True, **KNOWN)), BATCH_FIRST),
    "lstm_projected": (lambda: _sequential(rnn.LSTM(HIDDEN, projection_size=4, **KNOWN)), TIME_FIRST),
    "lstm_states": (lambda: WithStates(rnn.LSTM(HIDDEN, 2, **KNOWN)), (*TIME_FIRST, STATE, CELL)),
    "gru": (lambda: LastStep(rnn.GRU(HIDDEN, 3, "NTC", **KNOWN)), BATCH_FIRST),
    "gru_both_ways": (lambda: _sequential(rnn.GRU(HIDDEN, 2, bidirectional=True, **KNOWN)), TIME_FIRST),
    "gru_states": (lambda: WithStates(rnn.GRU(HIDDEN, 2, **KNOWN)), (*TIME_FIRST, STATE)),
    "rnn_relu": (lambda: LastStep(rnn.RNN(HIDDEN, 2, "relu", "NTC", **KNOWN)), BATCH_FIRST),
    "rnn_tanh_both_ways": (lambda: _sequential(rnn.RNN(HIDDEN, 2, "tanh", bidirectional=True, **KNOWN)), TIME_FIRST),
    "language_model": (LanguageModel, (words(STEPS, BATCH),)),
    "lstm_cell": (lambda: Unrolled(rnn.LSTMCell(HIDDEN, **KNOWN)), BATCH_FIRST),
    "stacked_cells": (_stacked_cells, BATCH_FIRST),
    "cells_both_ways": (
        lambda: Unrolled(rnn.BidirectionalCell(rnn.GRUCell(HIDDEN, **KNOWN), rnn.GRUCell(HIDDEN, **KNOWN))),
        BATCH_FIRST,
    ),
    "transformer_encoder": (Encoder, (words(2, STEPS + 2), np.array([7, 4], "float32"))),
    "transformer_decoder": (DecoderBlock, (values(2, 7, UNITS), values(2, 5, UNITS, seed=1))),
    "transformer_interleaved": (InterleavedEncoder, (values(7, 2, UNITS),)),
}


def names() -> list[str]:
    """Return the names of all models."""
    functions = (name for name, function in vars(vision).items() if inspect.isfunction(function))
    networks = sorted(name for name in functions if not name.startswith("get_"))
    return [f"mxnet2/{name}" for name in (*networks, *BUILT)]


def version() -> str:
    """Return the version of MXNet."""
    return str(mx.__version__)


@mx.util.use_np
def make(name: str, prefix: str, golden: str, seed: int = 0) -> dict[str, Any]:
    """Export a model and write its golden file; return a description as :func:`mxnet_side.zoo.make` does."""
    network, inputs, others = _network(name.partition("/")[2])
    network.initialize()
    network(*map(mx.np.array, inputs.values()))  # completes the shapes of parameters
    random = np.random.default_rng(seed)
    for key, parameter in network.collect_params().items():
        parameter.set_data(mx.np.array(_random_parameter(key, parameter.shape, random)))
    _calibrate(network, others, seed)

    def run(given: Inputs) -> list[np.ndarray]:
        return [output.asnumpy() for output in mxnet_capture._leaves(network(*map(mx.np.array, given.values())))]

    network.hybridize()
    run(inputs)
    network.export(prefix)
    np.savez(f"{prefix}-inputs.npz", **inputs)
    files = [f"--symbol={prefix}-symbol.json", f"--params={prefix}-0000.params", f"--input={prefix}-inputs.npz"]
    if mxnet_capture.main(["run", *files, f"--output={golden}"]):
        raise RuntimeError(f"no golden file can be made of {name}")
    with open(f"{prefix}-symbol.json") as file:
        operators = [node["op"] for node in json.load(file)["nodes"] if node["op"] != "null"]
    return {
        "operators": operators,
        "shapes": {key: array.shape for key, array in inputs.items()},
        "unwritten": [],
        "stable": True,
        "sensitivity": 0.0 if name.partition("/")[2] in BUILT else models.sensitivity(run, inputs),
        "nudge": models.NUDGE,
    }


def _network(name: str) -> tuple[HybridBlock, Inputs, Inputs]:
    """Return a network, its inputs by their names in the export, and inputs for its statistics."""
    if name in BUILT:
        build, arrays = BUILT[name]
        keys = ["data"] if len(arrays) == 1 else [f"data{index}" for index in range(len(arrays))]
        inputs = dict(zip(keys, arrays))
        return build(), inputs, inputs
    shape = next(shape for pattern, shape in IMAGES if fnmatch(name, pattern))
    return getattr(vision, name)(), {"data": values(*shape)}, {"data": values(*shape, seed=1)}


def _random_parameter(name: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    if name.endswith("rnn_param"):  # all weights and biases of a recurrent layer
        return random.uniform(-0.4, 0.4, shape).astype(np.float32)
    if name.endswith("running_var"):
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    return models.random_parameter(name, shape, random)


def _calibrate(network: HybridBlock, inputs: Inputs, seed: int) -> None:
    """Set the statistics of each BatchNorm from its inputs, as :func:`mxnet_side.models.calibrate` does."""
    arrays = [mx.np.array(value) for value in inputs.values()]
    network.hybridize()
    network(*arrays)
    nodes = json.loads(network.export(None)[0].tojson())["nodes"]
    network.hybridize(False)
    branches = models.residual_branches(nodes)
    norms = [node for node in nodes if node["op"] == "BatchNorm"]
    is_branch = {nodes[node["inputs"][3][0]]["name"]: node["name"] in branches for node in norms}
    random = np.random.default_rng(seed)
    parameters = {id(parameter): key for key, parameter in network.collect_params().items()}

    def observe(block: Any, given: Any) -> None:
        key = parameters[id(block.running_mean)]
        mean, variance = models.statistics_of(given[0].asnumpy(), block._axis, is_branch.pop(key), random)
        block.running_mean.set_data(mx.np.array(mean.astype(np.float32)))
        block.running_var.set_data(mx.np.array(variance.astype(np.float32)))

    hooks: list[Any] = []

    def attach(block: Any) -> None:
        if isinstance(block, nn.BatchNorm):
            hooks.append(block.register_forward_pre_hook(observe))

    network.apply(attach)
    network(*arrays)
    for hook in hooks:
        hook.detach()
    if is_branch:
        raise RuntimeError(f"no values have been seen of {', '.join(is_branch)}")
