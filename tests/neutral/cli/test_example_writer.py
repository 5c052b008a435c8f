"""The example of a writer as a package: found by its entry point, ``--to`` uses it like Neutral's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_cases import Run, install_example, linear_store
from graphs import GraphBuilder
from neutral.store import Store
from neutral.store.safetensors import read_tensors

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "numpy_writer"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_example(EXAMPLE, "neutral_to_numpy.py", tmp_path / "site", monkeypatch)
    monkeypatch.chdir(tmp_path)


def perceptron() -> Store:
    g = GraphBuilder()
    x = g.input("data", (None, 2, 3))
    arrays = {"weight": g.values(4, 6), "bias": g.values(4)}
    hidden = g.node("relu", g.node("linear", x, name="fc1", arrays=arrays, out_features=4, flatten=True))
    logits = g.node("linear", hidden, name="fc2", arrays={"weight": g.values(3, 4)}, out_features=3, flatten=False)
    return g.store(g.node("softmax", g.node("add", logits, 0.5), axis=-1))


def run_source(path: str, *inputs: np.ndarray) -> Any:
    """Execute an emitted file and call its function."""
    scope: dict[str, Any] = {}
    exec(Path(path).read_text(), scope)
    weights = {key: tensor.numpy() for key, tensor in read_tensors(str(Path(path).with_suffix(".safetensors"))).items()}
    return scope["model"](weights, *inputs)


def test_it_emits_a_function_that_computes_the_network(run: Run, tmp_path: Path) -> None:
    store = perceptron()
    store.save("store.safetensors")
    result = run("emit", "store.safetensors", "--to", "numpy", "-o", "model.py", "--json")
    assert result.code == 0, result.err
    assert result.json["class_name"] == "model"
    x = np.random.default_rng(0).standard_normal((5, 2, 3)).astype(np.float32)
    arrays = {key: tensor.numpy() for key, tensor in store.tensors.items()}
    logits = np.maximum(x.reshape(5, 6) @ arrays["fc1.weight"].T + arrays["fc1.bias"], 0) @ arrays["fc2.weight"].T + 0.5
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(run_source("model.py", x), expected, rtol=1e-6)


def test_it_lists_operators_without_a_rule_and_writes_nothing(run: Run) -> None:
    g = GraphBuilder()
    g.store(g.node("sigmoid", g.node("exp", g.input()))).save("store.safetensors")
    for words in ((), ("--dry-run",)):
        result = run("emit", "store.safetensors", "--to", "numpy", "-o", "model.py", *words)
        assert result.code == 5
        assert "exp1: no rule for exp" in result.err and "sigmoid2: no rule for sigmoid" in result.err
    assert not Path("model.py").exists()


def test_it_refuses_options_and_commands_that_it_does_not_support(run: Run) -> None:
    linear_store().save("store.safetensors")
    refused = run("emit", "store.safetensors", "--to", "numpy", "-o", "model.py", "--pth")
    assert refused.code == 2 and "the writer 'numpy' has no option pth" in refused.err
    refused = run("verify", "store.safetensors", "--to", "numpy", "--golden", "golden.safetensors")
    assert refused.code == 2 and "the writer 'numpy' does not support this command" in refused.err


def test_the_document_quotes_the_example() -> None:
    source = (EXAMPLE / "neutral_to_numpy.py").read_text(encoding="utf-8")
    document = (EXAMPLE.parents[1] / "docs" / "adding-a-writer.md").read_text(encoding="utf-8")
    blocks = document.split("```python\n")[1:]
    assert blocks
    for block in blocks:
        assert block.split("```")[0].strip() in source
