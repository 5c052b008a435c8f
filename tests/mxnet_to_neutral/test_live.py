"""Models that are only in MXNet's memory go in without the user saving them first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

mx = pytest.importorskip("mxnet")

import mxnet_to_neutral  # noqa: E402
from neutral.errors import NeutralError  # noqa: E402


def symbol_and_arrays() -> tuple[Any, dict[str, Any], dict[str, Any]]:
    x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc")
    weight, bias = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(2, np.float32)
    return x, {"fc_weight": mx.nd.array(weight), "fc_bias": mx.nd.array(bias)}, {}


def check(store: Any) -> None:
    with store:
        assert store.layers["fc"].typed_by == "graph"
        np.testing.assert_array_equal(store["fc.weight"], np.arange(6).reshape(2, 3))


def test_a_symbol_with_its_arrays() -> None:
    check(mxnet_to_neutral.read(symbol_and_arrays()))


def test_a_module() -> None:
    symbol, arguments, auxiliary = symbol_and_arrays()
    module = mx.mod.Module(symbol, label_names=None)
    module.bind([("data", (1, 3))], for_training=False)
    module.set_params(arguments, auxiliary)
    check(mxnet_to_neutral.read(module))


def test_a_hybrid_block() -> None:
    block = mx.gluon.nn.HybridSequential(prefix="")
    with block.name_scope():
        block.add(mx.gluon.nn.Dense(2, prefix="fc_"))
    block.initialize()
    block.hybridize()
    block(mx.nd.ones((1, 3)))
    block[0].weight.set_data(mx.nd.array(np.arange(6).reshape(2, 3)))
    check(mxnet_to_neutral.read(block))


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(NeutralError, match="int"):
        mxnet_to_neutral.read(3)
