"""Modules whose source was emitted up to a node take their store, and their tuned weights are written back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import mxnet_to_neutral
import networks
import torch_to_neutral
from neutral.errors import MatchError
from neutral.store import Store
from neutral_to_mxnet import write
from neutral_to_torch import build, load_into, make_plan
from neutral_to_torch.emission.build import import_source
from neutral_to_torch.emission.compose import compose

LACKING = ("fc7", "fc8")


def part_of(store: Store, until: str) -> nn.Module:
    """Return the module that is emitted up to a node, with weights of its own."""
    emission = compose(store, until=until)
    module: nn.Module = getattr(import_source(emission.source), emission.class_name)()
    return module.eval()


@pytest.mark.parametrize("until", ["fc6", "relu6"])
@pytest.mark.parametrize("example", [torch.randn(1, 3, 32, 32), None])
def test_an_emitted_part_takes_the_whole_store(until: str, example: torch.Tensor | None) -> None:
    store = networks.vgg()
    module = part_of(store, until)
    plan = load_into(module, store, example=example, allow_unused=LACKING, require_proof=True)
    assert f"compared with the store up to {until}, where the module's source ends" in plan.notes
    data = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(module(data), build(store, until=until)(data))


def test_layers_that_a_part_lacks_must_be_allowed() -> None:
    store = networks.vgg()
    for allowed in ((), ("fc8",)):
        with pytest.raises(MatchError):
            make_plan(part_of(store, "fc6"), store, allow_unused=allowed)


def test_a_part_that_was_edited_is_not_taken_as_emitted() -> None:
    class Edited(nn.Sequential):
        def forward(self, data: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = super().forward(data)
            return result.tanh()

    store = networks.vgg()
    plan = make_plan(Edited(part_of(store, "fc6")), store, allow_unused=LACKING, example=torch.randn(1, 3, 32, 32))
    assert not plan.grade.is_proven


def with_outputs(store: Store, *outputs: str) -> nn.Module:
    """Return the module that is emitted with some nodes as outputs, with weights of its own."""
    emission = compose(store, outputs=outputs)
    module: nn.Module = getattr(import_source(emission.source), emission.class_name)()
    return module.eval()


@pytest.mark.parametrize("outputs", [("relu6", "fc8"), ("fc6", "relu7"), ("relu7", "fc6"), ("prob", "fc6")])
@pytest.mark.parametrize("example", [torch.randn(1, 3, 32, 32), None])
def test_a_module_emitted_with_several_outputs_takes_the_store(
    outputs: tuple[str, ...], example: torch.Tensor | None
) -> None:
    store = networks.vgg()
    module = with_outputs(store, *outputs)
    plan = load_into(module, store, example=example, allow_unused=LACKING, require_proof=True)
    assert f"compared with the store up to {', '.join(outputs)}, where the module's source ends" in plan.notes
    data = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        for value, expected in zip(module(data), build(store, outputs=outputs)(data)):
            torch.testing.assert_close(value, expected)


def test_layers_that_a_module_of_several_outputs_lacks_must_be_allowed() -> None:
    store = networks.vgg()
    make_plan(with_outputs(store, "relu6", "fc8"), store, require_proof=True)  # it lacks none
    with pytest.raises(MatchError):
        make_plan(with_outputs(store, "fc6", "relu7"), store)


def test_stated_outputs_prove_nothing() -> None:
    class Edited(nn.Module):
        def __init__(self, inside: nn.Module) -> None:
            super().__init__()
            self.inside = inside

        def forward(self, data: torch.Tensor) -> tuple[torch.Tensor, ...]:
            one, two = self.inside(data)
            return two, one

    store = networks.vgg()
    edited = Edited(with_outputs(store, "relu6", "relu7"))
    Edited.__module__ = type(edited.inside).__module__  # whose docstring states the outputs
    plan = make_plan(edited, store, allow_unused=["fc8"], example=torch.randn(1, 3, 32, 32))
    assert not plan.grade.is_proven


def test_tuned_weights_of_a_part_are_written_back(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    with mxnet_to_neutral.read(root / "examples/shapes/shapes", 6) as like:
        assert like.graph is not None
        *kept, last = dict.fromkeys(like.graph.layer_names())
        until = next(node.name for node in reversed(like.graph.nodes) if node.layer == kept[-1])
        state = build(like, until=until, dtype=torch.float32).state_dict()
        torch.save(
            {name: value + 0.5 for name, value in state.items() if value.is_floating_point()}, tmp_path / "w.pth"
        )
        with torch_to_neutral.read(tmp_path / "w.pth") as weights:
            with pytest.raises(MatchError):
                write(weights, tmp_path / "no", like=like)
            write(weights, tmp_path / "back", like=like, allow_missing=[last])
        with mxnet_to_neutral.read(tmp_path / "back-0000.params") as back:
            for name in (*kept, last):
                for key in like.layers[name].tensors.values():
                    added = 0.0 if name == last else 0.5
                    assert np.allclose(back.tensors[key].numpy(), like.tensors[key].numpy() + added, atol=1e-6), key
