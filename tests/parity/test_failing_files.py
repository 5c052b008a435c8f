"""Files on which earlier versions failed, from the folder of real data: each equals MXNet."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mxnet_to_neutral
import neutral_to_torch

IMAGE, ROW = (2, 3, 8, 8), (2, 3)


@pytest.fixture
def failing(shared_data: Path) -> Path:
    return shared_data / "failing"


def assert_equal(mxnet: Any, source: Path, prefix: Path, shape: tuple[int, ...], folder: Path) -> None:
    golden = str(folder / "golden.safetensors")
    files = {"symbol": f"{prefix}-symbol.json", "params": f"{prefix}-0000.params"}
    mxnet.call("models:capture_files", **files, shapes={"data": shape}, golden=golden)
    with mxnet_to_neutral.read(source) as store:
        report = neutral_to_torch.verify(neutral_to_torch.build(store), golden, store=store)
        assert report.ok and report.rows, str(report)


def test_a_pooling_layer_of_mxnet_2(mxnet2: Any, failing: Path, tmp_path: Path) -> None:
    assert_equal(mxnet2, failing / "pool", failing / "pool", IMAGE, tmp_path)


def test_a_group_norm_behind_a_concatenation_whose_input_has_two_variables(
    mxnet: Any, failing: Path, tmp_path: Path
) -> None:
    assert_equal(mxnet, failing / "gn", failing / "gn", IMAGE, tmp_path)


def test_the_files_of_a_training_job(mxnet: Any, failing: Path, tmp_path: Path) -> None:
    with tarfile.open(failing / "od.tar.gz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            (tmp_path / member.name).write_bytes(content.read())
    assert_equal(mxnet, failing / "od.tar.gz", tmp_path / "model_algo_1", ROW, tmp_path)


def test_a_row_sparse_array_that_was_written_too_early(mxnet: Any, failing: Path) -> None:
    (expected,) = mxnet.call("models:load_dense", path=str(failing / "rsp0.params")).values()
    with mxnet_to_neutral.read(failing / "rsp0.params") as store:
        np.testing.assert_array_equal(store.tensors[store.layers["w"].tensors["value"]].numpy(), expected)
