from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cli_cases import Run
from neutral.cli import VERBS


def completions(run: Run, shell: str, words: list[str], folder: Path) -> list[str]:
    """What the shell offers for the last of these words."""
    script = run("completion", shell).out
    line = " ".join(f"'{word}'" for word in words)
    code = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _neutral\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]


def test_bash_offers_verbs(run: Run, tmp_path: Path) -> None:
    assert completions(run, "bash", ["neutral", "in"], tmp_path) == ["inspect"]
    assert set(VERBS) < set(completions(run, "bash", ["neutral", ""], tmp_path))


def test_bash_offers_a_verbs_options_and_choices(run: Run, tmp_path: Path) -> None:
    assert completions(run, "bash", ["neutral", "export", "--no"], tmp_path) == ["--no-digests"]
    assert completions(run, "bash", ["neutral", "completion", "fi"], tmp_path) == ["fish"]


def test_bash_offers_files_with_spaces(run: Run, tmp_path: Path) -> None:
    (tmp_path / "my model.safetensors").touch()
    assert completions(run, "bash", ["neutral", "inspect", "my"], tmp_path) == ["my model.safetensors"]


def test_zsh_uses_the_same_through_bashcompinit(run: Run) -> None:
    script = run("completion", "zsh").out
    assert "bashcompinit" in script
    assert script.endswith(run("completion", "bash").out)


def test_fish_offers_verbs_and_options(run: Run) -> None:
    lines = run("completion", "fish").out.splitlines()
    assert (
        "complete -c neutral -n __fish_use_subcommand -f -a export -d 'write a checkpoint as a neutral store'" in lines
    )
    options = [line for line in lines if "'__fish_seen_subcommand_from export'" in line]
    assert any("-s o -l output -r -d " in line for line in options)
    assert any("-l no-digests -d " in line for line in options)
    assert any(line.endswith("-f -a 'bash fish zsh'") for line in lines)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_itself_takes_the_script(run: Run, shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not here")
    script = tmp_path / "script"
    script.write_text(run("completion", shell).out)
    assert subprocess.run([program, "-n", str(script)], capture_output=True, text=True).stderr == ""
