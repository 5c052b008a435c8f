"""The example of a reader as a package: found by its entry point, it is a reader like Neutral's own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import neutral
from cli_cases import Run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "npy_reader"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip would lay down of the example, by what its ``pyproject.toml`` says."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = tmp_path / "site"
    info = site / f"npy_to_neutral-{project['version']}.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    lines = [line for group, points in project["entry-points"].items() for line in (f"[{group}]", *_items(points))]
    info.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n")
    shutil.copy(EXAMPLE / "npy_to_neutral.py", site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "npy_to_neutral", raising=False)


def _items(points: dict[str, str]) -> list[str]:
    return [f"{name} = {value}" for name, value in points.items()]


def test_it_is_short() -> None:
    assert len((EXAMPLE / "npy_to_neutral.py").read_text(encoding="utf-8").splitlines()) < 60


def test_every_verb_takes_its_files(run: Run, tmp_path: Path) -> None:
    values = {"weight": np.arange(6.0).reshape(2, 3), "counts": np.array([1, 2], np.int16).T}
    for name, array in values.items():
        np.save(tmp_path / f"{name}.npy", array)
    paths = [tmp_path / f"{name}.npy" for name in values]
    assert run("export", *paths, "-o", tmp_path / "s.safetensors").code == 0
    with neutral.open(tmp_path / "s.safetensors") as store:
        for name, array in values.items():
            np.testing.assert_array_equal(store[f"{name}.value"], array)
            assert store[f"{name}.value"].dtype == array.dtype
    assert run("inspect", paths[0], "--json").json["totals"]["parameters"] == 6


@pytest.mark.parametrize(
    ("content", "code"),
    [(np.array([{}], object), 3), (np.array(["a"]), 5), (np.array([1j]), 5)],
)
def test_what_it_refuses(run: Run, tmp_path: Path, content: np.ndarray, code: int) -> None:
    np.save(tmp_path / "a.npy", content, allow_pickle=True)
    refused = run("export", tmp_path / "a.npy", "-o", tmp_path / "s.safetensors")
    assert refused.code == code and "a.npy" in refused.err
    assert not (tmp_path / "s.safetensors").exists()
