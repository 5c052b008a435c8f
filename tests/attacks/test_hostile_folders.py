"""What killed runs, full disks and enemies leave is refused or mended, and nothing that was there is lost."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch.nn")
pytest.importorskip("h5py")

from hostile_folders import STATES, model

import neutral
import neutral_to_torch
from neutral.cli import main
from neutral.errors import MismatchError, SourceError, StoreError
from neutral.fleet import archive
from neutral.store import shards
from neutral.store.check import check
from neutral.store.hdf5.reading import remember_written
from pages import Page

HDF5 = {
    "changed_attribute_in_hdf5": "'out_features' is",
    "unreadable_attribute_in_hdf5": "is damaged",
    "layer_removed_from_hdf5": "/tensors/fc1 is not a dataset",
    "exchanged_tensors_in_hdf5": "'key' is 'fc1.weight' and the manifest says 'fc1.bias'",
}
SETS = ("shards_of_two_sets", "index_of_another_set")
ELSEWHERE = {
    "weights_of_another_model",
    "shards_of_another_hub_folder",
    "folder_of_a_killed_run",
    "two_sources_of_one_name",
    "model_larger_than_the_disk",
}


def test_every_state_is_tested() -> None:
    assert set(STATES) == {*HDF5, *SETS, *ELSEWHERE}


@pytest.mark.parametrize("name", SETS)
def test_a_mixture_of_two_sets_of_shards_is_refused_by_every_verb(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = STATES[name](tmp_path)
    for words in (
        ("check", index),
        ("check", "--data", index),
        ("convert", index, tmp_path / "out.safetensors"),
        ("emit", index, "-o", tmp_path / "net.py"),
    ):
        assert main([*map(str, words)]) == 4, words
        assert "m-0000" in "".join(capsys.readouterr())
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(("out", "net"))]


@pytest.mark.parametrize("name", SETS)
def test_writing_again_over_a_mixture_gives_one_set(name: str, tmp_path: Path) -> None:
    index = STATES[name](tmp_path)
    shards.write(model(5), str(tmp_path / "m.safetensors"), max_shard_size=24)
    assert check(index, data=True).problems == ()
    with neutral.open(index) as store:
        assert store["fc1.bias"].tolist() == [6, 4]
    names = {*json.loads(index.read_text())["weight_map"].values(), index.name, "other"}
    assert set(os.listdir(tmp_path)) == names


def test_a_source_refuses_the_weights_of_another_model(tmp_path: Path) -> None:
    source = STATES["weights_of_another_model"](tmp_path)
    with pytest.raises(MismatchError, match=r"net\.safetensors: not the weights that .*net\.py was written with"):
        neutral_to_torch.load_emitted(source)
    neutral_to_torch.emit(model(5), source, class_name="Net")
    assert neutral_to_torch.load_emitted(source).state_dict()["fc1.bias"].tolist() == [6, 4]


def test_a_source_refuses_a_mixture_of_shards(tmp_path: Path) -> None:
    source = STATES["shards_of_another_hub_folder"](tmp_path)
    with pytest.raises(MismatchError, match=r"index\.json: not the weights that .*model\.py was written with"):
        neutral_to_torch.load_emitted(source)


def test_a_source_takes_its_own_shards_alone(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    neutral_to_torch.write_hub(model(5), folder, class_name="Net", max_shard_size=24)
    source, index = folder / "model.py", folder / "model.safetensors.index.json"
    expected = {key: model(5)[key].tolist() for key in ("fc1.weight", "fc1.bias")}
    state = neutral_to_torch.load_emitted(source).state_dict()
    assert {key: value.tolist() for key, value in state.items()} == expected
    files = [path for path in sorted(folder.iterdir()) if ".safetensors" in path.name]
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    assert len(files) == 3 and hashlib.sha256(sums.encode()).hexdigest() in source.read_text()
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content + b" " if path == index else content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(MismatchError):
            neutral_to_torch.load_emitted(source)
        path.unlink()
        with pytest.raises(SourceError, match="cannot be read"):
            neutral_to_torch.load_emitted(source)
        path.write_bytes(content)
    index.write_text(index.read_text().replace("model-00001", "../model-00001"))
    with pytest.raises(StoreError, match="a shard must be in the folder of its index"):
        neutral_to_torch.load_emitted(source)


def test_the_folder_of_a_killed_run_is_removed_by_the_next_one(tmp_path: Path) -> None:
    hub = STATES["folder_of_a_killed_run"](tmp_path)
    (unfinished,) = tmp_path.iterdir()
    assert unfinished != hub
    model(0).save(tmp_path / "m.safetensors")
    words = ("emit", tmp_path / "m.safetensors", "--hub-layout", "-o", hub)
    assert main([*map(str, words), "--quiet"]) == 0
    assert sorted(os.listdir(tmp_path)) == ["hub", "m.safetensors"]
    assert (hub / "model.py").read_text() != "half of a"


def test_a_second_source_of_an_archive_replaces_nothing(tmp_path: Path) -> None:
    folder = STATES["two_sources_of_one_name"](tmp_path)
    for number in (1, 2):
        archive([str(folder / f"source{number}")], folder / "out", workers=1)
    with open(folder / "out" / "journal.jsonl", "ab") as journal:
        journal.write(b'{"name": \xff\n')
    summary = archive([str(folder / "source1")], folder / "out", workers=1)
    values = {}
    for entry in summary.entries:
        assert entry.store is not None
        with neutral.open(folder / "out" / entry.store) as store:
            values[entry.name] = {float(store[key][0, 0]) for key in store.tensors}
    assert values == {"model": {1.0}, "model~2": {2.0}}
    page = Page((folder / "out" / "index.html").read_text())
    assert [entry["name"] for entry in page.document["entries"] if entry["address"]] == sorted(values)
    assert b"\xff" in (folder / "out" / "journal.damaged").read_bytes()


@pytest.mark.parametrize("name", HDF5)
@pytest.mark.parametrize("data", [False, True])
def test_an_hdf5_store_that_was_changed_is_not_sound(name: str, data: bool, tmp_path: Path) -> None:
    path = STATES[name](tmp_path)
    remember_written(str(path))
    problems = check(path, data=data).problems
    assert any(HDF5[name] in problem for problem in problems), problems


OUTPUTS = {
    "out.safetensors": ("convert", "large.safetensors", "out.safetensors"),
    "out.h5": ("convert", "large.safetensors", "out.h5"),
    "out.safetensors.index.json": ("convert", "large.safetensors", "out.safetensors", "--max-shard-size", "64KB"),
    "net.py": ("emit", "large.safetensors", "-o", "net.py", "--force"),
    "net.py and net.pth": ("emit", "large.safetensors", "-o", "net.py", "--pth", "--force"),
    "hub": ("emit", "large.safetensors", "--hub-layout", "-o", "hub"),
}


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("room", [1_000, 30_000, 150_000])
def test_a_full_disk_is_one_message_and_leaves_the_old_files(
    name: str, room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of a file's size stands for the room on the disk: writing past it fails in the same calls."""
    monkeypatch.chdir(STATES["model_larger_than_the_disk"](tmp_path).parent)
    for file in ("net.py", "net.safetensors", "net.pth"):
        Path(file).write_bytes(b"old")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    code, text = _with_little_room(OUTPUTS[name], room, tmp_path.with_suffix(".log"))
    assert code == 8, text
    assert len(text.splitlines()) == 1 and "cannot be written" in text, text
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def _with_little_room(words: tuple[str, ...], room: int, log: Path) -> tuple[int, str]:
    """Run a command in a forked child that may write no file of more than ``room`` bytes."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            sys.stdout = sys.stderr = open(log, "w", buffering=1)  # noqa: SIM115
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            code = main([*words, "--quiet"])
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), log.read_text()
