"""Every command and snippet of the site's first page, tutorials and help runs in a reader's order, with its output.

Commands run in a folder beside the examples, as in a clone. Where there is no MXNet, a document ends at the command
that records values in it.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from document_reader import Reader
from documents import DOCS, READ_IN_ORDER, ROOT, blocks_of
from mxnet_side.client import mxnet_python

SETTING_UP = re.compile(r"python3 -m venv|\. \.venv|pip install|uvx |pipx ")
"""Commands that install: the tests run with Neutral installed."""

RECORDING = re.compile(r"(?:uv run|python) (?:\S*/)?mxnet_capture\.py (.*)")


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    pytest.importorskip("torch", reason="loads and emits modules")
    pytest.importorskip("onnxruntime", reason="verifies ONNX files")
    pytest.importorskip("h5py", reason="the documents convert to HDF5")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "readers").symlink_to(ROOT / "readers")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "neutral").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m neutral "$@"\n')
    (programs / "neutral").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return Reader(tmp_path, environment, {}, in_process=True)


def recorded(command: str) -> str:
    """Return a command that records in the MXNet of this machine; without one, the rest of the document is skipped."""
    match, mxnet = RECORDING.fullmatch(command), mxnet_python()
    if mxnet is None:
        pytest.skip("the rest of the document compares with values that real MXNet records")
    assert match
    return f"{mxnet} {ROOT / 'readers' / 'mxnet_capture.py'} {match[1]}"


@pytest.mark.parametrize("document", READ_IN_ORDER, ids=lambda path: str(path.relative_to(DOCS)))
def test_a_reader_gets_what_the_document_shows(document: Path, reader: Reader) -> None:
    for block in blocks_of(document.read_text(encoding="utf-8")):
        if block.language == "python":
            reader.run(block)
        for command, expected in block.commands():
            if SETTING_UP.match(command):
                continue
            if RECORDING.fullmatch(command):
                command = recorded(command)
            reader.run_command(command, expected)


def test_the_navigation_has_every_document() -> None:
    """A page that the navigation lacks cannot be found; mkdocs finds pages that do not exist."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md"):
        assert re.search(rf"[\s:]{re.escape(str(path.relative_to(DOCS)))}$", navigation, re.MULTILINE), path


def test_every_tutorial_checkpoint_is_used() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in READ_IN_ORDER)
    for folder in (ROOT / "examples" / "tutorials").iterdir():
        assert not folder.is_dir() or folder.name == "__pycache__" or f"examples/tutorials/{folder.name}" in text
