"""Operators that change the gradient alone: kept, or noted."""

from __future__ import annotations

from pathlib import Path

import pytest

import mxnet_to_neutral
from reader.checkpoints import SymbolBuilder, write_checkpoint


@pytest.mark.parametrize(
    ("operator", "attributes", "change"),
    [
        ("MakeLoss", {"grad_scale": "2"}, "its gradient is grad_scale"),
        ("make_loss", {}, "its gradient is 1"),
        ("_contrib_gradientmultiplier", {"scalar": "0.5"}, "it multiplies the gradient"),
        ("IdentityAttachKLSparseReg", {"penalty": "0.1"}, "a penalty on activations"),
        ("SVMOutput", {"margin": "2"}, "the hinge loss"),
        ("_contrib_round_ste", {}, "as if it were the identity"),
        ("_contrib_sign_ste", {}, "as if it were the identity"),
    ],
)
def test_a_changed_gradient_is_noted_once(
    tmp_path: Path, operator: str, attributes: dict[str, str], change: str
) -> None:
    symbol = SymbolBuilder()
    inputs = ["data", "label"] if operator == "SVMOutput" else ["data"]
    first = symbol.add(operator, "a", inputs, **attributes)
    symbol.add(operator, "b", [first, *inputs[1:]], **attributes)
    store = mxnet_to_neutral.read(write_checkpoint(tmp_path, symbol, {}))
    notes = [note for note in store.notes if note.startswith(f"{operator}: ")]
    assert len(notes) == 1 and change in notes[0]


def test_a_blocked_gradient_is_kept(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    symbol.add("BlockGrad", "blocked", ["data"])
    store = mxnet_to_neutral.read(write_checkpoint(tmp_path, symbol, {}))
    assert store.graph is not None
    assert [node.kind for node in store.graph.nodes] == ["stop_gradient"]
    assert not [note for note in store.notes if "gradient" in note]
