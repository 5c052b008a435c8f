"""Plans for targets of any framework."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Mapping

import numpy as np
import pytest

from neutral.errors import MatchError
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.matching import EquivalenceQuery, Network, Plan, make_plan
from neutral.store import Store
from neutral.tensor import from_numpy

SHAPE = (3, 3)


def linear(name: str) -> Layer:
    return Layer(name, "linear", {"out_features": 3, "flatten": False}, {"weight": f"{name}.weight"})


def branches(names: tuple[str, str]) -> Graph:
    """The sum of two linear layers of one input: no structure tells them apart."""
    nodes = tuple(Node(name, "linear", (Value("data"),), linear(name).attributes, name) for name in names)
    total = Node("sum", "add", tuple(Value(name) for name in names), {})
    return Graph((Input("data", (None, 3)),), (*nodes, total), (Value("sum"),))


def store_of(names: tuple[str, str], graph: bool) -> Store:
    tensors = {f"{name}.weight": from_numpy(np.full(SHAPE, i, np.float32)) for i, name in enumerate(names)}
    return Store({name: linear(name) for name in names}, tensors, branches(names) if graph else None)


class UndecidedProbe:
    def compare(self, query: EquivalenceQuery) -> None:
        return None


class DescribedModule:
    """A module of no framework: the description alone."""

    name = "Net"

    def __init__(self, names: tuple[str, str], graph: bool) -> None:
        shapes = {f"{name}.weight": SHAPE for name in names}
        self.network = Network({name: linear(name) for name in names}, shapes, branches(names) if graph else None)
        self.probe = UndecidedProbe() if graph else None

    def implied_attributes(self, layer: str) -> Mapping[str, Any]:
        return {}


def test_matching_imports_no_framework_and_no_numpy() -> None:
    code = "import sys, neutral.matching; print({'torch', 'numpy', 'mxnet_to_neutral'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_a_module_of_any_framework_is_matched_by_its_description() -> None:
    plan = make_plan(DescribedModule(("dense0", "dense1"), graph=False), store_of(("dense0", "dense1"), graph=False))
    assert {pair.layer: pair.tensors for pair in plan.pairs} == {
        "dense0": {"weight": "dense0.weight"},
        "dense1": {"weight": "dense1.weight"},
    }


def test_an_ambiguity_is_refused_without_evidence() -> None:
    with pytest.raises(MatchError, match=r"Net; nothing has been loaded:\n.*ambiguous: by dataflow"):
        make_plan(DescribedModule(("left", "right"), graph=True), store_of(("x", "y"), graph=True))


@pytest.mark.parametrize("partner", ["left", "right"])
def test_a_prover_decides_an_ambiguity(partner: str) -> None:
    tried: list[dict[str, str]] = []

    def prove(store: Store, plan: Plan) -> bool:
        tried.append({pair.layer: pair.module for pair in plan.pairs})
        return tried[-1]["x"] == partner

    plan = make_plan(DescribedModule(("left", "right"), graph=True), store_of(("x", "y"), graph=True), prove=prove)
    assert {pair.layer: pair.module for pair in plan.pairs} == tried[-1]
    assert tried[-1]["x"] == partner and tried[-1]["y"] != partner
    assert {pair.reason for pair in plan.pairs} == {"activation"}
