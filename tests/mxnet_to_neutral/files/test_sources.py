"""Test which files of a checkpoint are found, and that temporary files are removed."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import mxnet_to_neutral
from mxnet_to_neutral.files import sources
from mxnet_to_neutral.files.checkpoint import Checkpoint, in_temporary_folder
from mxnet_to_neutral.files.folder import find_in_folder
from mxnet_to_neutral.files.live import export_live
from mxnet_to_neutral.files.sources import find_checkpoint
from mxnet_to_neutral.reading import MAX_PROBLEMS_SHOWN
from neutral.errors import FormatError, MismatchError, SourceError, UsageError
from reader.checkpoints import SymbolBuilder, params_bytes, ramp, write_checkpoint


def write_model(folder: Path) -> str:
    symbol = SymbolBuilder()
    symbol.add("FullyConnected", "fc", ["data", "fc_weight", "fc_bias"], num_hidden="2")
    return write_checkpoint(folder, symbol, {"arg:fc_weight": ramp(2, 3), "arg:fc_bias": ramp(2)})


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> str:
    folder = tmp_path / "model"
    folder.mkdir()
    return write_model(folder)


def test_a_pair_of_parameter_files_is_refused(model: str) -> None:
    with pytest.raises(MismatchError, match="both are parameter files"):
        find_checkpoint([model + "-0000.params"] * 2, None)


def test_a_pair_needs_two_files(model: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="this is a folder"):
        find_checkpoint([str(tmp_path), model + "-0000.params"], None)
    with pytest.raises(SourceError, match="there is no such file"):
        find_checkpoint([model + "-symbol.json", model + "-0009.params"], None)


def test_a_pair_may_be_given_in_either_order(model: str) -> None:
    symbol, params = model + "-symbol.json", model + "-0000.params"
    assert (
        find_checkpoint([symbol, params], None) == find_checkpoint([params, symbol], None) == Checkpoint(symbol, params)
    )


@pytest.mark.parametrize("count", [0, 3])
def test_a_checkpoint_is_named_by_one_path_or_two(count: int, model: str) -> None:
    with pytest.raises(UsageError, match=f"{count} paths were given; expected one path"):
        find_checkpoint([model + "-0000.params"] * count, None)


def test_a_prefix_without_files_is_named_with_those_it_could_have(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nor \S+model-0000\.params"):
        find_checkpoint([str(tmp_path / "model")], None)


def test_the_latest_of_several_epochs_is_taken_and_said(model: str) -> None:
    shutil.copy(model + "-0000.params", model + "-0007.params")
    checkpoint = find_checkpoint([model], None)
    assert checkpoint.params == model + "-0007.params"
    assert checkpoint.notes == ("the latest of 2 epochs, 7, was taken",)
    assert find_checkpoint([model], 0) == Checkpoint(model + "-symbol.json", model + "-0000.params")


def test_a_folder_of_several_checkpoints_lists_them(model: str) -> None:
    folder = os.path.dirname(model)
    for end in ("-symbol.json", "-0000.params"):
        shutil.copy(model + end, os.path.join(folder, "other" + end))
    expected = r"more than one checkpoint \(.*model-symbol\.json.*other-symbol\.json.*\)\. Name a prefix or the files"
    with pytest.raises(SourceError, match=expected):
        find_in_folder(folder, None)


def test_a_prefix_in_a_missing_folder_has_no_epochs(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there are none of any epoch"):
        find_checkpoint([str(tmp_path / "missing" / "model")], 3)


def test_a_prefix_without_epochs(model: str, tmp_path: Path) -> None:
    plain = tmp_path / "plain.params"
    shutil.copy(model + "-0000.params", plain)
    assert find_checkpoint([str(tmp_path / "plain")], None) == Checkpoint(None, str(plain))


def test_a_folder_with_files_of_other_names(model: str, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    shutil.copy(model + "-symbol.json", folder / "network.json")
    assert find_in_folder(str(folder), None) == Checkpoint(str(folder / "network.json"), None)
    shutil.copy(model + "-0000.params", folder / "weights.bin")
    assert find_in_folder(str(folder), None) == Checkpoint(str(folder / "network.json"), str(folder / "weights.bin"))
    os.rename(folder / "weights.bin", folder / "weights-0002.params")
    checkpoint = find_in_folder(str(folder), None)
    assert checkpoint == Checkpoint(str(folder / "network.json"), str(folder / "weights-0002.params"))


@pytest.mark.parametrize("spaces", [255, 256])
def test_a_symbol_begins_within_256_bytes(tmp_path: Path, spaces: int) -> None:
    path = str(tmp_path / "net")
    Path(path).write_bytes(b" " * spaces + b"{")
    assert find_checkpoint([path], None) == (Checkpoint(path, None) if spaces == 255 else Checkpoint(None, path))


def test_a_file_that_cannot_be_opened(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", fail)
    with pytest.raises(SourceError, match="cannot be read: Permission denied"):
        find_checkpoint([model + "-0000.params"], None)


def test_urls_are_fetched_to_a_folder_that_closing_removes(
    model: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(url: str, folder: str) -> str:
        return shutil.copy(url.replace("memory://", ""), folder)

    monkeypatch.setattr(sources, "fetch", fetch)
    store = mxnet_to_neutral.read(f"memory://{model}-0000.params", model + "-symbol.json")
    assert [path.name for path in temporary.rglob("*") if path.parent.name == "files"] == ["model-0000.params"]
    store.close()
    assert list(temporary.iterdir()) == []


def test_errors_name_the_url(model: str, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(model + "-0000.params").write_bytes(b"damaged" * 9)
    archive = shutil.make_archive(model, "zip", os.path.dirname(model))
    monkeypatch.setattr(sources, "fetch", lambda url, folder: shutil.copy(url.replace("memory://", ""), folder))
    url = f"memory://{archive}"
    with pytest.raises(FormatError) as caught:
        mxnet_to_neutral.read(url)
    assert str(caught.value).startswith(f"{url}#model-0000.params, byte 0: unknown file format")
    assert caught.value.file == f"{url}#model-0000.params"
    with pytest.raises(SourceError, match=f"^{re.escape(url)}: there is no member 'none'"):
        mxnet_to_neutral.read(f"{url}#none")
    assert list(temporary.iterdir()) == []


def test_a_failed_fetch_leaves_nothing(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(url: str, folder: str) -> str:
        raise SourceError(f"{url}: there is no such file.")

    monkeypatch.setattr(sources, "fetch", fail)
    with pytest.raises(SourceError, match="no such file"):
        mxnet_to_neutral.read("memory://model")
    assert list(temporary.iterdir()) == []


def test_a_checkpoint_in_two_temporary_folders_closes_both(temporary: Path) -> None:
    checkpoint = in_temporary_folder(lambda _: in_temporary_folder(lambda _: Checkpoint(None, "a.params")))
    assert len(list(temporary.iterdir())) == 2
    assert checkpoint.close is not None
    checkpoint.close()
    assert list(temporary.iterdir()) == []


def test_a_store_that_cannot_be_built_leaves_nothing(model: str, tmp_path: Path, temporary: Path) -> None:
    Path(model + "-0000.params").write_bytes(params_bytes({"arg:fc_weight": ramp(5, 3), "arg:fc_bias": ramp(2)}))
    archive = shutil.make_archive(str(tmp_path / "model"), "gztar", os.path.dirname(model))
    with pytest.raises(MismatchError, match="does not belong to"):
        mxnet_to_neutral.read(archive)
    assert list(temporary.iterdir()) == []


def test_only_the_first_problems_of_a_mismatch_are_listed(tmp_path: Path) -> None:
    layers = 30
    nodes: list[dict[str, object]] = [{"op": "null", "name": "data", "inputs": []}]
    for index in range(layers):
        nodes += [{"op": "null", "name": f"fc{index}_{role}", "inputs": []} for role in ("weight", "bias")]
        inputs = [[0, 0, 0], [len(nodes) - 2, 0, 0], [len(nodes) - 1, 0, 0]]
        nodes.append({"op": "FullyConnected", "name": f"fc{index}", "attrs": {"num_hidden": "2"}, "inputs": inputs})
    variables = [index for index, node in enumerate(nodes) if node["op"] == "null"]
    heads = [[index, 0, 0] for index, node in enumerate(nodes) if node["op"] != "null"]
    document = {"nodes": nodes, "arg_nodes": variables, "heads": heads, "attrs": {"mxnet_version": ["int", 10901]}}
    (tmp_path / "model-symbol.json").write_text(json.dumps(document))
    arrays = {f"arg:fc{index}_weight": ramp(5, 3) for index in range(layers)}
    (tmp_path / "model-0000.params").write_bytes(params_bytes(arrays))
    with pytest.raises(MismatchError) as caught:
        mxnet_to_neutral.read(tmp_path / "model")
    first, *problems = str(caught.value).split("\n")
    assert first.endswith("check that both are of one model:")
    assert len(problems) == MAX_PROBLEMS_SHOWN + 1
    more = problems[-1].split()
    assert (more[0], more[1], more[3]) == ("-", "and", "more")
    assert int(more[2]) >= layers - MAX_PROBLEMS_SHOWN


def test_an_archive_without_a_checkpoint_is_named(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_bytes(b"")
    archive = shutil.make_archive(str(tmp_path / "code"), "gztar", tmp_path / "code")
    with pytest.raises(SourceError) as caught:
        mxnet_to_neutral.read(archive)
    assert str(caught.value) == f"{archive}: there is no MXNet symbol and no parameter file in this archive."
    assert list(temporary.iterdir()) == []


class _CaptureError(Exception):
    pass


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Replace ``mxnet_capture`` by a module that writes a fixed model."""
    module = ModuleType("mxnet_capture")

    def export(model: Any, prefix: str) -> None:
        if model is None:
            raise _CaptureError("no model")
        if model == "interrupt":
            raise KeyboardInterrupt
        write_model(Path(prefix).parent)

    vars(module).update(export=export, CaptureError=_CaptureError)
    monkeypatch.setitem(sys.modules, "mxnet_capture", module)
    return module


@pytest.mark.usefixtures("capture")
def test_a_live_model_is_exported_to_a_folder_that_closing_removes(temporary: Path) -> None:
    with mxnet_to_neutral.read(object()) as store:
        assert store["fc.weight"].shape == (2, 3)
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("capture")
def test_a_live_model_that_cannot_be_exported_leaves_nothing(temporary: Path) -> None:
    with pytest.raises(UsageError, match="no model"):
        export_live(None)
    with pytest.raises(KeyboardInterrupt):
        export_live("interrupt")
    assert list(temporary.iterdir()) == []


def test_a_live_model_without_mxnet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mxnet_capture", None)
    with pytest.raises(UsageError, match="unsupported source of type int; expected paths, or a live model"):
        mxnet_to_neutral.read(3)


def test_several_live_models_are_refused() -> None:
    with pytest.raises(UsageError, match=r"unsupported source \(int, str\); expected paths, or one live MXNet model"):
        mxnet_to_neutral.read(3, "model.params")
