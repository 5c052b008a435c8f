"""Every verb that writes, with a fault at every system call of its writing: targets are the old or the new ones."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch.nn")
pytest.importorskip("h5py")
pytest.importorskip("onnxruntime")

import injection
from cli_cases import MODULE, linear_store, ndarray_list, write_checkpoint
from neutral.cli import main
from neutral.store import Store
from neutral.tensor import from_numpy

FAULTS = "kill,ENOSPC,EIO,short"

LOAD = ("load", "new.safetensors", "--into", "nets:Net")
VERIFY = ("verify", "new.safetensors", "--golden", "recorded.safetensors")
FOLDERS = {
    "emit a hub folder": ("hub/model.safetensors",),
    "emit a hub folder with shards": ("shards/model.safetensors.index.json",),
    "migrate": ("migrated/store.safetensors", "migrated/model.py", "migrated/model.onnx", "migrated/report.html"),
}
"""Verbs that write a folder, which appears whole and is never replaced."""
VERBS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "export": (("export", "model", "-o", "out.safetensors"), ("out.safetensors",)),
    "export to HDF5": (("export", "model", "-o", "out.h5"), ("out.h5",)),
    "convert to shards": (
        ("convert", "new.safetensors", "set.safetensors", "--max-shard-size", "40"),
        (),
    ),
    "slice": (("slice", "new.safetensors", "fc1", "-o", "out.safetensors"), ("out.safetensors",)),
    "cast": (("cast", "new.safetensors", "--to", "float16", "-o", "out.safetensors"), ("out.safetensors",)),
    "merge": (("merge", "new.safetensors", "-o", "out.safetensors"), ("out.safetensors",)),
    "emit": (("emit", "new.safetensors", "-o", "net.py"), ("net.safetensors", "net.py")),
    "emit as a pickle": (("emit", "new.safetensors", "-o", "net.py", "--pth"), ("net.pth", "net.py")),
    "emit a hub folder": (("emit", "new.safetensors", "-o", "hub", "--hub-layout"), FOLDERS["emit a hub folder"]),
    "emit a hub folder with shards": (
        ("emit", "new.safetensors", "-o", "shards", "--hub-layout", "--max-shard-size", "24"),
        FOLDERS["emit a hub folder with shards"],
    ),
    "restore": (
        ("restore", "made.safetensors", "-o", "restored", "--force"),
        ("restored/model-0000.params", "restored/model-symbol.json"),
    ),
    "write": (
        ("write", "new.safetensors", "--like", "made.safetensors", "-o", "written", "--force", "--allow-unused", "*"),
        ("written-0000.params", "written-symbol.json"),
    ),
    "load": ((*LOAD, "-o", "loaded.safetensors"), ("loaded.safetensors",)),
    "load to a pickle": ((*LOAD, "-o", "loaded.pth"), ("loaded.pth",)),
    "load and save the plan": ((*LOAD, "--save-plan", "plan.toml"), ("plan.toml",)),
    "run": (("run", "new.safetensors", "--input", "data=data.npy", "-o", "out.npz"), ("out.npz",)),
    "golden": (("golden", "new.safetensors", "-o", "golden.safetensors"), ("golden.safetensors",)),
    "inspect and draw": (("inspect", "new.safetensors", "--html", "drawn.html"), ("drawn.html",)),
    "verify and report": ((*VERIFY, "--html", "report.html"), ("report.html",)),
    "emit as ONNX": (("emit", "new.safetensors", "-o", "net.onnx"), ("net.onnx",)),
    "emit as ONNX with external data": (
        ("emit", "new.safetensors", "-o", "net.onnx", "--external-data"),
        ("net.onnx.data", "net.onnx"),
    ),
    "migrate": (("migrate", "model", "-o", "migrated", "--onnx", "--shape", "data=2,3"), FOLDERS["migrate"]),
}


def changed(store: Store) -> Store:
    tensors = {key: from_numpy(store[key] + np.ones((), store[key].dtype)) for key in store.tensors}
    return Store(store.layers, tensors, store.graph, store.source)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the inputs of all verbs, and with outputs of other content that Neutral wrote earlier."""
    folder = tmp_path_factory.mktemp("crashes") / "template"
    folder.mkdir()
    old, new = folder / "old.safetensors", folder / "new.safetensors"
    linear_store().save(new)
    changed(linear_store()).save(old)
    write_checkpoint(folder / "model")
    (folder / "nets.py").write_text(MODULE)
    np.save(folder / "data.npy", np.ones((2, 3), np.float32))
    for words in (
        ("export", folder / "model", "-o", folder / "made.safetensors"),
        ("convert", old, folder / "out.safetensors"),
        ("convert", old, folder / "out.h5"),
        ("convert", old, folder / "set.safetensors", "--max-shard-size", "40"),
        ("emit", old, "-o", folder / "net.py"),
        ("emit", old, "-o", folder / "net.py", "--pth"),
        ("emit", old, "-o", folder / "net.onnx", "--external-data"),
        ("golden", new, "--input", f"data={folder / 'data.npy'}", "-o", folder / "recorded.safetensors"),
    ):
        assert main([*map(str, words), "--quiet"]) == 0
    return folder


def outcomes_of(template: Path, words: tuple[str, ...], *options: str) -> list[dict[str, Any]]:
    command = [sys.executable, injection.__file__, *options, str(template), FAULTS, *words]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    outcomes: list[dict[str, Any]] = json.loads(run.stdout)
    return outcomes


