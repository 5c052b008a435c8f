"""`neutral doctor` finds what is missing and what is broken."""

from __future__ import annotations

import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from cli_cases import Install, Run
from neutral.cli.doctor import PACKAGES

ROOT = Path(__file__).resolve().parents[3]


def test_a_sound_installation(run: Run) -> None:
    result = run("doctor")
    assert result.code == 0, result.out
    assert result.out.startswith("neutral ") and result.out.endswith("everything that is required works\n")
    document = run("doctor", "--json").json
    assert document["ok"] is True and document["problems"] == []
    assert {item["name"] for item in document["readers"]} >= {"mxnet", "torch"}
    assert next(item for item in document["packages"] if item["name"] == "numpy")["version"] == metadata.version(
        "numpy"
    )
    assert document["temporary"]["folder"] == tempfile.gettempdir() and document["temporary"]["free"] > 0


def test_a_missing_package_is_named_with_its_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    installed_version = metadata.version

    def version(name: str) -> str:
        if name in ("h5py", "numpy"):
            raise metadata.PackageNotFoundError(name)
        return installed_version(name)

    monkeypatch.setattr(metadata, "version", version)
    result = run("doctor", "--json")
    rows = {item["name"]: item for item in result.json["packages"]}
    assert rows["h5py"]["version"] is None and rows["h5py"]["install"] == "pip install h5py"
    assert result.code == 1 and result.json["problems"] == ["numpy is not installed: pip install numpy"]


def test_a_plug_in_that_cannot_be_imported_is_broken(run: Run, install: Install) -> None:
    install("[neutral.writers]\nodd = acme_1\n", "raise ValueError('no')")
    result = run("doctor")
    assert result.code == 1 and "problem: odd: the plug-in 'odd'" in result.out and "ValueError: no" in result.out


def test_a_temporary_folder_that_cannot_be_written_is_broken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("read-only")

    monkeypatch.setattr("neutral.scratch.ScratchFolder.__enter__", fail)
    result = run("doctor")
    assert result.code == 1 and "temporary files cannot be written: read-only; set TMPDIR" in result.out


def test_every_extra_exists() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    for name, extra, _ in PACKAGES:
        lines = [line for line in extras.splitlines() if line.startswith(f"{extra} = ")] if extra else [name]
        assert len(lines) == 1 and name in lines[0], name
