"""Attributes that are written out with their default mean the same as attributes that are left out.

The attributes, types and defaults are those of MXNet's registry (``mxnet_side.registry`` wrote them). Every operator
that has a rule is read once with its required attributes alone, and once with each other attribute at its default.
"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import pytest

from mxnet_to_neutral.convert import convert_symbol
from mxnet_to_neutral.symbol import parse_symbol
from reader.checkpoints import SymbolBuilder
from reader.registry_cases import Case, add_node, convertible_cases, default_of, required_attributes

DIFFERENT = {
    ("_npi_concatenate", "dim"): "np.concatenate always writes it, as 'axis'",
    **{
        (operator, name): "the registry describes the attributes of arange"
        for operator in ("_linspace", "_npi_linspace")
        for name in ("infer_range", "repeat", "step")
    },
}
"""Attributes of the registry that the operators do not have under this name, with the reason."""


def nodes_of(case: Case, attributes: Mapping[str, str]) -> list[Any]:
    """Read one node; return kinds, attributes and operands of its neutral nodes."""
    symbol = SymbolBuilder()
    add_node(symbol, case, "it", attributes)
    text = symbol.json().replace("10901", str(case.version))
    drafts = convert_symbol(parse_symbol(text, "model-symbol.json"), {}, "model-symbol.json").drafts
    return [
        (
            draft.kind,
            {name: rounded(value) for name, value in draft.attributes.items()},
            [rounded(operand) for operand in draft.inputs],
        )
        for draft in drafts
    ]


def rounded(value: Any) -> Any:
    """Round to float32: the registry prints defaults of that type."""
    return float(np.float32(value)) if isinstance(value, float) else value


@pytest.mark.parametrize("case", list(convertible_cases()))
def test_a_default_may_be_written_out(case: Case) -> None:
    types = {name: kind for name, kind in case.types.items() if name != "inputs"}
    required = required_attributes(case)
    expected = nodes_of(case, required)
    assert all(kind != "opaque" for kind, _, _ in expected) or case.operator == "LeakyReLU", expected
    for name, kind in types.items():
        default = default_of(kind)
        if name not in required and default is not None and (case.operator, name) not in DIFFERENT:
            assert nodes_of(case, {**required, name: default}) == expected, (name, default)
