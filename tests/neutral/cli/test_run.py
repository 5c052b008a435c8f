"""``neutral run``: a graph evaluated in NumPy, from files to a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli_cases import Run

X = np.array([[1, 2, 3], [0, 1, 0]], np.float32)
EXPECTED = X @ np.arange(6, dtype=np.float32).reshape(2, 3).T + np.array([1, -1], np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "named.npz", data=X)
    np.savez(tmp_path / "several.npz", data=X, other=X)
    (tmp_path / "text.npy").write_text("text")
    return tmp_path


@pytest.mark.parametrize("given", ["data={}/x.npy", "{}/named.npz", "data={}/named.npz"])
def test_outputs_are_written_under_the_names_of_nodes(run: Run, store: Path, data: Path, given: str) -> None:
    result = run("run", store, "--input", given.format(data), "-o", data / "out.npz")
    assert (result.code, result.out.splitlines()[0]) == (0, "fc1: float32 (2, 2)")
    with np.load(data / "out.npz") as outputs:
        assert outputs.files == ["fc1"]
        np.testing.assert_array_equal(outputs["fc1"], EXPECTED)


def test_nodes_precision_and_json(run: Run, store: Path, data: Path) -> None:
    words = ("run", store, "--input", f"data={data}/x.npy", "-o", data / "out.npz", "--json")
    result = run(*words, "--output", "fc1:0", "--until", "fc1", "--precision", "float64")
    assert result.json["outputs"] == [{"name": name, "shape": [2, 2], "dtype": "float64"} for name in ("fc1:0", "fc1")]
    assert result.json["inputs"] == [{"name": "data", "shape": [2, 3], "dtype": "float32"}]


def test_the_same_outputs_are_the_same_bytes(run: Run, store: Path, data: Path) -> None:
    for name in ("a.npz", "b.npz"):
        assert run("run", store, "--input", f"data={data}/x.npy", "-o", data / name).code == 0
    assert (data / "a.npz").read_bytes() == (data / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--input", "x.npy"), 2, "invalid input 'x.npy'; expected NAME=FILE.npy, or FILE.npz"),
        ((), 2, "no array is given for the inputs data"),
        (("--input", "data={}/x.npy", "--input", "{}/named.npz"), 2, "input 'data' is given twice"),
        (("--input", "data={}/x.npy", "--output", "fc2"), 2, "no node 'fc2'. Did you mean 'fc1'?"),
        (("--input", "dat={}/x.npy"), 2, "no input 'dat'"),
        (("--input", "data={}/none.npy"), 3, "cannot be read as .npy or .npz"),
        (("--input", "data={}/text.npy"), 3, "cannot be read as .npy or .npz"),
        (("--input", "data={}/several.npz"), 3, "has 2 arrays; expected one"),
    ],
)
def test_mistakes(run: Run, store: Path, data: Path, words: tuple[str, ...], code: int, message: str) -> None:
    result = run("run", store, *(word.format(data) for word in words), "-o", data / "out.npz")
    assert result.code == code and message in result.err, result.err
    assert not (data / "out.npz").exists()


def test_outputs_are_an_archive_and_no_input(run: Run, store: Path, data: Path) -> None:
    words = ("run", store, "--input", f"data={data}/named.npz", "-o")
    assert "unknown suffix; expected .npz" in run(*words, data / "out.npy").err
    assert "would replace the source" in run(*words, data / "named.npz").err
