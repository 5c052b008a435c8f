from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path
from typing import Iterator

import pytest

from cli_cases import MODULE, Install, Result, Run, linear_store, write_checkpoint
from neutral.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Run]:
    """``neutral`` with these words, in this process; modules in the test's folder are forgotten afterwards."""

    def call(*words: object) -> Result:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    yield call
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(f"{tmp_path}{os.sep}"):
            del sys.modules[name]


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


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution with these entry points and this module (``acme_NUMBER``) on the path."""
    count = 0

    def make(entry_points: str, source: str) -> None:
        nonlocal count
        count += 1
        folder = tmp_path / f"site{count}"
        info = folder / f"acme_{count}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{count}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(textwrap.dedent(entry_points))
        (folder / f"acme_{count}.py").write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, f"acme_{count}", raising=False)  # another test's

    return make