@pytest.mark.parametrize("name", VERBS)
def test_a_fault_at_every_call_leaves_the_old_or_the_new_files(name: str, template: Path) -> None:
    words, targets = VERBS[name]
    before = injection.digests(str(template))
    before_sets = injection.set_content(str(template))
    assert len(before_sets) == 1 and isinstance(before_sets[0], dict)
    clean, *faulty = outcomes_of(template, words)
    assert clean["code"] == 0, clean["text"]
    assert len(faulty) >= 12, clean["calls"]
    check_order(clean["calls"])
    for outcome in faulty:
        place = f"{outcome['fault']} at {clean['calls'][outcome['number']]}: {outcome['text']}"
        states = [state_of(target, outcome["files"], before, clean["files"]) for target in targets]
        assert None not in states, place
        assert outcome["sets"] in (before_sets, clean["sets"]), place
        assert states == sorted(states), place  # a target is not new before those that are renamed first
        assert "Traceback" not in outcome["text"], place
        if outcome["fault"] == "kill":
            assert outcome["code"] == -signal.SIGKILL, place
            is_there = name in FOLDERS and states[-1] == "new"
            assert outcome["after_code"] == (8 if is_there else 0), place
            assert outcome["after"] == clean["files"], place
        else:
            assert outcome["code"] in (0, 8), place
            assert not any(file.endswith(".tmp") for file in (*outcome["files"], *outcome["folders"])), place
            assert outcome["code"] == 8 or states == ["new"] * len(targets), place
            assert outcome["code"] == 8 or outcome["sets"] == clean["sets"], place
            assert len(outcome["text"].splitlines()) == 1 or outcome["code"] == 0 or "a line of" in outcome["text"]
        assert {file: before[file] for file in before if is_input(file)}.items() <= outcome["files"].items(), place


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of one checkpoint, a damaged line in its journal, and another checkpoint."""
    folder = tmp_path_factory.mktemp("crashes") / "archived"
    for name, value in (("first", 1), ("second", 2)):
        (folder / name).mkdir(parents=True)
        (folder / name / "model.params").write_bytes(ndarray_list({"fc1_weight": np.full((2, 3), value, "<f4")}))
    assert main(["archive", str(folder / "first"), "--to", str(folder / "archive"), "--workers", "1", "--quiet"]) == 0
    with (folder / "archive" / "journal.jsonl").open("ab") as file:
        file.write(b"damaged\n")
    return folder


def test_a_fault_at_every_call_of_archive_loses_no_entry_and_the_next_run_mends_the_catalogue(archived: Path) -> None:
    before = injection.digests(str(archived))
    words = ("archive", "second", "--to", "archive", "--workers", "1")
    clean, *faulty = outcomes_of(archived, words, "--again")
    assert clean["code"] == 0 and clean["after_code"] == 0, clean["text"]
    check_order(clean["calls"])
    names = {subject.partition(" ")[2].rpartition("/")[2].split(".neutral-")[0] for subject in clean["calls"]}
    assert names >= {"journal.damaged", "journal.jsonl", ".journal.jsonl", ".index.html", ".model~2.safetensors"}
    for outcome in faulty:
        place = f"{outcome['fault']} at {clean['calls'][outcome['number']]}: {outcome['text']}"
        assert "Traceback" not in outcome["text"], place
        assert outcome["code"] in ((-signal.SIGKILL,) if outcome["fault"] == "kill" else (0, 3, 8)), place
        assert outcome["code"] != 0 or outcome["files"] == clean["files"], place
        for file, digest in outcome["files"].items():
            is_log = file in ("archive/journal.jsonl", "archive/journal.damaged")
            is_temporary = file.endswith(".tmp") and outcome["fault"] == "kill"
            tells_failure = outcome["code"] == 3 and file in ("archive/index.html", "archive/catalogue.parquet")
            is_old_or_new = digest in (before.get(file), clean["files"].get(file))
            assert is_old_or_new or is_log or is_temporary or tells_failure, (place, file)
        assert before.keys() <= outcome["files"].keys(), place
        assert outcome["after_code"] == 0, place
        assert is_mended(outcome["after"], clean["files"]), place


def is_mended(files: dict[str, str], expected: dict[str, str]) -> bool:
    """Return whether an archive is as without the fault; damaged lines may have been moved out more than once."""
    damaged = "archive/journal.damaged"
    return {**files, damaged: ""} == {**expected, damaged: ""} and damaged in files


def is_input(file: str) -> bool:
    inputs = ("new.safetensors", "old.safetensors", "made.safetensors", "recorded.safetensors", "nets.py", "data.npy")
    return file in inputs or file.startswith("model-")


def state_of(target: str, files: dict[str, str], before: dict[str, str], after: dict[str, str]) -> str | None:
    """Return whether a file is the new or the old one ("old" if there was none); None if it is neither."""
    digest = files.get(target)
    if digest == after[target]:
        return "new"
    if digest == before.get(target):
        return "old"
    return None


def check_order(calls: list[str]) -> None:
    """Check that what is renamed was flushed before, and that its folder is flushed after."""
    names, subjects = zip(*(call.partition(" ")[::2] for call in calls))
    renames = [number for number, name in enumerate(names) if name in ("replace", "rename", "link")]
    assert renames
    for number in renames:
        folder, _, file = subjects[number].rpartition("/")
        writes = [k for k in range(number) if names[k] == "write" and f".{file}." in subjects[k]]
        assert not writes or "fsync" in names[max(writes) : number], calls
        assert any(names[k] == "fsync" and subjects[k] == folder for k in range(number, len(calls))), calls
