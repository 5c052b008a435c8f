"""``load --like``: a checkpoint without a symbol takes the graph of another one of the same network."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import mxnet_to_neutral
from cli_cases import Run
from neutral.borrowed_graph import with_graph_of
from neutral.errors import MatchError, UsageError
from neutral.store import Store
from neutral.store.safetensors import read_tensors
from neutral.tensor import from_numpy

ROOT = Path(__file__).resolve().parents[3]
PREFIX = ROOT / "examples" / "shapes" / "shapes"


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """The parameters of a checkpoint without its symbol."""
    return Path(shutil.copy(f"{PREFIX}-0006.params", tmp_path / "alone.params"))


def test_the_graph_and_fixed_scales_are_those_of_the_other_checkpoint(alone: Path) -> None:
    with mxnet_to_neutral.read(alone) as store, mxnet_to_neutral.read(PREFIX, 6) as like:
        assert store.graph is None
        changed = {key: from_numpy(tensor.numpy() + 1) for key, tensor in store.tensors.items()}
        joined = with_graph_of(Store(store.layers, changed, None, store.source), like)
        assert (joined.graph, joined.layers) == (like.graph, like.layers)
        assert "the graph is that of" in joined.notes[-1]
        for layer in like.layers.values():
            for role, key in layer.tensors.items():
                is_fixed = layer.source is not None and layer.source.origins[role].rule == "ones"
                assert np.array_equal(joined.tensors[key].numpy(), like.tensors[key].numpy() + (not is_fixed)), key


def test_other_networks_are_refused(alone: Path) -> None:
    with mxnet_to_neutral.read(alone) as store, mxnet_to_neutral.read(PREFIX, 6) as like:
        with pytest.raises(UsageError, match="has a graph of its own"):
            with_graph_of(like, like)
        with pytest.raises(UsageError, match="has no graph"):
            with_graph_of(store, store)
        first, *others = store.layers.values()
        with pytest.raises(MatchError, match="missing"):
            with_graph_of(Store({layer.name: layer for layer in others}, store.tensors), like)
        key = first.tensors["weight"]
        shapes = {**store.tensors, key: from_numpy(np.zeros((1, 2), np.float32))}
        with pytest.raises(MatchError, match=r"has shape .*, and .* \(1, 2\)"):
            with_graph_of(Store(store.layers, shapes), like)
        missing = {name: layer for name, layer in like.layers.items() if name != first.name}
        with pytest.raises(MatchError, match="has no place"):
            with_graph_of(store, Store(missing, like.tensors, like.graph, like.source))


def test_a_checkpoint_without_a_symbol_is_proven_on_the_command_line(
    run: Run, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch.nn", reason="loads and emits modules")
    monkeypatch.chdir(tmp_path)
    assert run("export", f"{PREFIX}-symbol.json", f"{PREFIX}-0006.params", "-o", "like.safetensors").code == 0
    assert run("emit", "like.safetensors", "-o", "net.py", "--class-name", "Net").code == 0
    command = ("load", alone, "--into", "net.py:Net", "-o", "weights.safetensors")
    result = run(*command, "--like", "like.safetensors")
    assert (result.code, result.out.splitlines()[-1]) == (0, "proven by the store's meaning"), result.err
    written, expected = read_tensors("weights.safetensors"), read_tensors("net.safetensors")
    assert all(np.array_equal(written[key].numpy(), tensor.numpy()) for key, tensor in expected.items())
