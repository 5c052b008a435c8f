"""Layers of a known type that compute something else: hooks, replaced methods, computed weights, training."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.store import Store
from neutral_to_torch import build, load_into
from neutral_to_torch.adapters import has_known_forward
from neutral_to_torch.trace import trace

NAMES = {"equal": ("conv0", "bn0", "fc0"), "renamed": ("stem", "norm", "head")}
EXAMPLE = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32))


def stored() -> Store:
    g = GraphBuilder()
    x = g.input(shape=(None, 3, 8, 8))
    x = g.relu(g.bn(g.conv(x, 4, bias=True, name="conv0"), name="bn0"))
    return g.store(g.linear(x, 5, features=4 * 64, name="fc0"))


class Net(nn.Module):
    def __init__(self, names: tuple[str, str, str] = NAMES["equal"]) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Linear(256, 5)]
        for name, layer in zip(names, layers):
            self.add_module(name, layer)
        self.names = names

    @property
    def conv(self) -> Any:
        return getattr(self, self.names[0])

    @property
    def bn(self) -> Any:
        return getattr(self, self.names[1])

    @property
    def fc(self) -> Any:
        return getattr(self, self.names[2])

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.relu(self.bn(self.conv(data))).flatten(1))


class DoublingConv(nn.Conv2d):
    def _conv_forward(self, *args: Any) -> torch.Tensor:
        return 2 * super()._conv_forward(*args)


class Standardized(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class CalledOtherwise(nn.Conv2d):
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return super().__call__(x) + 1


class TrainingNorm(Net):
    def forward(self, data: torch.Tensor) -> torch.Tensor:
        self.bn.train()
        return super().forward(data)


def replaced(module: Net, layer: str, kind: type[nn.Module], *args: Any, **options: Any) -> None:
    names = {"conv": 0, "bn": 1, "fc": 2}
    setattr(module, module.names[names[layer]], kind(*args, **options))


def instance_forward(module: Net) -> None:
    forward = module.conv.forward
    module.conv.forward = lambda x: 2 * forward(x)


def instance_conv_forward(module: Net) -> None:
    module.conv._conv_forward = lambda x, w, b: F.conv2d(x, 2 * w, b, padding=1)


CHANGES: dict[str, Callable[[Net], Any]] = {
    "a hook": lambda m: m.conv.register_forward_hook(lambda module, args, output: 2 * output),
    "a pre-hook": lambda m: m.fc.register_forward_pre_hook(lambda module, args: (args[0] + 1,)),
    "a hook on the norm": lambda m: m.bn.register_forward_hook(lambda module, args, output: output.abs()),
    "a forward of the instance": instance_forward,
    "a method of the instance": instance_conv_forward,
    "an overridden method": lambda m: replaced(m, "conv", DoublingConv, 3, 4, 3, padding=1),
    "an overridden forward": lambda m: replaced(m, "conv", Standardized, 3, 4, 3, padding=1),
    "an overridden call": lambda m: replaced(m, "conv", CalledOtherwise, 3, 4, 3, padding=1),
    "weight_norm": lambda m: parametrizations.weight_norm(m.conv),
    "spectral_norm": lambda m: parametrizations.spectral_norm(m.fc),
    "orthogonal": lambda m: parametrizations.orthogonal(m.fc),
    "old spectral_norm": lambda m: nn.utils.spectral_norm(m.conv),
    "pruning": lambda m: prune.l1_unstructured(m.fc, "weight", 100),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("example", [EXAMPLE, None], ids=["example", "no example"])
def test_an_altered_layer_is_refused(change: Any, names: Any, example: Any) -> None:
    module = Net(names)
    change(module)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(MatchError):
        load_into(module, stored(), example=example)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: parametrizations.weight_norm(m.conv), r'remove_parametrizations\(module\.conv0, "weight"\)'),
        (lambda m: parametrizations.spectral_norm(m.fc), r'SpectralNorm computes weight of fc0 .* remove it'),
        (lambda m: nn.utils.weight_norm(m.conv), r'remove it, torch\.nn\.utils\.remove_weight_norm\(module\.conv0'),
        (lambda m: nn.utils.spectral_norm(m.conv), r'remove it, torch\.nn\.utils\.remove_spectral_norm\(module\.conv0'),
        (lambda m: prune.l1_unstructured(m.fc, "weight", 9), r'nn\.utils\.prune\.remove\(module\.fc0, "weight"\)'),
    ],
)  # fmt: skip
def test_a_computed_weight_is_named_with_the_remedy(change: Any, message: str) -> None:
    module = Net()
    change(module)
    with pytest.raises(MatchError, match=message):
        load_into(module, stored(), example=EXAMPLE)


def test_without_the_parametrization_the_module_loads() -> None:
    module, store = Net(), stored()
    parametrizations.weight_norm(module.conv)
    nn.utils.parametrize.remove_parametrizations(module.conv, "weight")
    assert has_known_forward(module.conv)
    load_into(module, store, example=EXAMPLE)
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(EXAMPLE), build(store).eval()(EXAMPLE))


class Doubled(nn.Conv2d):
    """A subclass that does not change what is computed."""

    def extra_repr(self) -> str:
        return "plain"


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.conv.register_forward_hook(lambda module, args, output: None),
        lambda m: m.fc.register_forward_pre_hook(lambda module, args: None),
        lambda m: replaced(m, "conv", Doubled, 3, 4, 3, padding=1),
        lambda m: setattr(m.fc, "forward", lambda x: F.linear(x, m.fc.weight, m.fc.bias)),
    ],
)
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_a_harmless_alteration_loads(change: Any, names: Any) -> None:
    module, store = Net(names), stored()
    change(module)
    plan = load_into(module, store, example=EXAMPLE)
    assert {pair.module for pair in plan.pairs} == set(names)
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(EXAMPLE), build(store).eval()(EXAMPLE))


def test_hooks_of_all_modules_count() -> None:
    fc = nn.Linear(3, 2)
    handle = nn.modules.module.register_module_forward_hook(lambda module, args, output: None)
    try:
        assert not has_known_forward(fc)
    finally:
        handle.remove()
    assert has_known_forward(fc)


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("example", [EXAMPLE, None], ids=["example", "no example"])
def test_a_norm_that_trains_is_refused_and_nothing_is_changed(names: Any, example: Any) -> None:
    module = TrainingNorm(names).eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    random = torch.get_rng_state()
    with pytest.raises(MatchError):
        load_into(module, stored(), example=example)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(random, torch.get_rng_state()) and not module.bn.training


class Careless(nn.Module):
    """A module that changes itself in every call."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, 4, max_norm=1.0)
        self.fc = nn.Linear(4, 4)
        self.register_buffer("count", torch.zeros(1))
        self.calls = 0
        self.cache: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.count += 1
        self.fc.bias.data = self.fc.bias.data + 1
        self.cache = self.fc(self.embed(x))
        self.register_buffer("late", torch.ones(1))
        return F.dropout(self.cache, 0.5, training=True)


def test_a_trace_leaves_no_trace() -> None:
    module = Careless()
    before = OrderedDict((name, (value, value.clone())) for name, value in module.state_dict(keep_vars=True).items())
    random = torch.get_rng_state()
    trace(module, (torch.arange(9),), {})
    state = module.state_dict(keep_vars=True)
    assert list(state) == list(before)
    assert all(state[name] is value and torch.equal(value, copy) for name, (value, copy) in before.items())
    assert (module.calls, module.cache) == (0, None) and torch.equal(random, torch.get_rng_state())
