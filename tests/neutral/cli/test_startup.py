"""Imports of the command line, and its help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cli_cases import Run, run_process
from neutral import __version__
from neutral.cli import VERBS, main

HEAVY = {"numpy", "torch", "h5py", "mxnet", "safetensors", "rich", "fsspec"}
READERS_AND_WRITERS = {"mxnet_to_neutral", "neutral_to_torch", "neutral_to_mxnet", "neutral_to_onnx"}


def modules_after(*words: object) -> set[str]:
    """The top-level modules that are imported when the command has run."""
    code = (
        "import sys\nfrom neutral.cli import main\n"
        "try:\n    code = main(sys.argv[1:])\nexcept SystemExit as stop:\n    code = stop.code\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("--version",), *((verb, "--help") for verb in VERBS)])
def test_help_imports_nothing_heavy_and_looks_up_no_plugin(words: tuple[str, ...]) -> None:
    assert not modules_after(*words) & (HEAVY | READERS_AND_WRITERS | {"importlib_metadata", "email"})


def test_inspecting_a_store_imports_nothing_heavy(store: Path) -> None:
    assert not modules_after("inspect", store) & (HEAVY | READERS_AND_WRITERS)


def test_inspecting_a_checkpoint_imports_the_reader_and_nothing_heavy(checkpoint: Path) -> None:
    modules = modules_after("inspect", checkpoint)
    assert "mxnet_to_neutral" in modules
    assert not modules & (HEAVY | {"neutral_to_torch", "neutral_to_mxnet", "neutral_to_onnx", "email"})


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"neutral {__version__}\n"


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert [verb for verb in VERBS if f"    {verb}" not in text] == []


def test_no_words_at_all_show_the_help_and_are_a_usage_error(run: Run) -> None:
    result = run()
    assert result.code == 2
    assert result.out == ""
    assert "usage: neutral" in result.err


def test_the_package_runs_as_a_module() -> None:
    assert run_process("--version").stdout == f"neutral {__version__}\n"
