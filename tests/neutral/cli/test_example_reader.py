"""The example of a reader as a package: found by its entry point, every verb uses it like Neutral's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neutral
from cli_cases import Run, install_example

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "npy_reader"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_example(EXAMPLE, "npy_to_neutral.py", tmp_path / "site", monkeypatch)


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
def test_it_refuses_objects_and_dtypes_that_a_store_lacks(
    run: Run, tmp_path: Path, content: np.ndarray, code: int
) -> None:
    np.save(tmp_path / "a.npy", content, allow_pickle=True)
    refused = run("export", tmp_path / "a.npy", "-o", tmp_path / "s.safetensors")
    assert refused.code == code and "a.npy" in refused.err
    assert not (tmp_path / "s.safetensors").exists()


def test_the_document_quotes_the_example() -> None:
    source = (EXAMPLE / "npy_to_neutral.py").read_text(encoding="utf-8")
    document = (EXAMPLE.parents[1] / "docs" / "adding-a-reader.md").read_text(encoding="utf-8")
    blocks = document.split("```python\n")[1:]
    assert blocks
    for block in blocks:
        assert block.split("```")[0].strip() in source
