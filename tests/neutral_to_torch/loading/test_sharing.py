"""Modules and tensors that are used in several places."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from faces import assert_holds
from neutral.errors import MatchError
from neutral.graph import Layer
from neutral.store import Store
from neutral.tensor import FileRange, Tensor
from neutral_to_torch import load_into
from stores import Builder


def test_two_layers_cannot_fill_one_module() -> None:
    b = Builder()
    b.linear("a", 5, 3)
    b.linear("b", 5, 3)
    with pytest.raises(MatchError, match=r"both belong to the module's fc\.weight"):
        load_into(nn.ModuleDict({"fc": nn.Linear(5, 3)}), b.store(), {"a": "fc", "b": "fc"})


def test_layers_with_the_same_tensors_share_a_module() -> None:
    b = Builder()
    b.linear("head", 5, 3)
    b.layer(
        "head_again",
        "linear",
        {},
        {"out_features": 3, "flatten": True},
        keys={"weight": "head.weight", "bias": "head.bias"},
    )
    plan = load_into(nn.ModuleDict({"head": nn.Linear(5, 3)}), b.store(graph=True))
    assert not plan.unused
    assert plan.pairs[0].nodes == ("head", "head_again")


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_shared_parameters_stay_shared(device: str) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(11, 4)
            self.decode = nn.Linear(4, 11, bias=False)
            self.decode.weight = self.embed.weight

    b = Builder()
    table = b.values(11, 4)
    b.layer("embed", "embedding", {"weight": table}, {"num_embeddings": 11, "embedding_dim": 4})
    b.layer("decode", "linear", {}, {"out_features": 11, "flatten": False}, keys={"weight": "embed.weight"})
    with torch.device(device):
        module = Tied()
    load_into(module, b.store())
    assert module.decode.weight is module.embed.weight
    np.testing.assert_array_equal(module.embed.weight.detach().numpy(), table)


def test_a_shared_parameter_needs_equal_tensors() -> None:
    module = nn.Module()
    module.a, module.b = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    module.b.weight = module.a.weight
    b = Builder()
    b.linear("a", 4, 4, bias=False)
    b.linear("b", 4, 4, bias=False)
    with pytest.raises(MatchError, match=r"a\.weight and b\.weight are not equal"):
        load_into(module, b.store())
    b.tensors["b.weight"] = b.tensors["a.weight"]
    load_into(module, b.store())


def test_one_stored_tensor_may_fill_two_that_then_live_apart(tmp_path) -> None:
    path = tmp_path / "raw"
    path.write_bytes(np.arange(4, dtype=np.float32).tobytes())
    tensor = Tensor("F32", (2, 2), (FileRange(str(path), 0, 16),))
    layers = {
        name: Layer(name, "linear", {"out_features": 2, "flatten": True}, {"weight": "a.weight"}) for name in "ab"
    }
    with torch.device("meta"):
        module = nn.ModuleDict({"a": nn.Linear(2, 2, bias=False), "b": nn.Linear(2, 2, bias=False)})
    plan = load_into(module, Store(layers, {"a.weight": tensor}))
    assert "one tensor in the store and 2 in the module" in plan.notes[0]
    with torch.no_grad():
        module["a"].weight.zero_()
    np.testing.assert_array_equal(module["b"].weight.detach().numpy(), [[0, 1], [2, 3]])


def test_a_module_under_two_names_is_filled_once() -> None:
    module = nn.Module()
    module.a = module.b = nn.Linear(5, 3)
    b = Builder()
    b.linear("a", 5, 3)
    store = b.store()
    plan = load_into(module, store)
    assert_holds(module, store, plan)
    assert not plan.unfilled
