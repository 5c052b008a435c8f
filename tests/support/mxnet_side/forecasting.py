"""Forecasting networks of GluonTS, trained for two batches and exported by Gluon; each function returns the inputs."""

from __future__ import annotations

import warnings
from functools import partial
from importlib import import_module
from typing import Any, Callable, Mapping

import numpy as np

SAMPLES = {"num_parallel_samples": 3}
SHORT = {"context_length": 8}

ESTIMATORS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "simple_feedforward": ("simple_feedforward.SimpleFeedForwardEstimator", {**SHORT, **SAMPLES}),
    "deepar": ("deepar.DeepAREstimator", {**SHORT, **SAMPLES}),
    "deepvar": ("deepvar.DeepVAREstimator", {**SHORT, **SAMPLES, "target_dim": 2, "rank": 1}),
    "deep_factor": ("deep_factor.DeepFactorEstimator", {**SHORT, **SAMPLES}),
    "canonical_rnn": ("canonical.CanonicalRNNEstimator", {**SHORT, **SAMPLES}),
    "transformer": ("transformer.TransformerEstimator", {**SHORT, **SAMPLES}),
    "wavenet": (
        "wavenet.WaveNetEstimator",
        {**SAMPLES, "num_bins": 32, "embedding_dimension": 3, "n_residue": 6, "n_skip": 6, "dilation_depth": 2},
    ),
    "lstnet": (
        "lstnet.LSTNetEstimator",
        {"context_length": 12, "num_series": 1, "skip_size": 2, "ar_window": 4, "channels": 6, "kernel_size": 3},
    ),
    "n_beats": ("n_beats.NBEATSEstimator", {**SHORT, "num_stacks": 3, "widths": [16]}),
    "mqcnn": ("seq2seq.MQCNNEstimator", SHORT),
    "mqrnn": ("seq2seq.MQRNNEstimator", SHORT),
    "temporal_fusion_transformer": (
        "tft.TemporalFusionTransformerEstimator",
        {**SHORT, "hidden_dim": 8, "num_heads": 2},
    ),
}

SERIES = {"deepvar": 2, "lstnet": 1}
"""Number of series that a multivariate model forecasts."""


def _save(name: str, prefix: str) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _exported(name, prefix)


def _exported(name: str, prefix: str) -> dict[str, np.ndarray]:
    import mxnet as mx
    import pandas
    from gluonts.dataset.common import ListDataset
    from gluonts.dataset.loader import InferenceDataLoader
    from gluonts.mx.batchify import batchify
    from gluonts.mx.trainer import Trainer

    mx.random.seed(0)
    np.random.seed(0)
    path, options = ESTIMATORS[name]
    module, _, kind = path.partition(".")
    estimator = getattr(import_module(f"gluonts.model.{module}"), kind)(
        freq="D", prediction_length=4, trainer=Trainer(epochs=1, num_batches_per_epoch=2), **options
    )
    shape = (SERIES[name], 80) if name in SERIES else (80,)
    series = [{"start": pandas.Timestamp("2020-01-01"), "target": np.random.rand(*shape) + 1} for _ in range(2)]
    dataset = ListDataset([{**one, "feat_static_cat": [0]} for one in series], "D", one_dim_target=name not in SERIES)
    predictor = estimator.train(dataset)
    batch = next(
        iter(InferenceDataLoader(dataset, transform=predictor.input_transform, batch_size=2, stack_fn=batchify))
    )
    inputs = [batch[key] for key in predictor.input_names]
    network = predictor.prediction_net
    network.hybridize()
    network(*inputs)
    network.export(prefix)
    names = ["data"] if len(inputs) == 1 else [f"data{number}" for number in range(len(inputs))]
    used = mx.sym.load(f"{prefix}-symbol.json").list_inputs()
    return {key: array.asnumpy() for key, array in zip(names, inputs) if key in used}


MODELS: Mapping[str, Callable[[str], dict[str, np.ndarray]]] = {name: partial(_save, name) for name in ESTIMATORS}
