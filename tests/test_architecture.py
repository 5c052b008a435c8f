"""The two halves share nothing but the store, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parents[1]
READERS = {"mxnet_to_neutral", "mxnet_capture", "torch_to_neutral"}
WRITERS = {"neutral_to_torch", "neutral_to_mxnet"}


def imports(path: Path) -> Iterator[str]:
    """The top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("neutral", READERS | WRITERS | {"torch", "mxnet"}),
        ("readers/mxnet_to_neutral", WRITERS | {"torch", "mxnet", "torch_to_neutral"}),
        ("readers/torch_to_neutral", WRITERS | {"mxnet", "mxnet_to_neutral", "mxnet_capture"}),
        ("writers/neutral_to_torch", READERS | {"neutral_to_mxnet", "mxnet"}),
        ("writers/neutral_to_mxnet", READERS | {"neutral_to_torch", "torch", "mxnet"}),
    ],
)
def test_dependencies_point_inwards(folder: str, forbidden: set[str]) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    broken = {str(path.relative_to(ROOT)): sorted(set(imports(path)) & forbidden) for path in files}
    assert {path: names for path, names in broken.items() if names} == {}


def loaded_after(code: str, *suspects: str, blocked: str = "") -> set[str]:
    """Which of the suspects are in memory after running code in a new interpreter, where ``blocked`` cannot be had."""
    script = (
        f"import sys; sys.modules[{blocked!r}] = None if {bool(blocked)} else sys\n{code}\n"
        f"print('\\n'.join(set({suspects!r}) & {{name for name, module in sys.modules.items() if module}}))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


HEAVY = ("torch", "numpy", "h5py", "mxnet", "safetensors")


def test_importing_neutral_is_light() -> None:
    assert loaded_after("import neutral, neutral.operators, neutral.manifest", *HEAVY) == set()


def test_the_help_is_light() -> None:
    code = "import neutral.cli\ntry:\n neutral.cli.main(['--help'])\nexcept SystemExit: pass"
    script_output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "export" in script_output.stdout
    indented = code.replace("\n", "\n ")
    quiet = f"import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n {indented}"
    assert loaded_after(quiet, *HEAVY, "importlib.metadata") == set()


def test_the_reader_half_needs_no_torch() -> None:
    assert loaded_after("import mxnet_to_neutral", *HEAVY, blocked="torch") == set()


def test_the_writer_half_needs_no_mxnet() -> None:
    pytest.importorskip("torch.nn")  # ``torch`` alone would find the folder of tests for it
    code = "import neutral_to_torch\nneutral_to_torch.load_into, neutral_to_torch.verify, neutral_to_torch.build"
    assert loaded_after(code, "mxnet", "mxnet_to_neutral", blocked="mxnet") == set()
