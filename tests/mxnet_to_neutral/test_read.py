"""What users have is accepted as it is, and what cannot be a checkpoint is refused in one clear line."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Callable

import numpy as np
import pytest

import mxnet_to_neutral
from neutral.errors import NeutralError, SourceError, UsageError
from reader.checkpoints import SymbolBuilder, params_bytes, ramp, write_checkpoint


def network() -> tuple[SymbolBuilder, dict[str, np.ndarray]]:
    symbol = SymbolBuilder()
    symbol.add("FullyConnected", "fc", ["data", "fc_weight", "fc_bias"], num_hidden="2")
    return symbol, {"arg:fc_weight": ramp(2, 3), "arg:fc_bias": ramp(2)}


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    return write_checkpoint(folder, *network())


def tarball(folder: Path, prefix: str, inner: str = "") -> Path:
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for suffix in ("-symbol.json", "-0000.params"):
            archive.add(prefix + suffix, inner + "model" + suffix)
    return path


def zipped(folder: Path, prefix: str, inner: str = "") -> Path:
    path = folder / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in ("-symbol.json", "-0000.params"):
            archive.write(prefix + suffix, inner + "model" + suffix)
    return path


FORMS: dict[str, Callable[[str, Path], tuple[object, ...]]] = {
    "prefix": lambda prefix, folder: (prefix,),
    "prefix and epoch": lambda prefix, folder: (prefix, 0),
    "pair": lambda prefix, folder: (prefix + "-symbol.json", prefix + "-0000.params"),
    "pair, the other way round": lambda prefix, folder: (prefix + "-0000.params", prefix + "-symbol.json"),
    "folder": lambda prefix, folder: (Path(prefix).parent,),
    "archive": lambda prefix, folder: (tarball(folder, prefix),),
    "zip": lambda prefix, folder: (zipped(folder, prefix),),
    "zip with names that lead elsewhere": lambda prefix, folder: (zipped(folder, prefix, "../../"),),
    "archive with a folder": lambda prefix, folder: (tarball(folder, prefix, "export/Servo/"),),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_checkpoint_gives_the_same_store(form: str, prefix: str, tmp_path: Path) -> None:
    with mxnet_to_neutral.read(*FORMS[form](prefix, tmp_path)) as store:
        assert store.layers["fc"].typed_by == "graph"
        np.testing.assert_array_equal(store["fc.weight"], ramp(2, 3))
        assert store.source is not None
        assert sorted(file.name for file in store.source.files) == ["model-0000.params", "model-symbol.json"]


def test_parameters_alone_are_typed_by_name(prefix: str) -> None:
    store = mxnet_to_neutral.read(prefix + "-0000.params")
    assert store.graph is None
    assert store.layers["fc"].typed_by == "names"


def test_a_symbol_alone_has_layers_without_tensors(prefix: str) -> None:
    store = mxnet_to_neutral.read(prefix + "-symbol.json")
    assert store.layers["fc"].attributes["out_features"] == 2
    assert store.layers["fc"].tensors == {}


def test_the_latest_epoch_is_taken_and_said(prefix: str) -> None:
    Path(prefix + "-0007.params").write_bytes(params_bytes({"arg:fc_weight": ramp(2, 3) * 7, "arg:fc_bias": ramp(2)}))
    store = mxnet_to_neutral.read(prefix)
    assert store["fc.weight"][0, 0] == 7
    assert any("latest of 2 epochs" in note for note in store.notes)
    assert mxnet_to_neutral.read(prefix, epoch=0)["fc.weight"][0, 0] == 1


def test_the_unpacked_archive_is_removed_when_the_store_is_closed(prefix: str, tmp_path: Path) -> None:
    store = mxnet_to_neutral.read(tarball(tmp_path, prefix))
    folder = Path(store.source.files[0].location.path).parent
    assert folder.is_dir()
    store.close()
    assert not folder.exists()


def test_names_in_an_archive_are_never_paths(prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tar"
    with tarfile.open(path, "w") as archive:
        for suffix in ("-symbol.json", "-0000.params"):
            content = Path(prefix + suffix).read_bytes()
            member = tarfile.TarInfo("../../model" + suffix)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with mxnet_to_neutral.read(path) as store:
        assert store.layers["fc"].kind == "linear"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint", "model.tar"]


def test_a_link_in_an_archive_is_refused(prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(prefix + "-symbol.json", "model-symbol.json")
        link = tarfile.TarInfo("../../link.params")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(SourceError, match=r"'../../link\.params' is a symbolic link; expected a plain file"):
        mxnet_to_neutral.read(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint", "model.tar"]


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n"

REFUSED = {
    "Git LFS pointer": (LFS, "Git LFS"),
    "HTML page": (b"<!DOCTYPE html><html><body>Not found</body></html>", "HTML"),
    "pickle": (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}q\x00.", "pickle"),
    "empty": (b"", "empty"),
    "noise": (bytes(range(7, 207)), "byte 0"),
    "truncated": (params_bytes({"arg:a": ramp(40)})[:100], "byte"),
    "truncated archive": (b"\x1f\x8b\x08\x00" + bytes(40), ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_checkpoint_is_refused_by_name(case: str, tmp_path: Path) -> None:
    content, said = REFUSED[case]
    path = tmp_path / "net.params"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        mxnet_to_neutral.read(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_is_missing_is_named(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere-0000\.params"):
        mxnet_to_neutral.read(tmp_path / "nowhere")
    with pytest.raises(SourceError, match=r"epoch 3.*there are 0"):
        mxnet_to_neutral.read(prefix, 3)
    with pytest.raises(SourceError, match="no MXNet symbol"):
        mxnet_to_neutral.read(tmp_path / "checkpoint" / "..")
    with pytest.raises(NeutralError, match="both are symbol"):
        mxnet_to_neutral.read(prefix + "-symbol.json", prefix + "-symbol.json")
    with pytest.raises(UsageError, match="3 paths were given"):
        mxnet_to_neutral.read("a", "b", "c")


def test_a_folder_with_two_models_asks_for_one(prefix: str) -> None:
    Path(prefix).with_name("other-symbol.json").write_text(network()[0].json())
    Path(prefix).with_name("other-0000.params").write_bytes(params_bytes(network()[1]))
    with pytest.raises(SourceError, match="more than one checkpoint"):
        mxnet_to_neutral.read(Path(prefix).parent)
