"""Test that notes on nodes of one reason are one note."""

from __future__ import annotations

from pathlib import Path

import mxnet_to_neutral
from reader.checkpoints import SymbolBuilder


def notes_of(folder: Path, operators: list[str]) -> list[str]:
    symbol = SymbolBuilder()
    last = symbol.variable("data")
    for index, operator in enumerate(operators):
        last = symbol.add(operator, f"node{index}", [last])
    (folder / "model-symbol.json").write_text(symbol.json(), encoding="utf-8")
    with mxnet_to_neutral.read(folder / "model-symbol.json") as store:
        return [note for note in store.notes if "opaque" in note]


def test_nodes_of_one_reason_share_a_note(tmp_path: Path) -> None:
    reason = "it is an operator of BMXNet, a fork for binary networks, whose weights are packed bits"
    assert notes_of(tmp_path, ["QActivation", "QConvolution_v1", "QConvolution"] * 2 + ["MoonOutput"]) == [
        "nodes 'node0', 'node1', 'node2', 'node3', 'node4' and 1 more: operators 'QActivation', 'QConvolution', "
        f"'QConvolution_v1' are opaque: {reason}",
        "node 'node6': operator 'MoonOutput' is opaque: it is an operator of a modified build, not of MXNet",
    ]
    assert notes_of(tmp_path, ["QActivation", "QActivation"]) == [
        f"nodes 'node0', 'node1': operator 'QActivation' is opaque: {reason}"
    ]
