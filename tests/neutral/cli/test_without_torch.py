"""Without PyTorch, a verb that needs it ends with exit code 5 and says how to install it."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from cli_cases import Run
from neutral.cli import VERBS

READING = {
    "export": "export w.pth -o x.safetensors",
    "inspect": "inspect w.pth",
    "check": "check w.pth",
    "convert": "convert w.pth x.h5",
    "diff": "diff linear.safetensors w.pth",
    "hash": "hash w.pth",
    "cast": "cast w.pth --to float16 -o x.safetensors",
    "slice": "slice w.pth fc1 -o x.safetensors",
    "merge": "merge w.pth linear.safetensors -o x.safetensors",
    "write": "write w.pth --like linear.safetensors -o x",
    "run": "run w.pth --input data=data.npy -o x.npz",
    "golden": "golden w.pth -o x.safetensors",
}
"""A state dict as the source of each verb that takes one."""

RUNNING = {
    "migrate": "migrate checkpoint -o net",
    "load": "load linear.safetensors --into plain:Net -o x.pth",
    "verify": "verify linear.safetensors --into plain:Net --golden golden.safetensors",
    "emit": "emit linear.safetensors -o x.py",
}
"""The verbs that run or write PyTorch."""

NEITHER = {
    "archive": "a state dict is one of the failures of the tree",
    "restore": "takes stores only",
    "doctor": "says what is installed",
    "completion": "prints a script",
}


@pytest.fixture
def folder(tmp_path: Path, store: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store, a checkpoint and a state dict, in a process without PyTorch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    with zipfile.ZipFile("w.pth", "w") as file:
        file.writestr("w/data.pkl", b"")
    Path("plain.py").write_text("import torch\nclass Net: pass\n")
    Path("data.npy").write_bytes(
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }" + b" " * 60 + b"\n"
    )
    return tmp_path


def test_every_verb_is_here() -> None:
    assert {*VERBS} == {*READING, *RUNNING, *NEITHER}


@pytest.mark.parametrize("command", READING.values(), ids=READING)
def test_a_state_dict_cannot_be_read(command: str, folder: Path, run: Run) -> None:
    result = run(*command.split())
    assert result.code == 5
    assert (
        "w.pth: PyTorch is needed to read its own files, and is not installed: pip install torch."
        in result.err + result.out
    )


@pytest.mark.parametrize("command", RUNNING.values(), ids=RUNNING)
def test_a_module_cannot_be_run_or_written(command: str, folder: Path, run: Run) -> None:
    result = run(*command.split())
    assert result.code == 5
    assert result.err == "neutral: error: PyTorch is not installed: pip install torch safetensors\n"
