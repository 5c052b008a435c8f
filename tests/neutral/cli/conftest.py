from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cli_cases import MODULE, Result, Run, linear_store, write_checkpoint
from neutral.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """``neutral`` with these words, in this process."""

    def call(*words: object) -> Result:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return call


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "linear.safetensors"
    linear_store(notes=("array 'spare' is not used by the graph",)).save(path)
    return path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """The prefix of an MXNet checkpoint."""
    prefix = tmp_path / "checkpoint" / "model"
    prefix.parent.mkdir()
    write_checkpoint(prefix)
    return prefix


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the user's ``nets.py`` in it. Needs torch."""
    pytest.importorskip("torch.nn")  # ``torch`` alone would find the folder of tests for it
    (tmp_path / "nets.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    return tmp_path
