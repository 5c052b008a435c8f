"""``neutral run``: a graph evaluated in NumPy, from files to a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neutral
from cli_cases import Run
from neutral.errors import MismatchError, UsageError
from neutral.graph import Graph, Input, Node, Value
from neutral.reference import run_in_batches
from neutral.store import Store

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


def test_damaged_archives_of_inputs_are_refused(run: Run, store: Path, data: Path) -> None:
    """Errors of zip files, which are no errors of the system and no ValueError, were foreign ones."""
    content = (data / "named.npz").read_bytes()
    for position in range(0, 8 * len(content), 31):
        changed = bytearray(content)
        changed[position // 8] ^= 1 << position % 8
        (data / "damaged.npz").write_bytes(changed)
        result = run("run", store, "--input", data / "damaged.npz", "-o", data / "out.npz")
        assert result.code in (0, 2, 3, 6), (position, result.err)
    for length in range(0, len(content), 7):
        (data / "damaged.npz").write_bytes(content[:length])
        result = run("run", store, "--input", data / "damaged.npz", "-o", data / "out.npz")
        assert result.code == 3 and "damaged.npz: cannot be read as .npy or .npz" in result.err


def test_two_outputs_of_one_name_are_not_confused(run: Run, data: Path) -> None:
    """Output 1 of ``a`` and output 0 of ``a:1`` had one name, and the second replaced the first."""
    x = Value("data")
    split = Node("a", "split", (x,), {"axis": 0, "parts": 2})
    nodes = (split, Node("a:1", "relu", (x,), {}))
    graph = Graph((Input("data", (2, 3), "float32"),), nodes, (Value("a", 1), Value("a:1")))
    Store({}, {}, graph).save(data / "two.safetensors")
    words = ("run", data / "two.safetensors", "--input", f"data={data}/x.npy", "-o", data / "out.npz")
    result = run(*words)
    assert result.code == 2 and "two outputs named 'a:1': choose one with --output" in result.err
    golden = data / "golden.safetensors"
    words = ("golden", data / "two.safetensors", "--input", f"data={data}/x.npy", "-o", golden)
    assert run(*words).code == 2


@pytest.mark.parametrize("batch", ["1", "2", "5"])
def test_batches_are_joined(run: Run, store: Path, data: Path, batch: str) -> None:
    many = np.random.default_rng(0).standard_normal((5, 3), np.float32)
    np.save(data / "many.npy", many)
    words = ("run", store, "--input", f"data={data}/many.npy", "-o", data / "out.npz")
    result = run(*words, "--batch", batch, "--json")
    assert (result.json["batch"], result.json["outputs"][0]["shape"]) == (int(batch), [5, 2])
    with np.load(data / "out.npz") as joined:
        batched = joined["fc1"]
    assert run(*words).code == 0
    with np.load(data / "out.npz") as whole:
        np.testing.assert_allclose(batched, whole["fc1"], rtol=1e-6)


def test_batches_that_cannot_be_are_refused(run: Run, store: Path, data: Path) -> None:
    words = ("run", store, "--input", f"data={data}/x.npy", "-o", data / "out.npz", "--batch")
    assert "invalid number of samples '0'; expected 1 or more" in run(*words, "0").err
    inputs = {"x": np.zeros((4, 3), np.float32), "y": np.zeros((2, 3), np.float32)}
    nodes = (
        Node("sum", "add", (Value("x"), Value("y")), {}),
        Node("turned", "transpose", (Value("x"),), {"axes": (1, 0)}),
    )
    graph = Graph((Input("x"), Input("y")), nodes, (Value("turned"),))
    with pytest.raises(UsageError, match=r"equally many samples on their first axes; found x \(4, 3\), y \(2, 3\)"):
        run_in_batches(Store({}, {}, graph), inputs, 2)
    with pytest.raises(MismatchError, match=r"output 'turned' has shape \(3, 2\) for 2 samples"):
        run_in_batches(Store({}, {}, graph), {"x": inputs["x"]}, 2)


def test_progress_counts_the_nodes_of_all_batches(store: Path) -> None:
    steps: list[tuple[int, int]] = []
    with neutral.open(store) as opened:
        run_in_batches(opened, {"data": np.ones((3, 3), np.float32)}, 1, progress=lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_help_has_examples(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("run", "--help")
    assert "neutral run store.safetensors --input data=x.npy -o out.npz" in capsys.readouterr().out


def test_outputs_are_an_archive_and_no_input(run: Run, store: Path, data: Path) -> None:
    words = ("run", store, "--input", f"data={data}/named.npz", "-o")
    assert "unknown suffix; expected .npz" in run(*words, data / "out.npy").err
    assert "would replace the source" in run(*words, data / "named.npz").err
