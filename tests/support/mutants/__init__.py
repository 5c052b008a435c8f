"""Small networks, each as a store and as a module with places at which one thing may be changed.

A network has three functions: one writes the graph, one makes the module's layers by the names of the stored ones, and
one is the module's forward. ``p(place, right, *wrong)`` in them is a choice of the module's author: it returns
``right``, unless the network is to be changed at that place.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Callable, Mapping

import torch
from torch import nn

from graphs import GraphBuilder
from neutral.store import Store

Place = tuple[str, int]


class Pick:
    """Choices of a module's author, one of which may be wrong.

    Args:
        change: The place and the number of the wrong value that is taken there; None for a right module.
    """

    def __init__(self, change: Place | None = None) -> None:
        self.change = change
        self.seen: dict[str, int] = {}

    def __call__(self, place: str, right: Any, *wrong: Any) -> Any:
        self.seen[place] = len(wrong)
        return wrong[self.change[1]] if self.change is not None and self.change[0] == place else right


@dataclass(frozen=True)
class Network:
    """A network that is written twice.

    Attributes:
        name: Its name.
        write: Writes the graph and returns the outputs.
        layers: Makes the module's layers.
        forward: Computes the outputs from the module's inputs.
        inputs: Draws inputs, by a generator and a scale.
    """

    name: str
    write: Callable[[GraphBuilder], Any]
    layers: Callable[[Pick], Mapping[str, Any]]
    forward: Callable[..., Any]
    inputs: Callable[[torch.Generator, float], tuple[torch.Tensor, ...]]

    def store(self) -> Store:
        g = GraphBuilder(seed=len(self.name))
        outputs = self.write(g)
        return g.store(*(outputs if isinstance(outputs, tuple) else (outputs,)))

    def places(self) -> list[Place]:
        """Return every place at which the module can be changed, and the numbers of its wrong values."""
        pick = Pick()
        with torch.no_grad():
            module_of(self, pick)(*self.inputs(torch.Generator().manual_seed(0), 1.0))
        return [(place, number) for place, count in pick.seen.items() for number in range(count)]


class OneInput(nn.Module):
    """The module of a network, its layers below the names and in the order that are given."""

    def __init__(self, network: Network, pick: Pick, paths: Mapping[str, str], layers: Mapping[str, Any]) -> None:
        super().__init__()
        self.written = SimpleNamespace(forward=network.forward)
        self.pick, self.paths = pick, dict(paths)
        for name in paths:
            if isinstance(layers[name], nn.Parameter):
                self.register_parameter(paths[name], layers[name])
            else:
                self.add_module(paths[name], layers[name])

    def __getitem__(self, name: str) -> Any:
        return getattr(self, self.paths[name])

    def forward(self, data: torch.Tensor) -> Any:
        return self.written.forward(self, self.pick, data)


class TwoInputs(OneInput):
    def forward(self, left: torch.Tensor, right: torch.Tensor) -> Any:
        return self.written.forward(self, self.pick, left, right)


class WrappedOne(nn.Module):
    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, data: torch.Tensor) -> Any:
        return self.inside(data)


class WrappedTwo(WrappedOne):
    def forward(self, left: torch.Tensor, right: torch.Tensor) -> Any:
        return self.inside(left, right)


MODES = ("equal", "renamed", "shuffled", "wrapped", "none")
"""Equal names; other names; other names in another order of registration; inside another module; without an example."""


def module_of(network: Network, pick: Pick, mode: str = "equal") -> nn.Module:
    """Return a module of a network, in evaluation mode."""
    torch.manual_seed(1)
    layers = network.layers(pick)
    names = list(layers)
    if mode == "shuffled":
        names = names[1::2][::-1] + names[::2]
    is_renamed = mode in ("renamed", "shuffled")
    paths = {name: f"part_{chr(97 + index)}" if is_renamed else name for index, name in enumerate(names)}
    has_two = network.forward.__code__.co_argcount == 4
    module: nn.Module = (TwoInputs if has_two else OneInput)(network, pick, paths, layers)
    if mode == "wrapped":
        module = (WrappedTwo if has_two else WrappedOne)(module)
    return module.eval()


def images(*sizes: int) -> Callable[[torch.Generator, float], tuple[torch.Tensor, ...]]:
    """Return a function that draws one tensor of a size, with a batch of two."""
    return lambda generator, scale: (torch.randn((2, *sizes), generator=generator) * scale,)
