"""Test which paths the reader plug-in accepts, and which checkpoints it finds in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mxnet_to_neutral.plugin import reader
from reader.ndarray_bytes import array_list, dense, floats

PARAMS = array_list([dense((2,), floats(1, 2))], ["arg:fc_bias"])


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        ("s3://bucket/model", True),
        ("s3://bucket/model.PTH", False),
        ("model.params", True),
        ("model.states", True),
        ("model.TAR.GZ", True),
        ("weights.bin", True),
        ("noise.bin", False),
        ("folder", True),
        ("folder/net", True),
        ("folder/n", False),
        ("missing", False),
    ],
)
def test_which_paths_are_accepted(path: str, accepted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "net-0003.params").write_bytes(PARAMS)
    (tmp_path / "weights.bin").write_bytes(PARAMS)
    (tmp_path / "noise.bin").write_bytes(b"noise")
    assert reader.can_read(path) is accepted


def test_a_file_that_cannot_be_opened_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PermissionError

    (tmp_path / "weights.bin").write_bytes(PARAMS)
    monkeypatch.setattr("builtins.open", fail)
    assert not reader.can_read(str(tmp_path / "weights.bin"))


def test_every_epoch_is_a_checkpoint() -> None:
    names = ["net-symbol.json", "net-0000.params", "net-0010.params", "other.json", "other.params", "x.tgz", "log.txt"]
    assert dict(reader.find("folder", names)) == {
        "net-0000": ("net-symbol.json", "net-0000.params"),
        "net-0010": ("net-symbol.json", "net-0010.params"),
        "other": ("other.json", "other.params"),
        "x.tgz": ("x.tgz",),
    }


def test_a_checkpoint_is_read(tmp_path: Path) -> None:
    (tmp_path / "net-0003.params").write_bytes(PARAMS)
    assert list(reader.read(str(tmp_path / "net"), epoch=3).tensors) == ["fc_bias.value"]
