"""Snippets of the documents run, or quote code that tests cover: no document shows code that does not exist."""

from __future__ import annotations

import doctest
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from documents import READ_IN_ORDER, Block, matches_output

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(set((ROOT / "docs").glob("*.md")) - set(READ_IN_ORDER))
SHELL = ("sh", "console")


def snippets(document: Path, *languages: str) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    blocks = re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(*match.groups()) for match in blocks if match.group(1) in languages]


def words(text: str) -> str:
    """Return a text with its white space reduced, to compare it across indentations."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def sources() -> list[str]:
    """Return the code that a document may quote."""
    folders = ("examples", "neutral", "readers", "writers", "tests")
    return [words(path.read_text(encoding="utf-8")) for name in folders for path in (ROOT / name).rglob("*.py")]


QUOTING = [path for path in DOCUMENTS if path.name != "operators.md"]
"""The functions of ``operators.md`` are made from the code, and run in ``tests/neutral/reference``."""


@pytest.mark.parametrize("document", QUOTING, ids=lambda path: path.name)
def test_python_is_quoted_or_runs(document: Path, sources: list[str]) -> None:
    for block in snippets(document, "python"):
        if ">>>" in block.text:
            pytest.importorskip("torch.nn", reason="the snippets use the emitter")
            if "onnx" in block.text:
                pytest.importorskip("onnx", reason="writes ONNX")
            test = doctest.DocTestParser().get_doctest(block.text, {}, document.name, str(document), 0)
            assert doctest.DocTestRunner().run(test).failed == 0
            continue
        for part in re.split(r"^ *\.\.\.$", block.text, flags=re.MULTILINE):
            assert any(words(part) in source for source in sources), f"{document.name} quotes no code:\n{part}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_toml_and_json_can_be_parsed(document: Path) -> None:
    for block in snippets(document, "toml"):
        assert tomllib.loads(block.text)
    for block in snippets(document, "json"):
        assert json.loads(block.text.replace("…", ""))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a user's folder: a checkpoint ``model``, its stores, a symbol with a plug-in's operator, the examples."""
    pytest.importorskip("torch.nn", reason="emits modules")
    pytest.importorskip("h5py", reason="writes HDF5")
    example = ROOT / "examples" / "shapes"
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shutil.copy(example / "shapes-symbol.json", tmp_path / "model-symbol.json")
    shutil.copy(example / "shapes-0006.params", tmp_path / "model-0006.params")
    shutil.copy(example / "golden.safetensors", tmp_path)
    inputs = [{"op": "null", "name": name, "inputs": []} for name in ("x", "y")]
    node = {"op": "_contrib_square_difference", "name": "error", "attrs": {}, "inputs": [[0, 0, 0], [1, 0, 0]]}
    symbol = {"nodes": [*inputs, node], "arg_nodes": [0, 1], "heads": [[2, 0, 0]]}
    (tmp_path / "squares-symbol.json").write_text(json.dumps(symbol), encoding="utf-8")
    for target in ("model.safetensors", "model.h5"):
        assert run(f"neutral convert model {target}", tmp_path).returncode == 0
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = f"{shlex.quote(sys.executable)} -m neutral"
    script = re.sub(r"\bneutral (?=[a-z])", f"{program} ", command)
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if snippets(path, *SHELL)], ids=lambda path: path.name)
def test_commands_run_and_print_what_is_shown(document: Path, folder: Path) -> None:
    for block in snippets(document, *SHELL):
        for command, expected in block.commands():
            if "onnx" in command:
                pytest.importorskip("onnx", reason="writes ONNX")
            done = run(command, folder)
            assert done.returncode == 0, f"{document.name}: {command}\n{done.stderr}"
            assert expected is None or matches_output(done.stdout, expected), f"{command} printed\n{done.stdout}"
