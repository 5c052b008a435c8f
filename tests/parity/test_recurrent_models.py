"""Whole recurrent models against MXNet: Gluon's layers, unrolled cells, and checkpoints of ``mx.rnn``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
import neutral  # noqa: E402
import neutral_to_mxnet  # noqa: E402
import neutral_to_torch  # noqa: E402
from parity.against import check_checkpoint, to_torch  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")  # torch's note

STEPS, BATCH, FEATURES, HIDDEN = 5, 3, 6, 8


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype("float32")


TIME_FIRST, BATCH_FIRST = values(STEPS, BATCH, FEATURES), values(BATCH, STEPS, FEATURES)
WORDS = np.random.RandomState(1).randint(0, 20, (BATCH, STEPS)).astype("float32")
BUCKET = {"data": WORDS, "softmax_label": np.zeros((BATCH, STEPS), "float32")}

LAYERS = {
    "gluon_lstm": ({"data": BATCH_FIRST}, ["LSTM", "Linear"]),
    "gluon_gru_both_ways": ({"data": TIME_FIRST}, ["GRU", "Linear"]),
    "gluon_rnn": ({"data": TIME_FIRST}, ["RNN", "RNN"]),
    "gluon_projected": ({"data": TIME_FIRST}, ["LSTM", "Linear"]),
    "gluon_states": (
        {"data": TIME_FIRST, "h": values(1, BATCH, HIDDEN), "c": values(1, BATCH, HIDDEN, seed=1)},
        ["LSTM"],
    ),
    "language_model": ({"data": WORDS.T}, ["ClampedEmbedding", "Dropout", "LSTM", "Linear"]),
}

UNROLLED = {
    "lstm_cell": ({"data": BATCH_FIRST}, ["LSTM"]),
    "gru_cell": ({"data": TIME_FIRST}, ["GRU"]),
    "rnn_cell": ({"data": BATCH_FIRST}, ["RNN"]),
    "last_output": (
        {"data": BATCH_FIRST, "h": values(BATCH, HIDDEN), "c": values(BATCH, HIDDEN, seed=1)},
        ["LSTM", "Linear"],
    ),
    "both_ways": ({"data": BATCH_FIRST}, ["LSTM"]),
    "valid_length": ({"data": BATCH_FIRST, "length": np.array([5, 1, 3], "float32")}, ["LSTMCell"]),
    "encoder_decoder": ({"data": BATCH_FIRST, "start": values(BATCH, FEATURES)}, ["LSTM", "LSTMCell", "Linear"]),
    "gates_in_another_order": (
        {"data": BATCH_FIRST, "init_h": values(BATCH, HIDDEN), "init_c": values(BATCH, HIDDEN, seed=1)},
        ["LSTM", "Linear"],
    ),
    "loop_of_cells": ({"data": TIME_FIRST, "h": values(BATCH, HIDDEN)}, ["GRUCell"]),
}

BUCKETING = {
    "bucketing_fused": (BUCKET, ["ClampedEmbedding", "LSTM", "Linear"]),
    "bucketing_fused_both_ways": (BUCKET, ["ClampedEmbedding", "GRU", "Linear"]),
    "bucketing_fused_rnn": (BUCKET, ["ClampedEmbedding", "RNN", "Linear"]),
    "bucketing_cells": (BUCKET, ["ClampedEmbedding", "LSTM", "Dropout", "GRU", "Linear"]),
    "bucketing_both_ways": (BUCKET, ["ClampedEmbedding", "LSTM", "Linear"]),
    "packed": (BUCKET, ["ClampedEmbedding", "LSTM", "Linear"]),
}


def check(mxnet: Any, tmp_path: Path, model: str, inputs: dict[str, np.ndarray]) -> tuple[Any, str]:
    """Outputs and every layer against MXNet; gives the module and the checkpoint's prefix."""
    prefix = str(tmp_path / model)
    expected = mxnet.call("recurrent:run", model=model, inputs=inputs, prefix=prefix)
    module = check_checkpoint(prefix, {name: to_torch(array) for name, array in inputs.items()}, expected)
    report = neutral_to_torch.verify(module, f"{prefix}-golden.safetensors", store=mxnet_to_neutral.read(prefix))
    assert report.ok, report
    return module, prefix


@pytest.mark.parametrize("model", [*LAYERS, *UNROLLED, *BUCKETING])
def test_models(mxnet: Any, tmp_path: Path, model: str) -> None:
    inputs, kinds = {**LAYERS, **UNROLLED, **BUCKETING}[model]
    module, _ = check(mxnet, tmp_path, model, inputs)
    assert sorted(type(leaf).__name__ for leaf in module.modules() if not [*leaf.children()]) == sorted(kinds)


