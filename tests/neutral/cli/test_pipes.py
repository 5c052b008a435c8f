from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

import neutral
from cli_cases import linear_store


def neutral_with(given: bytes, *words: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "neutral", *map(str, words)]
    return subprocess.run(command, input=given, capture_output=True)


@pytest.fixture
def packed(checkpoint: Path) -> bytes:
    """The checkpoint as SageMaker packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted(checkpoint.parent.iterdir()):
            tar.add(path, path.name)
    return buffer.getvalue()


def test_a_checkpoint_comes_in_and_a_store_goes_out(packed: bytes, tmp_path: Path) -> None:
    done = neutral_with(packed, "export", "-", "-o", "-")
    assert done.returncode == 0, done.stderr
    (tmp_path / "model.safetensors").write_bytes(done.stdout)
    with neutral.open(tmp_path / "model.safetensors") as store:
        assert store.layers["fc1"].kind == "linear"
    assert b"1 layer, 2 tensors" in done.stderr


@pytest.mark.parametrize("name", ["model.safetensors", "model.h5"])
def test_stores_go_through(tmp_path: Path, name: str) -> None:
    if name.endswith(".h5"):
        pytest.importorskip("h5py", reason="h5py is not installed")
    linear_store().save(tmp_path / name)
    cast = neutral_with((tmp_path / name).read_bytes(), "cast", "-", "--to", "float16", "-o", "-")
    assert cast.returncode == 0, cast.stderr
    shown = neutral_with(cast.stdout, "inspect", "-")
    assert shown.returncode == 0 and b"float16" in shown.stdout


def test_a_parameter_file_alone(checkpoint: Path) -> None:
    done = neutral_with(Path(f"{checkpoint}-0000.params").read_bytes(), "hash", "-")
    assert done.returncode == 0 and done.stdout.count(b"\n") == 2


def test_invalid_uses_of_pipes(packed: bytes, tmp_path: Path) -> None:
    failed = neutral_with(packed[:50], "export", "-", "-o", "-")
    assert (failed.returncode, failed.stdout) == (3, b"")
    assert neutral_with(b"", "inspect", "-").returncode == 3
    assert b"can be read once" in neutral_with(packed, "diff", "-", "-").stderr
    linear_store().save(tmp_path / "model.safetensors")
    refused = neutral_with(b"", "restore", tmp_path / "model.safetensors", "-o", "-")
    assert refused.returncode == 2 and b"more than one file" in refused.stderr


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_temporary_files_are_called_by_the_name_that_was_given(
    packed: bytes, tmp_path: Path, options: tuple[str, ...]
) -> None:
    linear_store().save(tmp_path / "model.safetensors")
    given = (tmp_path / "model.safetensors").read_bytes()
    for stream, words in (
        (packed, ("export", "-", "-o", "-")),
        (given, ("slice", "-", "fc1", "-o", "-")),
        (given, ("cast", "-", "--to", "float16", "-o", "-")),
        (packed[:50], ("export", "-", "-o", "-")),
        (b"neither a store nor a checkpoint", ("inspect", "-")),
    ):
        done = neutral_with(stream, *words, *options)
        told = done.stderr + (b"" if "-o" in words else done.stdout)
        assert tempfile.gettempdir().encode() not in told and b"neutral-" not in told, told
        assert b"wrote -: " in told or b'"output": "-"' in told or b"-: " in told
