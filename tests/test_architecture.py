"""Packages depend on the store only, modules form no import cycle, and nothing heavy is imported before it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from module_graph import PACKAGES, cycles, imported_packages, module_files, module_graph

READERS = {"mxnet_to_neutral", "mxnet_capture", "torch_to_neutral"}
WRITERS = {"neutral_to_torch", "neutral_to_mxnet", "neutral_to_onnx"}


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("neutral", READERS | WRITERS | {"torch", "mxnet"}),
        ("mxnet_to_neutral", WRITERS | {"torch", "mxnet", "torch_to_neutral"}),
        ("torch_to_neutral", WRITERS | {"mxnet", "mxnet_to_neutral", "mxnet_capture"}),
        ("neutral_to_torch", READERS | {"neutral_to_mxnet", "neutral_to_onnx", "mxnet"}),
        ("neutral_to_mxnet", READERS | {"neutral_to_torch", "neutral_to_onnx", "torch", "mxnet"}),
        ("neutral_to_onnx", READERS | {"neutral_to_torch", "neutral_to_mxnet", "torch", "mxnet"}),
    ],
)
def test_neutral_imports_no_reader_or_writer_and_they_do_not_import_each_other(
    package: str, forbidden: set[str]
) -> None:
    files = list(PACKAGES[package].rglob("*.py"))
    assert files
    violations = {str(path): sorted(imported_packages(path) & forbidden) for path in files}
    assert {path: names for path, names in violations.items() if names} == {}


def test_no_two_modules_import_each_other() -> None:
    """Imports inside functions count, those under ``TYPE_CHECKING`` do not."""
    assert cycles(module_graph(module_files())) == []


def test_the_module_graph_has_imports_of_functions_and_not_those_for_type_checkers(tmp_path: Path) -> None:
    sources = {
        "__init__": "",
        "a": "def function():\n    from example import b\n",
        "b": "from example.c import name\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import example.a\n",
        "c": "import example.b\nimport os\n",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    graph = module_graph(module_files({"example": tmp_path}))
    assert graph == {
        "example": set(),
        "example.a": {"example.b"},
        "example.b": {"example.c"},
        "example.c": {"example.b"},
    }
    assert cycles(graph) == [["example.b", "example.c"]]


@pytest.mark.parametrize("package", ["neutral", "mxnet_to_neutral", "torch_to_neutral", "neutral_to_mxnet"])
def test_every_module_can_be_imported_without_any_framework(package: str) -> None:
    """Also on the oldest Python, where this test is run as well."""
    names = [name for name in module_files({package: PACKAGES[package]}) if not name.endswith("__main__")]
    code = f"import importlib, sys\nsys.modules['torch'] = sys.modules['mxnet'] = None\nfor name in {names!r}:\n    "
    run = subprocess.run([sys.executable, "-c", code + "importlib.import_module(name)"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def loaded_after(code: str, *suspects: str, blocked: str = "") -> set[str]:
    """Return the suspects that are imported after code has run in a new interpreter without the module ``blocked``."""
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
