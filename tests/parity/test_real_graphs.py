"""Graphs of public projects and of fifteen MXNet releases, built and compared with MXNet operator by operator."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest
import torch

import mxnet_to_neutral
import neutral.reference
import neutral_to_torch
from parity.against import compare, compare_arrays
from parity.graphs import check_graph
from shared_data import shared_data_folder

DATA = shared_data_folder()
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there; set NEUTRAL_TEST_DATA")


def runnable_pairs() -> Iterator[Any]:
    """(symbol, parameters, input shape) of every real checkpoint that MXNet 1.9.1 runs."""
    if not DATA.is_dir():
        return
    with open(DATA / "real" / "MANIFEST.tsv", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            match = re.match(r"OK in\(([\d, ]+)\)", row["forward in MXNet 1.9.1"] or "")
            if row["kind"] != "params" or match is None:
                continue
            params, name = DATA / "real" / row["file"], row["symbol"].split("!")[-1]
            project = DATA / "real" / row["file"].split("/")[0]
            symbol = params.parent / name if (params.parent / name).exists() else next(project.rglob(name))
            yield pytest.param(symbol, params, tuple(map(int, match[1].split(","))), id=row["file"])


def data_inputs(*source: Path) -> list[str]:
    store = mxnet_to_neutral.read(*source)
    assert store.graph is not None
    return [item.name for item in store.graph.inputs]


LABELS = {"go_test-symbol.json": {"softmax_label": (2,)}}
"""Shapes of labels that MXNet cannot infer."""


@pytest.mark.parametrize(("symbol", "params", "shape"), list(runnable_pairs()))
def test_a_real_checkpoint(symbol: Path, params: Path, shape: tuple[int, ...], mxnet: Any, tmp_path: Path) -> None:
    """With two samples, since most files were made for one."""
    (name,) = data_inputs(symbol, params)
    golden = tmp_path / "golden.safetensors"
    shapes = {name: (2, *shape[1:]), **LABELS.get(symbol.name, {})}
    mxnet.call("models:capture_files", symbol=str(symbol), params=str(params), shapes=shapes, golden=str(golden))
    check_graph((symbol, params), golden, tmp_path)


SYMBOLS: dict[str, dict[str, tuple[int, ...]]] = {
    "djl/action_recognition/0.0.1/inceptionv3_ucf101-symbol.json": {"data": (1, 3, 299, 299)},
    "djl/bertqa/0.0.1/static_bert_qa-symbol.json": {"data0": (2, 384), "data1": (2, 384), "data2": (2,)},
    "djl/resnet/0.0.1/resnet50_v1-symbol.json": {"data": (2, 3, 64, 64)},
    "djl/simple_pose/0.0.1/simple_pose_resnet18_v1b-symbol.json": {"data": (2, 3, 64, 64)},
    "djl/squeezenet/0.0.1/squeezenet1.0-symbol.json": {"data": (1, 3, 224, 224)},
    "djl/ssd/0.0.1/ssd_512_resnet50_v1-symbol.json": {"data": (2, 3, 128, 128)},
    "djl/ssd/0.0.2/ssd_512_resnet50_v1-symbol.json": {"data": (2, 3, 128, 128)},
    "mxnet/python/unittest/save_000800.json": {"data": (3, 50)},
}


@pytest.mark.parametrize("path", SYMBOLS)
def test_a_real_symbol_with_random_parameters(path: str, mxnet: Any, tmp_path: Path) -> None:
    golden = tmp_path / "golden.safetensors"
    mxnet.call(
        "models:capture_symbol",
        symbol=str(DATA / "real" / path),
        shapes=SYMBOLS[path],
        prefix=str(tmp_path / "model"),
        golden=str(golden),
        integers={"data0": 100, "data1": 2, "data2": 384},
    )
    check_graph((tmp_path / "model", 0), golden, tmp_path)


def recorded() -> Iterator[Any]:
    """(release, checkpoint, recorded input, recorded output)"""
    for truth in sorted(DATA.glob("versions/[0-9]*/truth.npz")):
        arrays = np.load(truth)
        for name in ("modcp", "gexp", "npexp"):
            output = next((key for key in arrays.files if key.startswith(f"{name}|output")), None)
            if output is not None:
                release = truth.parent.name
                yield pytest.param(release, name, arrays[f"{name}|input:data"], arrays[output], id=f"{release}-{name}")


@pytest.mark.parametrize(("release", "name", "data", "output"), list(recorded()))
def test_what_a_release_computed(release: str, name: str, data: np.ndarray, output: np.ndarray) -> None:
    if (release, name) == ("1.3.1", "modcp"):
        pytest.skip("the PReLU of 1.3.1 takes its slopes by the last axis where that has as many entries as channels")
    store = mxnet_to_neutral.read(DATA / "versions" / release / name)
    module = neutral_to_torch.build(store)
    with torch.no_grad():
        compare(module(torch.from_numpy(data)), output)
    (evaluated,) = neutral.reference.run(store, {"data": data}).values()
    compare_arrays(evaluated, output)


@pytest.mark.parametrize(("release", "name", "data", "output"), list(recorded()))
def test_a_release_in_the_last_one(
    release: str, name: str, data: np.ndarray, output: np.ndarray, mxnet: Any, tmp_path: Path
) -> None:
    """MXNet 1.9.1 runs what the earlier releases wrote."""
    if release.startswith("2."):
        pytest.skip("MXNet 1.9.1 does not read what MXNet 2 wrote")
    symbol = DATA / "versions" / release / f"{name}-symbol.json"
    (params,) = symbol.parent.glob(f"{name}-0*.params")
    golden = tmp_path / "golden.safetensors"
    shapes = {"data": data.shape}
    mxnet.call("models:capture_files", symbol=str(symbol), params=str(params), shapes=shapes, golden=str(golden))
    check_graph((symbol, params), golden, tmp_path)
