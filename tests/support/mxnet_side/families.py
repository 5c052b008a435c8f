"""Models of families other than vision: recurrent ones, transformers, loops, regions, forecasts.

A model is named by its family and its name in the family: ``sequences/gluon_lstm``, ``gluonts/deepar``. The models of
GluonNLP and GluonTS are available if these packages are installed.
"""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from typing import Any, Callable, Dict

import numpy as np

from mxnet_side import control, forecasting, language, models, nlp, numpy_mode, quantised, recurrent, regions

Inputs = Dict[str, np.ndarray]


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def words(count: int, *shape: int) -> np.ndarray:
    return np.random.RandomState(0).randint(0, count, shape).astype("float32")


STEPS, BATCH, FEATURES, HIDDEN, UNITS = 5, 3, recurrent.FEATURES, recurrent.HIDDEN, language.UNITS
TIME_FIRST = {"data": values(STEPS, BATCH, FEATURES)}
BATCH_FIRST = {"data": values(BATCH, STEPS, FEATURES)}
BUCKET = {"data": words(20, BATCH, STEPS), "softmax_label": np.zeros((BATCH, STEPS), "float32")}
LENGTHS = np.array([7, 4], "float32")
SIZES = np.array([[64, 80, 1], [60, 70, 1.5]], "float32")

SEQUENCES: dict[str, Inputs] = {
    "gluon_lstm": BATCH_FIRST,
    "gluon_gru_both_ways": TIME_FIRST,
    "gluon_projected": TIME_FIRST,
    "gluon_states": {**TIME_FIRST, "h": values(1, BATCH, HIDDEN), "c": values(1, BATCH, HIDDEN, seed=1)},
    "language_model": {"data": words(20, STEPS, BATCH)},
    "lstm_cell": BATCH_FIRST,
    "stacked_cells": BATCH_FIRST,
    "valid_length": {**BATCH_FIRST, "length": np.array([5, 1, 3], "float32")},
    "encoder_decoder": {**BATCH_FIRST, "start": values(BATCH, FEATURES)},
    "convolutional_cell": {"data": values(BATCH, 3, FEATURES, 7, 5)},
    "bucketing_fused": BUCKET,
    "bucketing_cells": BUCKET,
    "packed": BUCKET,
}

ATTENTION: dict[str, Inputs] = {
    "bert": {"data0": words(30, 2, 7), "data1": words(2, 2, 7), "data2": LENGTHS},
    "encoder": {"data0": values(2, 7, 9), "data1": LENGTHS},
    "decoder": {"data0": words(30, 2, 7), "data1": values(2, 5, UNITS)},
    "interleaved_decoder": {"data0": values(7, 2, UNITS), "data1": values(5, 2, UNITS, seed=1)},
}

CONTROL: dict[str, Inputs] = {
    "elman": {"data": values(5, 2, 3), "h": values(2, 4)},
    "nested": {"data": values(3, 2, 4), "h": values(1, 4)},
    "only_the_state": {"data": values(5, 2, 3), "h": values(2, 3)},
    "choice": {"data": values(2, 3), "threshold": np.array([0.5], "float32")},
    "loop_in_choice": {"data": values(5, 2, 3), "h": values(2, 3), "threshold": np.array([-1e3], "float32")},
}

REGIONS: dict[str, Inputs] = {
    "detector": {"data": values(2, 3, 64, 80), "images": SIZES},
    "transformer": {"data": values(2, 3, 16, 18)},
    "flow": {"first": values(2, 3, 16, 18), "second": values(2, 3, 16, 18, seed=1)},
}


def _saving(module: Any, inputs: dict[str, Inputs]) -> dict[str, Callable[[str], Inputs]]:
    """Return, by name, functions that save a model and return its inputs."""

    def save(name: str) -> Callable[[str], Inputs]:
        def call(prefix: str) -> Inputs:
            if hasattr(module, "run"):
                module.run(name, inputs[name], prefix)
            else:
                getattr(module, name)(prefix, **inputs[name])
            return inputs[name]

        return call

    return {name: save(name) for name in inputs}


def _perceptron(space: Any, a: Any) -> Any:
    x = space.npx.relu(space.npx.fully_connected(a["data"], a["w1"], a["b1"], num_hidden=16))
    return space.npx.softmax(space.npx.fully_connected(x, a["w2"], no_bias=True, num_hidden=5))


