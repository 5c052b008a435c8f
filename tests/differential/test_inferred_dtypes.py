"""The dtypes that the reader infers for the outputs of every operator, against MXNet's inference."""

from __future__ import annotations

import re
from typing import Any

import pytest

from differential.calls import draw_calls
from differential.running import operators
from mxnet_to_neutral.inference.dtypes import dtype_at, infer_dtypes
from mxnet_to_neutral.symbol import parse_symbol
from neutral.operators.dtypes import INTEGERS

COMPUTED_WITH_REAL_NUMBERS = re.compile(r"_contrib_(re)?quantize|_npx_quantized")
"""Operators whose integers stand for real numbers, which the store has in their place."""

CALLS, TRIES = 2, 3


@pytest.mark.parametrize("release", ["1", "2"])
def test_dtypes_of_every_operator(release: str, request: pytest.FixtureRequest) -> None:
    mxnet = request.getfixturevalue({"1": "mxnet", "2": "mxnet2"}[release])
    cases = operators({"1": 10901, "2": 20000}[release])
    calls = [
        {**call, "operator": case.operator}
        for case in cases
        if not COMPUTED_WITH_REAL_NUMBERS.match(case.operator)
        for tries in draw_calls(case, CALLS, 0)
        for call in tries[:TRIES]
    ]
    results = mxnet.call("differential:infer_types", calls=calls)
    wrong = {call["operator"]: problem for call, result in zip(calls, results) if (problem := _difference(result))}
    assert wrong == {}
    inferred = {call["operator"] for call, result in zip(calls, results) if result is not None}
    assert len(inferred) > 0.8 * len(cases)


def _difference(result: Any) -> str | None:
    """Return the first output with another dtype; an unknown one may be any floating one."""
    if result is None:
        return None
    symbol = parse_symbol(result["symbol"], "call-symbol.json")
    dtypes = infer_dtypes(symbol, lambda entry: None, "call-symbol.json")
    for head, expected in zip(symbol.heads, result["dtypes"]):
        inferred = dtype_at(dtypes, head)
        if inferred != expected and not (inferred is None and expected not in INTEGERS):
            return f"{inferred}; MXNet's is {expected}: {symbol.nodes[head.node].attributes}"
    return None
