from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli_cases import Run
from neutral.store.safetensors import write_tensors
from neutral.tensor import from_numpy


@pytest.fixture
def like(run: Run, checkpoint: Path, tmp_path: Path) -> Path:
    assert run("export", checkpoint, "-o", tmp_path / "model.safetensors").code == 0
    return tmp_path / "model.safetensors"


def weights(folder: Path, **changes: np.ndarray | None) -> Path:
    """A state dict for the checkpoint's one layer."""
    arrays = {"fc1.weight": np.full((2, 3), 5, np.float32), "fc1.bias": np.full(2, 7, np.float32)}
    arrays.update({name.replace("__", "."): value for name, value in changes.items()})  # type: ignore[misc]
    path = folder / "trained.safetensors"
    write_tensors({name: from_numpy(array) for name, array in arrays.items() if array is not None}, path)
    return path


def test_weights_become_a_checkpoint(run: Run, like: Path, checkpoint: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "new"
    result = run("write", weights(tmp_path), "--like", like, "-o", prefix, "--epoch", 3, "--json")
    assert result.code == 0, result.err
    assert result.json["files"] == [f"{prefix}-0003.params", f"{prefix}-symbol.json"]
    assert result.json["tensors"] == {"fc1.weight": "fc1.weight", "fc1.bias": "fc1.bias"}
    assert Path(f"{prefix}-symbol.json").read_bytes() == Path(f"{checkpoint}-symbol.json").read_bytes()
    written, original = (Path(p).read_bytes() for p in (f"{prefix}-0003.params", f"{checkpoint}-0000.params"))
    assert written == original.replace(np.arange(6, dtype="<f4").tobytes(), np.full(6, 5, "<f4").tobytes()).replace(
        np.array([1, -1], "<f4").tobytes(), np.full(2, 7, "<f4").tobytes()
    )


def test_names_may_be_spelled_otherwise_or_mapped(run: Run, like: Path, tmp_path: Path) -> None:
    path = weights(tmp_path, fc1__weight=None, head__w=np.full((2, 3), 5, np.float32))
    (tmp_path / "map.toml").write_text('"fc1.weight" = "head.w"\n"fc1.bias" = "fc1.bias"\n')
    result = run("write", path, "--like", like, "-o", tmp_path / "new", "--mapping", tmp_path / "map.toml")
    assert result.code == 0, result.err


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"fc1__bias": None}, "fc1.bias (2,): the weights have no tensor of this name"),
        ({"fc1__bias": np.ones(3, np.float32)}, "fc1.bias has shape (2,), and fc1.bias of the weights has (3,)"),
        ({"fc2__bias": np.ones(3, np.float32)}, "the checkpoint has no place for fc2.bias"),
        ({"fc1__bias": np.ones(2, np.int64)}, "fc1.bias is float32, and fc1.bias of the weights is int64"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    run: Run, like: Path, tmp_path: Path, changes: dict[str, np.ndarray | None], problem: str
) -> None:
    result = run("write", weights(tmp_path, **changes), "--like", like, "-o", tmp_path / "new")
    assert (result.code, list(tmp_path.glob("new*"))) == (6, [])
    assert problem in result.err


def test_leftovers_may_be_allowed(run: Run, like: Path, tmp_path: Path) -> None:
    path = weights(tmp_path, fc1__bias=None, fc2__bias=np.ones(3, np.float32))
    allow = ("--allow-missing", "fc1.bias", "--allow-unused", "fc2.*")
    result = run("write", path, "--like", like, "-o", tmp_path / "new", *allow, "--json")
    assert (result.code, result.json["notes"]) == (0, ["kept as the checkpoint has them: fc1.bias"])


def test_files_that_are_there_are_replaced_only_by_force(run: Run, like: Path, tmp_path: Path) -> None:
    (tmp_path / "new-symbol.json").write_text("mine")
    command = ("write", weights(tmp_path), "--like", like, "-o", tmp_path / "new")
    refused = run(*command)
    assert (refused.code, (tmp_path / "new-symbol.json").read_text()) == (8, "mine")
    assert not (tmp_path / "new-0000.params").exists()
    assert run(*command, "--dry-run", "--force").code == 0 and not (tmp_path / "new-0000.params").exists()
    assert run(*command, "--force").code == 0 and (tmp_path / "new-0000.params").exists()


def test_half_precision_is_widened_to_what_the_checkpoint_has(run: Run, like: Path, tmp_path: Path) -> None:
    path = weights(tmp_path, fc1__bias=np.full(2, 7, np.float16))
    result = run("write", path, "--like", like, "-o", tmp_path / "new", "--json")
    assert result.json["notes"] == ["fc1.bias is written as float32, from float16"]


def test_another_framework_has_no_writer(run: Run, tmp_path: Path) -> None:
    run("export", weights(tmp_path), "-o", tmp_path / "torch.safetensors")
    result = run("write", weights(tmp_path), "--like", tmp_path / "torch.safetensors", "-o", tmp_path / "new")
    assert (
        result.code == 2 and "the writer 'torch' does not support this command: it has no method 'write'" in result.err
    )
