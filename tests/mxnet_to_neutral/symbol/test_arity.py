"""The numbers of inputs that operators take at most are those of MXNet's registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Mapping

import pytest

from mxnet_to_neutral.operators import RULES
from mxnet_to_neutral.symbol.aliases import CANONICAL
from mxnet_to_neutral.symbol.arity import MAXIMUM_INPUTS, arity_problem

TABLES = Path(__file__).parents[1] / "operators" / "attributes"


def test_every_operator_with_a_rule_has_the_limit_of_the_registry() -> None:
    limits: dict[str, float] = {}
    for path in sorted(TABLES.glob("*.json")):
        for name, kinds in json.loads(path.read_text()).items():
            operator = CANONICAL.get(name, name)
            limit = float("inf") if kinds["inputs"] == "*" else int(kinds["inputs"])
            limits[operator] = max(limit, limits.get(operator, 0))
    finite = {name: limit for name, limit in limits.items() if limit != float("inf") and name in RULES}
    assert without_fused(finite) == without_fused(MAXIMUM_INPUTS)


@pytest.mark.parametrize(
    ("operator", "most"), [("_arange", 0), ("Activation", 1), ("BatchNorm_v1", 5), ("IdentityAttachKLSparseReg", 2)]
)
def test_more_inputs_than_an_operator_takes_with_its_states(operator: str, most: int) -> None:
    assert arity_problem(operator, most) is None
    assert arity_problem(operator, most + 1) == f"it has {most + 1} inputs; expected at most {most}"
    assert arity_problem("SomebodysOwn", most) is None


def without_fused(limits: Mapping[str, float]) -> dict[str, float]:
    """Leave out what a backend fused: it takes the inputs of its subgraph, and the registry lists none."""
    return {name: limit for name, limit in limits.items() if not name.startswith("_sg_")}
