"""The options --shape and --example: a module of other names is matched by its dataflow."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cli_cases import Run

torch = pytest.importorskip("torch.nn", reason="loads modules").modules.module.torch

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "shapes"


@pytest.fixture
def store(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a store, and ``renamed.py`` with the module of the example under other names."""
    monkeypatch.chdir(tmp_path)
    source = (EXAMPLE / "model.py").read_text(encoding="utf-8")
    names = sorted(set(re.findall(r"self\.(\w+)", source)), key=lambda name: name[::-1])
    source = re.sub(r"self\.(\w+)", lambda match: f"self.part{names.index(match.group(1))}", source)
    (tmp_path / "renamed.py").write_text(source, encoding="utf-8")
    assert run("export", EXAMPLE / "shapes", "-o", "store.safetensors").code == 0
    return "store.safetensors"


def load(run: Run, store: str, *options: object) -> object:
    return run("load", store, "--into", "renamed.py:Shapes", "-o", "w.pth", *options)


def test_without_an_example_names_alone_do_not_match(run: Run, store: str) -> None:
    assert load(run, store).code == 6


def test_a_shape_is_enough(run: Run, store: str) -> None:
    result = load(run, store, "--shape", "data=2,1,24,24", "--require-proof")
    assert (result.code, result.err) == (0, "")
    assert "conv1_1       convolution  part" in result.out


def test_arrays_are_enough(run: Run, store: str) -> None:
    array = np.ones((2, 1, 24, 24), np.float32)
    np.save("x.npy", array)
    np.savez("x.npz", data=array)
    torch.save({"data": torch.from_numpy(array)}, "x.pt")
    for file in ("x.npy", "x.npz", "x.pt"):
        assert load(run, store, "--example", file).code == 0


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--shape", "data"), 2, "invalid shape 'data'; expected for example data=1,3,224,224"),
        (("--shape", "data=1,0"), 2, "invalid shape 'data=1,0'"),
        (("--shape", "data=99999,99999"), 2, "expected at most 1,073,741,824 elements"),
        (("--shape", "date=2,1,24,24"), 2, "the store has no input 'date'; its inputs are data. Did you mean 'data'?"),
        (("--shape", "data=2,1,24,24", "--example", "x.npy"), 2, "not allowed with argument"),
        (("--example", "no.npy"), 3, "no.npy: cannot be read as .npy or .npz"),
        (("--example", "store.safetensors"), 3, "store.safetensors: cannot be read as .npy or .npz: its first bytes"),
        (("--example", "bare.pt"), 3, "bare.pt: this holds a Tensor. Expected a state dict: names and tensors."),
    ],
)
def test_mistakes(run: Run, store: str, options: tuple[str, ...], code: int, message: str) -> None:
    torch.save(torch.zeros(2, 1, 24, 24), "bare.pt")
    result = load(run, store, *options)
    assert result.code == code
    assert message in result.err
    assert not Path("w.pth").exists()


def test_verify_takes_a_shape_too(run: Run, store: str) -> None:
    golden = EXAMPLE / "golden.safetensors"
    words = ("verify", store, "--into", "renamed.py:Shapes", "--golden", golden)
    assert run(*words, "--shape", "data=2,1,24,24").code == 0
