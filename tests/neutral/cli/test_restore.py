from __future__ import annotations

import hashlib
from pathlib import Path

from cli_cases import PARTS, Run, linear_store
from neutral.store import Store

ORIGINAL = b"head" + PARTS


def test_restore_gives_the_files_back(run: Run, store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "back"
    result = run("restore", store, "-o", folder)
    assert (result.code, result.out) == (0, f"wrote parts.bin into {folder}: 68 bytes\n")
    assert (folder / "parts.bin").read_bytes() == ORIGINAL


def test_an_exported_checkpoint_comes_back_byte_for_byte(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    run("export", checkpoint, "-o", tmp_path / "model.safetensors")
    assert run("restore", tmp_path / "model.safetensors", "-o", tmp_path / "back").code == 0
    for original in checkpoint.parent.iterdir():
        assert (tmp_path / "back" / original.name).read_bytes() == original.read_bytes()


def test_the_document(run: Run, store: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(ORIGINAL).hexdigest()
    assert run("restore", store, "-o", tmp_path / "back", "--json").json == {
        "store": str(store),
        "output": str(tmp_path / "back"),
        "written": True,
        "files": [{"name": "parts.bin", "size": 68, "sha256": digest}],
    }


def test_a_dry_run_makes_no_folder(run: Run, store: Path, tmp_path: Path) -> None:
    result = run("restore", store, "-o", tmp_path / "back", "--dry-run", "--json")
    assert (result.code, result.json["written"]) == (0, False)
    assert not (tmp_path / "back").exists()


def test_files_that_are_there_are_replaced_only_by_force(run: Run, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "back" / "parts.bin"
    file.parent.mkdir()
    file.write_text("mine")
    refused = run("restore", store, "-o", file.parent)
    assert refused.code == 8
    assert f"{file}: it is there already" in refused.err
    assert file.read_text() == "mine"
    assert run("restore", store, "-o", file.parent, "--force").code == 0
    assert file.read_bytes() == ORIGINAL


def test_a_store_that_was_made_from_no_file(run: Run, tmp_path: Path) -> None:
    store = linear_store()
    Store(store.layers, {key: t for key, t in store.tensors.items() if key != "spare"}).save(tmp_path / "s.safetensors")
    result = run("restore", tmp_path / "s.safetensors", "-o", tmp_path / "back")
    assert result.code == 2
    assert "nothing to restore" in result.err
