"""Every verb with standard streams that are closed or full: complete outputs, a documented exit code, no traceback."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_cases import linear_store, write_checkpoint, write_golden
from injection import digests
from neutral.cli import main

VERBS: dict[str, tuple[str, ...]] = {
    "export": ("export", "model", "-o", "out.safetensors"),
    "migrate": ("migrate", "model", "-o", "migrated"),
    "inspect": ("inspect", "store.safetensors"),
    "inspect as JSON": ("inspect", "store.safetensors", "--json"),
    "check": ("check", "store.safetensors", "--data"),
    "convert": ("convert", "store.safetensors", "out.safetensors"),
    "diff": ("diff", "store.safetensors", "store.safetensors"),
    "hash": ("hash", "store.safetensors"),
    "cast": ("cast", "store.safetensors", "--to", "float16", "-o", "out.safetensors"),
    "slice": ("slice", "store.safetensors", "fc1", "-o", "out.safetensors"),
    "merge": ("merge", "store.safetensors", "-o", "out.safetensors"),
    "archive": ("archive", "tree", "--to", "archived", "--workers", "1"),
    "restore": ("restore", "exported.safetensors", "-o", "restored"),
    "write": ("write", "exported.safetensors", "--like", "exported.safetensors", "-o", "written"),
    "load": ("load", "store.safetensors", "--into", "nets:Net", "-o", "out.pth"),
    "verify": ("verify", "store.safetensors", "--into", "nets:Net", "--golden", "golden.safetensors"),
    "emit": ("emit", "store.safetensors", "-o", "net.py"),
    "run": ("run", "store.safetensors", "--input", "data=x.npy", "-o", "out.npz"),
    "golden": ("golden", "store.safetensors", "-o", "computed.safetensors"),
    "completion": ("completion", "bash"),
    "help": ("--help",),
}
NEED_TORCH = ("load", "verify", "emit", "migrate")


class FullStream(io.StringIO):
    """A stream on a full disk, which notices when it is flushed."""

    def flush(self) -> None:
        if self.getvalue():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The current folder, with an input for every verb."""
    if request.node.callspec.params["verb"] in NEED_TORCH:
        request.getfixturevalue("modules")
    monkeypatch.chdir(tmp_path)
    linear_store().save("store.safetensors")
    np.save("x.npy", np.ones((2, 3), np.float32))
    write_checkpoint(Path("model"))
    (tmp_path / "tree").mkdir()
    write_checkpoint(Path("tree") / "model")
    write_golden(Path("golden.safetensors"))
    assert main(["export", "model", "-o", "exported.safetensors", "--quiet"]) == 0
    return tmp_path


def run_with(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], **streams: Any) -> int:
    with monkeypatch.context() as patch:
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        try:
            code = main(words)
        except SystemExit as stop:  # of --help
            code = int(stop.code or 0)
        for name, stream in streams.items():
            assert getattr(sys, name) is stream
    return code


@pytest.mark.parametrize("verb", VERBS)
def test_closed_and_full_streams(inputs: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report, messages = io.StringIO(), io.StringIO()
    before = digests(str(inputs))
    assert run_with(monkeypatch, VERBS[verb], stdout=report, stderr=messages) == 0
    assert report.getvalue()
    outputs = digests(str(inputs))
    cases: list[tuple[dict[str, Any], int, str | None]] = [
        ({"stdin": None, "stdout": None, "stderr": None}, 0, None),
        ({"stdout": FullStream(), "stderr": io.StringIO()}, 8, "neutral: error: standard output: No space left on"),
        ({"stdout": FullStream(), "stderr": FullStream()}, 8, None),
        ({"stdout": io.StringIO(), "stderr": FullStream()}, 0, None),
    ]
    for streams, code, message in cases:
        remove_outputs(inputs, before)
        assert run_with(monkeypatch, VERBS[verb], **streams) == code, streams
        assert digests(str(inputs)) == outputs
        if message is not None:
            assert message in streams["stderr"].getvalue() and "Traceback" not in streams["stderr"].getvalue()


def remove_outputs(folder: Path, before: dict[str, str]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and str(path.relative_to(folder)) not in before:
            path.unlink()


@pytest.mark.parametrize("stream", [None, FullStream()])
def test_an_error_keeps_its_code(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_with(monkeypatch, ("inspect", "missing", "--json"), stdout=stream, stderr=stream) == 3


def test_a_store_is_not_written_to_a_closed_or_full_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    linear_store().save(tmp_path / "a.safetensors")
    words = ("slice", str(tmp_path / "a.safetensors"), "fc1", "-o", "-")
    assert run_with(monkeypatch, words, stdout=None) == 8
    assert capsys.readouterr().err == "neutral: error: -o -: standard output is closed; name a file.\n"
    with open("/dev/full", "wb", 0) as file, io.TextIOWrapper(file) as full:
        assert run_with(monkeypatch, words, stdout=full) == 8
    assert capsys.readouterr().err == "neutral: error: standard output: No space left on device.\n"


def test_a_store_is_not_read_from_a_closed_stream(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(monkeypatch, ("inspect", "-"), stdin=None) == 3
    assert capsys.readouterr().err == "neutral: error: -: standard input is closed; name a file.\n"


def test_no_output_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """Libraries in C write to descriptors 1 and 2, whatever they are."""
    linear_store().save(tmp_path / "a.safetensors")
    script = (
        "import os; from neutral.cli import streams\n"
        "with streams.standard_streams(): file = open('out', 'wb'); number = file.fileno(); os.write(2, b'noise')\n"
        "file.close(); raise SystemExit(number)"
    )
    command = f'"{sys.executable}" -c "$SCRIPT" <&- >&- 2>&-'
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env={**os.environ, "SCRIPT": script})
    assert done.returncode > 2
    assert (tmp_path / "out").read_bytes() == b""


def test_python_says_nothing_at_exit_about_a_full_stream() -> None:
    command = f'"{sys.executable}" -m neutral --version > /dev/full'
    done = subprocess.run(["bash", "-c", command], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (8, "neutral: error: standard output: No space left on device.\n")
