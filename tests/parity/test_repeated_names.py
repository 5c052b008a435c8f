"""Nodes of one name: their recorded outputs are told apart, in the golden file as in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet_to_neutral
import neutral_to_torch


def test_each_use_of_a_layer_is_compared(mxnet: Any, tmp_path: Path) -> None:
    prefix, golden = str(tmp_path / "model"), str(tmp_path / "golden.safetensors")
    mxnet.call("served:record", network="called_twice", prefix=prefix, golden=golden)
    with mxnet_to_neutral.read(prefix, 0) as store:
        operators = neutral_to_torch.verify_operators(store, golden)
        assert operators.ok and {"fc", "fc#2"} <= {row.layer for row in operators.rows}
        module = neutral_to_torch.build(store)
        report = neutral_to_torch.verify(module, golden, store=store)
        assert report.ok and [row.source for row in report.rows if row.layer == "fc"] == ["fc", "fc#2"]
        linear = module.get_submodule(neutral_to_torch.plan_of(store)["fc"])
        linear.register_forward_hook(lambda layer, given, output: output if given[0].min() < -1 else output + 1)
        assert not neutral_to_torch.verify(module, golden, store=store).ok


def test_variables_of_one_name_are_one_input(mxnet: Any, tmp_path: Path) -> None:
    """MXNet binds by name; the declared shape may be on any of them."""
    prefix, golden = str(tmp_path / "model"), str(tmp_path / "golden.safetensors")
    mxnet.call("served:record", network="two_variables", prefix=prefix, golden=golden)
    with mxnet_to_neutral.read(prefix, 0) as store:
        assert store.graph is not None
        assert [(item.name, item.shape) for item in store.graph.inputs] == [("data", (3, 4))]
        assert neutral_to_torch.verify(neutral_to_torch.build(store), golden, store=store).ok