@pytest.mark.parametrize("model", ["stacked_cells", "zoneout", "variational_lstm", "variational_gru"])
def test_cells_with_others_between(mxnet: Any, tmp_path: Path, model: str) -> None:
    check(mxnet, tmp_path, model, {"data": BATCH_FIRST})


def test_a_cell_of_images(mxnet: Any, tmp_path: Path) -> None:
    check(mxnet, tmp_path, "convolutional_cell", {"data": values(BATCH, 3, FEATURES, 7, 5)})


def test_zoneout_of_older_cells(mxnet: Any, tmp_path: Path) -> None:
    check(mxnet, tmp_path, "bucketing_zoneout", BUCKET)


@pytest.mark.parametrize("model", [*BUCKETING, "gates_in_another_order"])
def test_files_go_back(mxnet: Any, tmp_path: Path, model: str) -> None:
    """Whether saved gate by gate, packed, or with gates in another order."""
    prefix = str(tmp_path / model)
    mxnet.call("recurrent:run", model=model, inputs={**UNROLLED, **BUCKETING}[model][0], prefix=prefix)
    mxnet_to_neutral.read(prefix).save(f"{prefix}.safetensors")
    with neutral.open(f"{prefix}.safetensors") as store:
        assert not [key for key in store.tensors if key.startswith("source.")]
        neutral_to_mxnet.restore(store, tmp_path / "restored")
    original = tmp_path / f"{model}-0000.params"
    assert (tmp_path / "restored" / original.name).read_bytes() == original.read_bytes()


def test_a_rolled_layer_takes_sequences_of_any_length(mxnet: Any, tmp_path: Path) -> None:
    module, _ = check(mxnet, tmp_path, "lstm_cell", {"data": BATCH_FIRST})
    output, h, c = module(torch.zeros(7, 11, FEATURES))
    assert output.shape == (7, 11, HIDDEN) and h.shape == c.shape == (7, HIDDEN)


def test_the_weights_of_a_language_model_are_tied(mxnet: Any, tmp_path: Path) -> None:
    module, _ = check(mxnet, tmp_path, "language_model", {"data": WORDS.T})
    assert module.decoder.weight is module.embed.weight


def test_the_recurrent_layers_of_a_real_text_recogniser(mxnet: Any, tmp_path: Path, shared_data: Path) -> None:
    """Convolutions, two LSTMs each way, unrolled over 32 columns in the symbol, and scores for CTC."""
    prefix, golden = str(shared_data / "real" / "crnn.mxnet" / "model" / "digit"), str(tmp_path / "golden.safetensors")
    states = {f"l{layer}_init_{state}": values(2, 128, seed=layer) for layer in range(4) for state in "hc"}
    inputs = {"data": values(2, 1, 32, 256), **states}
    mxnet.call("recurrent:capture_part", prefix=prefix, node="fullyconnected0", inputs=inputs, golden=golden)
    with mxnet_to_neutral.read(prefix) as store:
        module = neutral_to_torch.build(store, until="fullyconnected0")
        assert [type(child).__name__ for child in module.children()].count("LSTM") == 4
        report = neutral_to_torch.verify(module, golden, store=store)
        assert report.ok, report
        store.save(tmp_path / "digit.safetensors")
    with neutral.open(tmp_path / "digit.safetensors") as store:
        neutral_to_mxnet.restore(store, tmp_path / "restored")
    restored = tmp_path / "restored" / "digit-0000.params"
    assert restored.read_bytes() == Path(f"{prefix}-0000.params").read_bytes()


@pytest.mark.parametrize("steps", [7, 30])
@pytest.mark.parametrize("form", ["fed", "cells", "backward", "last", "nothing", "middle"])
def test_decoders_that_attend_in_each_step_are_loops(mxnet: Any, tmp_path: Path, form: str, steps: int) -> None:
    prefix = str(tmp_path / "model")
    expected, given = mxnet.call("unrolled:decoder", form=form, steps=steps, prefix=prefix)
    module = check_checkpoint(prefix, {name: to_torch(array) for name, array in given.items()}, expected)
    neutral_to_torch.emit(mxnet_to_neutral.read(prefix), tmp_path / "emitted.py")
    source = (tmp_path / "emitted.py").read_text()
    assert source.count("        for ") == 1 and len(source.splitlines()) < 60, source
    if form == "cells":  # torch warns of the weights of an LSTM that it exports
        return
    inputs = {name: to_torch(array) for name, array in given.items()}
    exported = torch.export.export(module, (), inputs).module()
    for actual, wanted in zip(torch.utils._pytree.tree_leaves(exported(**inputs)), expected):
        np.testing.assert_allclose(actual.detach().numpy(), wanted, rtol=1e-4, atol=1e-5)
