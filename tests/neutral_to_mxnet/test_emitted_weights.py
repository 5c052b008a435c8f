"""Fine-tuned weights of an emitted module become a checkpoint again, without a mapping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mxnet_to_neutral
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.plugins.emitted import recognise_emitted
from neutral.store import Store
from neutral.tensor import from_numpy
from neutral_to_mxnet import write

torch = pytest.importorskip("torch.nn")
import torch_to_neutral  # noqa: E402
from neutral_to_torch import build  # noqa: E402

NETWORKS = {
    "examples/shapes/shapes": 6,
    "tests/mxnet_to_neutral/fixtures/0.9.5-2/net": 1,
    "tests/mxnet_to_neutral/fixtures/1.9.1/net": 1,
}
ROOT = Path(__file__).resolve().parents[2]


def tuned(like: Store, path: Path) -> Store:
    """Return the state dict of the emitted module with every number changed, as a store of its own."""
    import torch

    module = build(like, dtype=torch.float32)
    state = {name: value + 0.5 if value.is_floating_point() else value for name, value in module.state_dict().items()}
    torch.save(state, path)
    return torch_to_neutral.read(path)


@pytest.mark.parametrize("name", NETWORKS)
def test_tuned_weights_are_written_back(name: str, tmp_path: Path) -> None:
    with mxnet_to_neutral.read(ROOT / name, NETWORKS[name]) as like, tuned(like, tmp_path / "tuned.pth") as weights:
        written = write(weights, tmp_path / "back", like=like)
        assert like.graph is not None and set(written.names) == {
            key for layer in like.graph.layer_names() for key in like.layers[layer].tensors.values()
        }
        with mxnet_to_neutral.read(tmp_path / "back-0000.params") as back:
            for key in written.names:
                assert np.allclose(back.tensors[key].numpy(), like.tensors[key].numpy() + 0.5, atol=1e-6), key


def test_names_of_other_networks_are_not_recognised(tmp_path: Path) -> None:
    with mxnet_to_neutral.read(ROOT / "examples/shapes/shapes", 6) as like, tuned(
        like, tmp_path / "tuned.pth"
    ) as weights:
        emitted = recognise_emitted(weights, like)
        assert emitted is not None and not emitted.constants
        layer = Layer("extra", "parameter", {}, {"value": next(iter(weights.tensors))})
        extra = {**weights.layers, "extra": layer}
        assert recognise_emitted(Store(extra, weights.tensors), like) is None
        first = next(iter(emitted.mapping.values()))
        shapes = {**weights.tensors, first: from_numpy(np.zeros((1, 2, 3), np.float32))}
        assert recognise_emitted(Store(weights.layers, shapes), like) is None


def test_the_emitters_names_come_before_equal_names(tmp_path: Path) -> None:
    """The emitter numbers layers in order of execution: a name of the weights may be that of another stored layer."""
    size = {"out_features": 2, "flatten": False}
    layers = {f"fc{k}": Layer(f"fc{k}", "linear", size, {"weight": f"fc{k}.weight"}) for k in (1, 2)}
    nodes = (
        Node("fc2", "linear", (Value("x"),), size, layer="fc2"),
        Node("fc1", "linear", (Value("fc2"),), size, layer="fc1"),
    )
    tensors = {f"fc{k}.weight": from_numpy(np.full((2, 2), k, "f4")) for k in (1, 2)}
    like = Store(layers, tensors, Graph((Input("x", (1, 2)),), nodes, (Value("fc1"),)))
    with tuned(like, tmp_path / "tuned.pth") as weights:
        emitted = recognise_emitted(weights, like)
        assert emitted is not None
        for key, tensor in like.tensors.items():
            assert (weights.tensors[emitted.mapping[key]].numpy() == tensor.numpy() + 0.5).all()
