from __future__ import annotations

from pathlib import Path

import pytest

import neutral
from cli_cases import Run


def test_into_hdf5_and_back(run: Run, store: Path, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    assert run("convert", store, tmp_path / "a.h5", "--compression", "gzip").code == 0
    assert run("convert", tmp_path / "a.h5", tmp_path / "back.safetensors").code == 0
    assert (tmp_path / "back.safetensors").read_bytes() == store.read_bytes()


def test_into_shards_and_back(run: Run, store: Path, tmp_path: Path) -> None:
    index = tmp_path / "s.safetensors.index.json"
    result = run("convert", store, tmp_path / "s.safetensors", "--max-shard-size", "32")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "wrote 3 tensors, 64 bytes:",
        f"  {tmp_path / 's-00001-of-00002.safetensors'}",
        f"  {tmp_path / 's-00002-of-00002.safetensors'}",
        f"  {index}",
    ]
    assert run("convert", index, tmp_path / "back.safetensors").code == 0
    assert (tmp_path / "back.safetensors").read_bytes() == store.read_bytes()
    assert run("check", "--data", index).code == 0
    assert run("inspect", index, "--json").json["is_store"] is True


def test_the_document(run: Run, store: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.safetensors"
    assert run("convert", store, target, "--dry-run", "--json").json == {
        "store": str(store),
        "output": str(target),
        "files": [str(target)],
        "written": False,
        "tensors": 3,
        "bytes": 64,
    }
    assert not target.exists()


def test_without_digests_those_that_are_known_stay(run: Run, store: Path, tmp_path: Path) -> None:
    run("convert", store, tmp_path / "b.safetensors", "--no-digests")
    with neutral.open(tmp_path / "b.safetensors") as copy:
        assert len(copy.digests) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("b.bin",), "unknown suffix '.bin'; expected one of"),
        (("b.h5", "--max-shard-size", "5GB"), "shards are named after a .safetensors file"),
        (("b.safetensors", "--max-shard-size", "many"), "invalid size"),
        (("b.safetensors", "--compression", "gzip"), "--compression needs an HDF5 output"),
        (("linear.safetensors",), "would replace the source"),
    ],
)
def test_invalid_arguments(run: Run, store: Path, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    result = run("convert", store, tmp_path / words[0], *words[1:])
    assert result.code == 2
    assert message in result.err
    assert [path.name for path in tmp_path.iterdir()] == [store.name]


def test_shards_never_replace_their_source(run: Run, store: Path, tmp_path: Path) -> None:
    run("convert", store, tmp_path / "s.safetensors", "--max-shard-size", "32")
    result = run("convert", tmp_path / "s.safetensors.index.json", tmp_path / "s.safetensors", "--max-shard-size", "8")
    assert result.code == 2
    assert "would replace the source" in result.err


def test_a_symbol_is_no_index_and_a_checkpoint_is_converted_as_it_is_exported(run: Run, checkpoint: Path) -> None:
    symbol = f"{checkpoint}-symbol.json"
    assert run("inspect", symbol, "--json").json["is_store"] is False
    folder = checkpoint.parent
    assert run("convert", checkpoint, folder / "converted.safetensors").code == 0
    assert run("export", checkpoint, "-o", folder / "exported.safetensors").code == 0
    assert (folder / "converted.safetensors").read_bytes() == (folder / "exported.safetensors").read_bytes()
