"""Operators without a rule, and the reasons that their opaque nodes state."""

from __future__ import annotations

from pathlib import Path

import pytest

import mxnet_to_neutral
from mxnet_to_neutral.operators import REFUSED, RULES
from reader.checkpoints import SymbolBuilder, ramp, write_checkpoint


def test_refused_operators_have_no_rule() -> None:
    assert not set(REFUSED) & set(RULES)


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (
            "Custom",
            "'mine': it runs Python code that the checkpoint does not hold; a plug-in can give a rule for it",
        ),
        ("_contrib_fft", "MXNet computes it on GPUs alone, so that what it gives could not be compared"),
        ("NobodysOperator", "there is no rule for this operator"),
    ],
)
def test_the_opaque_node_states_the_reason(operator: str, reason: str, tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    symbol.add(operator, "it", ["data", "it_weight"], op_type="mine")
    with mxnet_to_neutral.read(write_checkpoint(tmp_path, symbol, {"arg:it_weight": ramp(2)})) as store:
        assert store.graph is not None
        node = store.graph.nodes[-1]
        assert (node.kind, node.attributes["operator"], node.attributes["reason"]) == ("opaque", operator, reason)
        assert any(reason in note for note in store.notes)
