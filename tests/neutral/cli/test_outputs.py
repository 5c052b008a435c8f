"""No output destroys an input, another output, or a file that Neutral did not write; --no-clobber keeps all files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli_cases import Run, linear_store

WORDS = {
    "export": ("export", "model", "-o", "{}"),
    "convert": ("convert", "linear.safetensors", "{}"),
    "cast": ("cast", "linear.safetensors", "--to", "float16", "-o", "{}"),
    "slice": ("slice", "linear.safetensors", "fc1", "-o", "{}"),
    "merge": ("merge", "linear.safetensors", "-o", "{}"),
    "load": ("load", "linear.safetensors", "--into", "nets:Net", "--golden", "golden.safetensors", "-o", "{}"),
    "load --save-plan": (
        "load",
        "linear.safetensors",
        "--into",
        "nets:Net",
        "--mapping",
        "map.toml",
        "--save-plan",
        "{}",
    ),
    "verify --html": ("verify", "linear.safetensors", "--golden", "golden.safetensors", "--html", "{}"),
    "inspect --html": ("inspect", "linear.safetensors", "--html", "{}"),
    "emit": ("emit", "linear.safetensors", "-o", "{}"),
    "run": ("run", "linear.safetensors", "--input", "data=x.npz", "-o", "{}"),
}
INPUTS = {
    "export": ("model-0000.params", "model-symbol.json"),
    "load": ("linear.safetensors", "golden.safetensors", "nets.py"),
    "load --save-plan": ("linear.safetensors", "map.toml", "nets.py"),
    "verify --html": ("linear.safetensors", "golden.safetensors"),
}
CASES = [(verb, file) for verb in WORDS for file in INPUTS.get(verb, ("linear.safetensors",))]


@pytest.fixture
def inputs(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("model-0000.params", "model-symbol.json", "golden.safetensors", "nets.py", "map.toml"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


@pytest.mark.parametrize("alias", ["itself", "absolute", "relative", "symbolic link", "hard link"])
@pytest.mark.parametrize(("verb", "file"), CASES)
def test_no_output_is_an_input(verb: str, file: str, alias: str, inputs: Path, run: Run) -> None:
    (inputs / "sub").mkdir()
    name = {"itself": file, "absolute": str(inputs / file), "relative": f"sub/../{file}"}.get(
        alias, "x" + Path(file).suffix
    )
    if alias == "symbolic link":
        os.symlink(file, name)
    elif alias == "hard link":
        os.link(file, name)
    before = {path.name: path.read_bytes() for path in inputs.iterdir() if path.is_file()}
    result = run(*(word.format(name) for word in WORDS[verb]), *(("--force",) if alias == "itself" else ()))
    assert result.code == 2, result.err
    assert {path.name: path.read_bytes() for path in inputs.iterdir() if path.is_file()} == before
    assert len(result.err.splitlines()) == 1


def test_two_outputs_are_two_files(inputs: Path, run: Run) -> None:
    result = run("load", "linear.safetensors", "--into", "nets:Net", "-o", "x.toml", "--save-plan", "./x.toml")
    assert result.code == 2 and "two outputs" in result.err
    assert not (inputs / "x.toml").exists()


@pytest.mark.parametrize(
    ("verb", "target"),
    [
        ("emit", "own.py"),
        ("load --save-plan", "own.toml"),
        ("verify --html", "own.html"),
        ("inspect --html", "own.html"),
    ],
)
def test_a_file_of_a_person_is_kept_without_force(verb: str, target: str, inputs: Path, run: Run) -> None:
    (inputs / target).write_text("precious = 1\n")
    result = run(*(word.format(target) for word in WORDS[verb]))
    assert result.code == 8 and f"{target}: exists, and Neutral did not write it" in result.err
    assert "--force" in result.err
    assert (inputs / target).read_text() == "precious = 1\n"


def test_an_emitted_module_is_replaced_and_a_module_of_a_person_with_force(inputs: Path, run: Run) -> None:
    pytest.importorskip("torch.nn")
    (inputs / "own.py").write_text("precious = 1\n")
    assert run("emit", "linear.safetensors", "-o", "own.py", "--force").code == 0
    written = (inputs / "own.py").read_bytes()
    assert run("emit", "linear.safetensors", "-o", "own.py").code == 0
    assert (inputs / "own.py").read_bytes() == written


@pytest.mark.parametrize("words", [("x.safetensors",), ("x.safetensors", "--max-shard-size", "40")])
def test_no_clobber_keeps_what_exists(words: tuple[str, ...], inputs: Path, run: Run) -> None:
    assert run("convert", "linear.safetensors", *words, "--no-clobber").code == 0
    before = {path.name: path.read_bytes() for path in inputs.iterdir()}
    linear_store("other").save(inputs / "other.safetensors")
    result = run("convert", "other.safetensors", *words, "--no-clobber")
    assert result.code == 8 and "exists already" in result.err
    (inputs / "other.safetensors").unlink()
    assert {path.name: path.read_bytes() for path in inputs.iterdir()} == before


def test_exactly_one_of_many_processes_creates_a_file(inputs: Path) -> None:
    words = [sys.executable, "-m", "neutral", "convert", "linear.safetensors", "x.safetensors", "--no-clobber"]
    processes = [
        subprocess.Popen(words, cwd=inputs, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for _ in range(6)
    ]
    assert sorted(process.wait() for process in processes) == [0, 8, 8, 8, 8, 8]
