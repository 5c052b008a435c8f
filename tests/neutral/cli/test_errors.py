"""Every failure is one line on stderr and a documented exit code; no trace reaches a user who did not ask for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_cases import Run, linear_store, run_process
from neutral.cli import inspect
from neutral.errors import UnsupportedError
from neutral.text import printable


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("fly",), 2, "unknown verb 'fly'; expected one of migrate, export, inspect, check"),
        (("inspect",), 2, "SOURCE"),
        (("inspect", "x", "--jso"), 2, "--jso"),
        (("inspect", "missing.safetensors"), 3, "missing.safetensors: there is no such file"),
        (("inspect", "missing"), 3, "missing: no such file or folder, and no checkpoint has this prefix"),
        (
            ("export", "missing", "-o", "x.safetensors"),
            3,
            "missing: no such file or folder, and no checkpoint has this prefix",
        ),
        (("export", "missing"), 2, "-o/--output"),
        (("completion", "tcsh"), 2, "tcsh"),
    ],
)
def test_a_failure_is_one_line_and_an_exit_code(
    run: Run, words: tuple[str, ...], code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert result.code == code
    assert result.out == ""
    assert result.err.startswith("neutral: error: ")
    assert result.err.count("\n") == 1
    assert says in result.err
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_neither_store_nor_checkpoint(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    result = run("inspect", path)
    assert result.code == 3
    assert "unknown checkpoint format; the readers are mxnet" in result.err


def test_a_folder_named_as_a_store(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "model.safetensors"
    folder.mkdir()
    result = run("inspect", folder)
    assert result.code == 3
    assert f"{folder}: this is a folder" in result.err


def test_an_error_is_a_document_too(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes((1000).to_bytes(8, "little") + b"{")
    result = run("inspect", path, "--json")
    error = result.json["error"]
    assert result.code == error["exit_code"] == 4
    assert error["kind"] == "StoreError"
    assert error["message"] in result.err


def test_a_usage_error_is_a_document_too(run: Run) -> None:
    result = run("inspect", "--json")
    assert result.json["error"]["kind"] == "UsageError"
    assert result.json["error"]["exit_code"] == result.code == 2


def test_options_of_output_may_stand_before_the_verb(run: Run, store: Path) -> None:
    assert run("--json", "inspect", store).json == run("inspect", store, "--json").json


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes ``inspect`` raise."""

    def fail_with(error: BaseException) -> None:
        def describe(*_: Any) -> None:
            raise error

        monkeypatch.setattr(inspect, "describe", describe)

    return fail_with


def test_a_fault_of_our_own_asks_to_be_reported(run: Run, store: Path, failing: Any) -> None:
    failing(KeyError("oops"))
    result = run("inspect", store)
    assert result.code == 70
    assert result.err.startswith("neutral: error: unexpected KeyError: 'oops'. This is a bug in Neutral")
    assert "Traceback" not in result.err


def test_debug_shows_the_trace(run: Run, store: Path, failing: Any) -> None:
    failing(KeyError("oops"))
    result = run("inspect", store, "--debug")
    assert result.code == 70
    assert "Traceback (most recent call last)" in result.err


def test_interruption(run: Run, store: Path, failing: Any) -> None:
    failing(KeyboardInterrupt())
    result = run("inspect", store)
    assert (result.code, result.out, result.err) == (130, "", "neutral: error: interrupted.\n")


def test_a_list_of_problems_follows_the_line_indented(run: Run, store: Path, failing: Any) -> None:
    failing(UnsupportedError("two nodes are opaque:", ("node 'a'", "node 'b'")))
    result = run("inspect", store, "--json")
    assert result.code == 5
    assert result.err == "neutral: error: two nodes are opaque:\n  - node 'a'\n  - node 'b'\n"
    assert result.json["error"]["problems"] == ["node 'a'", "node 'b'"]


def test_an_error_of_the_system_names_its_file(run: Run, store: Path, failing: Any) -> None:
    failing(PermissionError(13, "Permission denied", "/secret"))
    result = run("inspect", store)
    assert (result.code, result.err) == (1, "neutral: error: /secret: Permission denied.\n")


def test_quiet_silences_the_report_but_no_error(run: Run, store: Path) -> None:
    assert run("inspect", store, "--quiet") == (type(run("--quiet", "inspect", store)))(0, "", "")
    assert run("inspect", store.with_name("none"), "--quiet").err.startswith("neutral: error: ")


def test_a_closed_pipe_is_no_error_to_speak_of(tmp_path: Path) -> None:
    path = tmp_path / "store.safetensors"
    linear_store(notes=tuple(f"note {i}" for i in range(20_000))).save(path)
    done = run_shell(f'"{sys.executable}" -m neutral inspect "{path}" | head -n 1; echo "${{PIPESTATUS[0]}}"')
    assert done.stderr == ""
    assert done.stdout.splitlines()[1:] == ["141"]


def run_shell(command: str) -> Any:
    import subprocess

    return subprocess.run(["bash", "-c", command], capture_output=True, text=True)


HOSTILE = "evil\x1b[2J\r\nneutral: error: \u202e\u0007\udc80"


def test_names_never_reach_the_terminal_as_they_are(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "store.safetensors"
    linear_store(name=HOSTILE.replace("\udc80", ""), notes=("a\nb\x1b]0;title\x07",)).save(path)
    result = run("inspect", path)
    assert result.code == 0
    assert "evil\\x1b[2J\\r\\nneutral: error: \\u202e\\x07" in result.out
    assert "note: a\\nb\\x1b]0;title\\x07" in result.out
    assert all(line.isprintable() for line in result.out.split("\n"))


def test_names_on_the_command_line_neither(run: Run) -> None:
    result = run("inspect", HOSTILE)
    assert result.code == 3
    assert all(line.isprintable() for line in result.err.split("\n"))
    assert not any(line.startswith("neutral: error") for line in result.err.split("\n")[1:])


@given(st.text(st.characters()))
def test_printable_text_is_kept_and_other_characters_are_escaped(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown
    assert not text.isprintable() or shown == text


def test_a_terminal_without_unicode(tmp_path: Path) -> None:
    path = tmp_path / "store.safetensors"
    linear_store(name="größe").save(path)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "neutral", "inspect", str(path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "gr\\xf6\\xdfe" in done.stdout


def test_run_process_and_main_agree(run: Run, store: Path) -> None:
    assert run_process("inspect", store).stdout == run("inspect", store).out