def _attention(space: Any, a: Any) -> Any:
    np, npx = space.np, space.npx
    query, key, value = (np.einsum("btc,dc->btd", a["data"], a[name]) for name in ("wq", "wk", "wv"))
    weights = npx.softmax(np.matmul(query, np.swapaxes(key, 1, 2)) / 4.0, axis=-1)
    mixed = np.matmul(np.where(weights > 0.05, weights, np.zeros_like(weights)), value)
    return npx.layer_norm(a["data"] + mixed, a["gamma"], a["beta"], eps=1e-6)


def _convolutional(space: Any, a: Any) -> Any:
    np, npx = space.np, space.npx
    x = npx.convolution(a["data"], a["w1"], a["b1"], kernel=(3, 3), pad=(1, 1), num_filter=8)
    x = npx.leaky_relu(npx.pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max"), act_type="leaky", slope=0.1)
    x = np.concatenate([np.mean(x, axis=(2, 3)), np.max(x, axis=(2, 3))], axis=1)
    return npx.fully_connected(np.tanh(x), a["w2"], a["b2"], num_hidden=5)


NUMPY: dict[str, tuple[Callable[..., Any], dict[str, tuple[int, ...]]]] = {
    "perceptron": (_perceptron, {"data": (3, 9), "w1": (16, 9), "b1": (16,), "w2": (5, 16)}),
    "attention": (
        _attention,
        {"data": (2, 7, 16), "wq": (16, 16), "wk": (16, 16), "wv": (16, 16), "gamma": (16,), "beta": (16,)},
    ),
    "convolutional": (
        _convolutional,
        {"data": (2, 3, 8, 8), "w1": (8, 3, 3, 3), "b1": (8,), "w2": (5, 16), "b2": (5,)},
    ),
}


def _in_numpy_mode(name: str) -> Callable[[str], Inputs]:
    function, shapes = NUMPY[name]

    def save(prefix: str) -> Inputs:
        arrays = {key: values(*shape, seed=seed) / 2 for seed, (key, shape) in enumerate(shapes.items())}
        numpy_mode.run_function(function, arrays, prefix, [key for key in arrays if key != "data"])
        return {"data": arrays["data"]}

    return save


QUANTISED = {
    "dense": ("dense", (4, 10), False),
    "dense_fused": ("dense", (4, 10), True),
    "residual_fused": ("residual", (4, 3, 8, 8), True),
}


def _quantised(name: str) -> Callable[[str], Inputs]:
    network, shape, fused = QUANTISED[name]

    def save(prefix: str) -> Inputs:
        data = np.random.RandomState(1).uniform(-1, 1, shape).astype("float32")
        quantised.run(network, prefix, data, "naive", fused)
        return {"data": data}

    return save


FAMILIES = {
    "sequences": _saving(recurrent, SEQUENCES),
    "attention": _saving(language, ATTENTION),
    "control flow": _saving(control, CONTROL),
    "regions": _saving(regions, REGIONS),
    "numpy mode": {name: _in_numpy_mode(name) for name in NUMPY},
    "int8": {name: _quantised(name) for name in QUANTISED},
    "gluonnlp": nlp.MODELS,
    "gluonts": forecasting.MODELS,
}


def names() -> list[str]:
    """Return the names of the models whose packages are installed."""
    installed = [family for family in FAMILIES if not family.startswith("gluon") or find_spec(family) is not None]
    return [f"{family}/{model}" for family in installed for model in FAMILIES[family]]


def make(name: str, prefix: str, golden: str) -> dict[str, Any]:
    """Save a model's checkpoint and its golden file; return a description as :func:`mxnet_side.zoo.make` does."""
    family, _, model = name.partition("/")
    inputs = FAMILIES[family][model](prefix)
    if os.path.exists(f"{prefix}-golden.safetensors"):  # written with the checkpoint, which MXNet cannot load unchanged
        os.replace(f"{prefix}-golden.safetensors", golden)
    elif family == "numpy mode":  # NumPy mode is recorded in the files
        shapes = {key: array.shape for key, array in inputs.items()}
        models.capture_files(f"{prefix}-symbol.json", f"{prefix}-0000.params", shapes, golden)
    else:
        models.capture(prefix, inputs, golden)
    with open(f"{prefix}-symbol.json") as file:
        operators = [node["op"] for node in json.load(file)["nodes"] if node["op"] != "null"]
    shapes = {key: array.shape for key, array in inputs.items()}
    certain = {"unwritten": [], "stable": True, "sensitivity": 0.0, "nudge": 0.0}
    return {"operators": operators, "shapes": shapes, **certain}
