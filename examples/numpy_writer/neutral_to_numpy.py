"""A writer for Neutral, as a package of its own: a network as a Python function over NumPy arrays.

With this installed, ``neutral emit model.safetensors --to numpy -o model.py`` writes the function and its weights.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from neutral.errors import UnsupportedError, UsageError
from neutral.graph import Node, Operand, Value
from neutral.rewriting import UniqueNames
from neutral.store import Store
from neutral.store.atomic import atomic_file
from neutral.store.safetensors import write_tensors

HEAD = '''"""{name}, written for NumPy by Neutral."""

import numpy as np
from safetensors.numpy import load_file  # weights = load_file("{weights}")


def {name}(weights, {arguments}):
'''


@dataclass(frozen=True)
class Emitted:
    """The result that ``neutral emit`` reports; see ``neutral.plugins.EmittedModel``."""

    path: Path
    weights: Path
    class_name: str
    lines: int
    keys: Mapping[str, str]
    modules: Mapping[str, str]
    tied_keys: Sequence[tuple[str, str]] = ()


def linear(node: Node, weights: Mapping[str, str], x: str) -> str:
    x = f"{x}.reshape(len({x}), -1)" if node.attributes["flatten"] else x
    product = f"{x} @ {weights['weight']}.T"
    return f"{product} + {weights['bias']}" if "bias" in weights else product


def softmax(node: Node, weights: Mapping[str, str], x: str) -> str:
    axis = node.attributes["axis"]
    powers = f"np.exp({x} - {x}.max({axis}, keepdims=True))"
    return f"{powers} / {powers}.sum({axis}, keepdims=True)"


RULES: Mapping[str, Callable[..., str]] = {
    "add": lambda node, weights, x, y: f"{x} + {y}",
    "flatten": lambda node, weights, x: f"{x}.reshape(len({x}), -1)",
    "linear": linear,
    "relu": lambda node, weights, x: f"np.maximum({x}, 0)",
    "softmax": softmax,
    "tanh": lambda node, weights, x: f"np.tanh({x})",
}
"""For each operator kind, a function that returns the expression of a node."""


class NumpyWriter:
    name = "numpy"

    def preflight(self, store: Store, **cut: Any) -> UnsupportedError | None:
        if store.graph is None:
            return UnsupportedError("the store has no graph, so there is no network to write.")
        problems = [f"{node.name}: no rule for {node.kind}" for node in store.graph.nodes if node.kind not in RULES]
        return UnsupportedError("the network cannot be written for NumPy:", tuple(problems)) if problems else None

    def emit(self, store: Store, path: str | os.PathLike[str], **options: Any) -> Emitted:
        unknown = set(options) - {"class_name"}
        if unknown:
            raise UsageError(f"the writer 'numpy' has no option {', '.join(sorted(unknown))}.")
        problem = self.preflight(store)
        if problem is not None:
            raise problem
        path, weights = Path(path), Path(path).with_suffix(".safetensors")
        name = options.get("class_name") or "model"
        source = _function(store, name, weights.name)
        write_tensors(store.tensors, weights)
        with atomic_file(path) as file:
            file.write(source.encode("utf-8"))
        return Emitted(path, weights, name, source.count("\n"), {key: key for key in store.tensors}, {})


def _function(store: Store, name: str, weights: str) -> str:
    graph = store.graph
    assert graph is not None  # as preflight has checked
    unique = UniqueNames({"np", "load_file", "weights", name})
    variables = {item.name: unique(re.sub(r"\W", "_", item.name)) for item in graph.inputs}
    lines = [HEAD.format(name=name, weights=weights, arguments=", ".join(variables.values()))]

    def text(operand: Operand) -> str:
        return variables[operand.node] if isinstance(operand, Value) else repr(operand)

    for node in graph.nodes:
        layer = store.layers[node.layer].tensors if node.layer is not None else {}
        tensors = {role: f"weights[{key!r}]" for role, key in layer.items()}
        expression = RULES[node.kind](node, tensors, *map(text, node.inputs))
        variables[node.name] = unique(re.sub(r"\W", "_", node.name))
        lines.append(f"    {variables[node.name]} = {expression}\n")
    lines.append(f"    return {', '.join(text(value) for value in graph.outputs)}\n")
    return "".join(lines)


writer = NumpyWriter()
