"""``neutral completion``: the scripts offer every verb, option and choice, and the shells accept them."""

from __future__ import annotations

import builtins
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli_cases import Run
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
