"""Scripted and traced modules, modules on ``meta``, and results that are not tensors or tuples of them."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, Callable

import pytest
import torch
from torch import nn

from graphs import GraphBuilder
from neutral.errors import UsageError
from neutral.store import Store
from neutral_to_torch import build, load_into
from neutral_to_torch.trace.outputs import tensors_in

EXAMPLE = torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


def stored() -> Store:
    g = GraphBuilder()
    x = g.node("multiply", g.input(shape=(None, 3, 8, 8)), 2.0)
    x = g.relu(g.bn(g.conv(x, 4, bias=True, name="conv"), name="bn"))
    return g.store(g.linear(x, 5, features=4 * 64, name="fc"))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(256, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.relu(self.bn(self.conv(x * 2))).flatten(1))


class Renamed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Linear(256, 5)
        self.b = nn.BatchNorm2d(4)
        self.a = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c(torch.relu(self.b(self.a(x * 2))).flatten(1))


def with_scripted_child(net: type[nn.Module]) -> nn.Module:
    module = net().eval()
    name, child = next(iter(module.named_children()))
    setattr(module, name, torch.jit.script(child))
    return module


def with_traced_child(net: type[nn.Module]) -> nn.Module:
    module = net().eval()
    name, child = next((name, child) for name, child in module.named_children() if isinstance(child, nn.Linear))
    setattr(module, name, torch.jit.trace(child, torch.randn(2, 256)))
    return module


def on_meta(net: type[nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return net()


def in_a_dataclass(net: type[nn.Module]) -> nn.Module:
    @dataclasses.dataclass
    class Output:
        logits: torch.Tensor
        name: str = "scores"

    return Wrapped(net(), Output)


def in_a_namespace(net: type[nn.Module]) -> nn.Module:
    return Wrapped(net(), lambda y: SimpleNamespace(scores=[y]))


class Wrapped(nn.Module):
    def __init__(self, net: nn.Module, wrap: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.net, self.wrap = net, wrap

    def forward(self, x: torch.Tensor) -> Any:
        return self.wrap(self.net(x))


MAKERS: list[Callable[[type[nn.Module]], nn.Module]] = [
    lambda net: net(),
    lambda net: torch.jit.script(net()),
    lambda net: torch.jit.trace(net().eval(), EXAMPLE),
    with_scripted_child,
    with_traced_child,
    on_meta,
    in_a_dataclass,
    in_a_namespace,
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("net", [Net, Renamed])
@pytest.mark.parametrize("example", [EXAMPLE, None], ids=["example", "no example"])
def test_an_unusual_module_is_loaded(make: Any, net: type[nn.Module], example: Any) -> None:
    module, store = make(net), stored()
    load_into(module, store, example=example)
    with torch.no_grad():
        (output,) = tensors_in(module.eval()(EXAMPLE))
        torch.testing.assert_close(output, build(store).eval()(EXAMPLE))


def test_a_module_without_a_result_is_named() -> None:
    with pytest.raises(UsageError, match="Wrapped returns NoneType on the example, without a tensor"):
        load_into(Wrapped(Net(), lambda y: None), stored(), example=EXAMPLE)


def test_a_traced_module_is_called_by_the_names_of_its_schema() -> None:
    module, store = torch.jit.trace(Net().eval(), EXAMPLE), stored()
    load_into(module, store, example={"x": EXAMPLE})
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(EXAMPLE), build(store).eval()(EXAMPLE))
