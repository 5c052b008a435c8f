"""``neutral completion``: the scripts offer every verb, option and choice, and the shells accept them."""

from __future__ import annotations

import builtins
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli_cases import Run, linear_store, write_checkpoint
from neutral.cli import VERBS, parser

shtab = pytest.importorskip("shtab")

SHELLS = [shell for shell in ("bash", "zsh", "fish") if shell in shtab.SUPPORTED_SHELLS]


def completions(run: Run, shell: str, words: list[str], folder: Path) -> list[str]:
    """Return the completions that the shell offers for the last of the words."""
    script = run("completion", shell).out
    line = " ".join(f"'{word}'" for word in words)
    position = len(words) - 1
    code = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={position}; _shtab_neutral\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]


def test_bash_offers_verbs(run: Run, tmp_path: Path) -> None:
    assert completions(run, "bash", ["neutral", "in"], tmp_path) == ["inspect"]
    assert set(VERBS) <= set(completions(run, "bash", ["neutral", ""], tmp_path))


def test_bash_offers_a_verbs_options_and_choices(run: Run, tmp_path: Path) -> None:
    assert completions(run, "bash", ["neutral", "export", "--no"], tmp_path) == ["--no-digests", "--no-clobber"]
    assert completions(run, "bash", ["neutral", "completion", "fi"], tmp_path) == ["fish"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with stores and a checkpoint, and with ``neutral`` on the path."""
    program = tmp_path / "bin" / "neutral"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m neutral "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    linear_store("conv0_fc").save(tmp_path / "net.safetensors")
    linear_store("$(touch evil) `touch evil`").save(tmp_path / "evil.safetensors")
    write_checkpoint(tmp_path / "model")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("neutral slice net.safetensors --until co", ["conv0_fc"]),
        ("neutral slice net.safetensors con", ["conv0_fc"]),
        ("neutral run net.safetensors --until x", []),
        ("neutral emit net.safetensors -o model.py --outputs conv0", ["conv0_fc"]),
        ("neutral cast net.safetensors --keep conv0_fc.w", ["conv0_fc.weight"]),
        ("neutral run model --until f", ["fc1"]),
        ("neutral run absent.safetensors --until f", []),
        ("neutral slice evil.safetensors --until ''", []),
    ],
)
def test_bash_offers_the_names_in_the_store_on_the_line(run: Run, folder: Path, line: str, offered: list[str]) -> None:
    assert list(filter(None, completions(run, "bash", shlex.split(line), folder))) == offered
    assert not (folder / "evil").exists()


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not here")
def test_zsh_offers_them_too(run: Run, folder: Path) -> None:
    script = run("completion", "zsh").out
    code = f"{script}\ncompadd() {{ print -l $names }}\nwords=(neutral slice net.safetensors --until c)\n_neutral_nodes"
    done = subprocess.run(["zsh", "-f", "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.stdout.split() == ["conv0_fc"]
    assert ":_neutral_nodes" in script and ":_neutral_layers" in script


def test_names_are_one_in_a_line_and_errors_are_none(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = run("completion", "tensors", "--", "cast", "net.safetensors", "--keep")
    assert result.code == 0 and set(result.out.split()) == {"spare", "conv0_fc.weight", "conv0_fc.bias"}
    (folder / "broken.safetensors").write_bytes(b"x" * 99)
    for words in ((), ("broken.safetensors",), ("evil.safetensors",), ("nothing",)):
        result = run("completion", "nodes", "--", *words)
        assert (result.code, result.out, result.err) == (0, "", "")


def test_bash_offers_files_with_spaces(run: Run, tmp_path: Path) -> None:
    (tmp_path / "my model.safetensors").touch()
    assert completions(run, "bash", ["neutral", "inspect", "my"], tmp_path) == ["my model.safetensors"]
    assert completions(run, "bash", ["neutral", "export", "a", "-o", "my"], tmp_path) == ["my model.safetensors"]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_offers_every_verb_and_option(run: Run, shell: str) -> None:
    script = run("completion", shell).out
    for verb in VERBS:
        assert verb in script
        options = next(iter(parser((verb,))._subparsers._group_actions)).choices[verb]._option_string_actions  # type: ignore[union-attr]
        missing = [option for option in options if option.lstrip("-") not in script]
        assert missing == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_itself_takes_the_script(run: Run, shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None or shell not in SHELLS:
        pytest.skip(f"{shell} is not here")
    script = tmp_path / "script"
    script.write_text(run("completion", shell).out)
    assert subprocess.run([program, "-n", str(script)], capture_output=True, text=True).stderr == ""


def test_a_shell_that_shtab_lacks_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shtab, "SUPPORTED_SHELLS", ["bash"])
    result = run("completion", "fish")
    assert result.code == 5 and "does not support fish: pip install --upgrade shtab" in result.err


def test_without_shtab_it_says_how_to_install_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_shtab(name: str, *arguments: Any) -> Any:
        if name == "shtab":
            raise ImportError(name)
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_shtab)
    result = run("completion", "bash")
    assert result.code == 5 and "pip install shtab" in result.err
