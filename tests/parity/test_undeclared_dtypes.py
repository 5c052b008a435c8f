"""Inputs whose dtype the symbol does not declare: a note where integers matter, and dtypes that are given at export."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mxnet_to_neutral
import neutral.reference
import neutral_to_torch
from neutral.cli import main
from neutral.errors import MismatchError, UsageError

X = np.array([[3, 1, 7, 2], [5, 4, 1, 6]])
NOTE = "the symbol declares no dtype of x: converted for floating point"

MATTERING = ["x / 2", "x * 0.5", "x + 0.5", "1 / x", "sym.sqrt(x)", "sym.sigmoid(x)", "sym.sum(x, axis=1)", "x / x",
             "sym.clip(x, 0.5, 2.5)", "sym.broadcast_div(sym.identity(x), x + 1)", "sym.relu(x) / 2",
             "sym.Embedding(x / 2, table, input_dim=9, output_dim=2)"]  # fmt: skip

INDIFFERENT = ["x + 1", "sym.relu(x)", "sym.transpose(x)", "sym.max(x, axis=1)", "sym.cast(x, dtype='float32') / 2",
               "sym.Embedding(x, table, input_dim=9, output_dim=2)", "sym.one_hot(x, depth=8) / 2"]  # fmt: skip

FLOATING = ["sym.FullyConnected(x / 2, weight, num_hidden=3, no_bias=True)", "sym.broadcast_mul(x * 0.5, row)"]
"""MXNet refuses integers, which do not go with these weights."""


@pytest.fixture
def saved(mxnet: Any, tmp_path: Path) -> Any:
    """Run an expression, remove the declared dtypes from its symbol, and return its prefix and MXNet's outputs."""

    def save(expression: str, x: np.ndarray) -> tuple[str, list[np.ndarray]]:
        prefix = str(tmp_path / "model")
        weights = {"table": np.ones((9, 2)), "weight": np.ones((3, 4)), "row": np.ones((1, 4))}
        stored = {name: array.astype("float32") for name, array in weights.items() if name in expression}
        arguments = {"expression": expression, "inputs": {"x": x, **stored}, "prefix": prefix, "stored": (*stored,)}
        outputs = mxnet.call("operators:run_expression", **arguments)
        path = Path(f"{prefix}-symbol.json")
        symbol = json.loads(path.read_text())
        for node in symbol["nodes"]:
            node.get("attrs", {}).pop("__dtype__", None)
        path.write_text(json.dumps(symbol))
        return prefix, outputs

    return save


def check(store: Any, x: np.ndarray, expected: np.ndarray) -> None:
    actual = neutral_to_torch.build(store)(torch.from_numpy(x)).detach().numpy()
    (reference,) = neutral.reference.run(store, {"x": x}).values()
    for array in (actual, reference):
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


def check_that_integers_are_refused(store: Any, dtype: str) -> None:
    module = neutral_to_torch.build(store)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(module)
    for form in (module, scripted, torch.fx.symbolic_trace(module)):
        form(torch.from_numpy(X.astype("float32")))
        with pytest.raises(Exception, match="x: expected floating point; for integers, export"):
            form(torch.from_numpy(X.astype(dtype)))
    with pytest.raises(MismatchError, match=f"has dtype {dtype}; the graph is for floating-point values"):
        neutral.reference.run(store, {"x": X.astype(dtype)})


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
@pytest.mark.parametrize("expression", MATTERING)
def test_a_given_dtype_is_that_of_mxnet(saved: Any, expression: str, dtype: str) -> None:
    prefix, (expected,) = saved(expression, X.astype(dtype))
    floating = mxnet_to_neutral.read(prefix)
    assert any(note.startswith(NOTE) for note in floating.notes)
    check_that_integers_are_refused(floating, dtype)
    store = mxnet_to_neutral.read(prefix, dtypes={"x": dtype})
    assert store.graph is not None and store.graph.inputs[0].dtype == dtype
    assert not any(NOTE in note for note in store.notes)
    check(store, X.astype(dtype), expected)


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
@pytest.mark.parametrize("expression", INDIFFERENT)
def test_nothing_is_noted_where_integers_give_the_same(saved: Any, expression: str, dtype: str) -> None:
    prefix, (expected,) = saved(expression, X.astype(dtype))
    store = mxnet_to_neutral.read(prefix)
    assert not any(NOTE in note for note in store.notes)
    assert store.graph is not None and not any(item.floating for item in store.graph.inputs)
    check(store, X.astype(dtype), expected)


@pytest.mark.parametrize("expression", FLOATING)
def test_nothing_is_noted_where_mxnet_refuses_integers(saved: Any, expression: str) -> None:
    prefix, (expected,) = saved(expression, X.astype("float32"))
    store = mxnet_to_neutral.read(prefix)
    assert not any(NOTE in note for note in store.notes)
    assert store.graph is not None and not any(item.floating for item in store.graph.inputs)
    check(store, X.astype("float32"), expected)


def test_the_command_line_gives_dtypes(saved: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prefix, (expected,) = saved("x / 2", X.astype("int32"))
    target = str(tmp_path / "model.safetensors")
    assert main(["export", prefix, "-o", target]) == 0
    assert NOTE in capsys.readouterr().out
    assert main(["emit", target, "-o", str(tmp_path / "net.py")]) == 0
    source = (tmp_path / "net.py").read_text()
    assert "    x: any shape, floating point\n" in source
    assert 'x = require_floating_point(x, "x")\n' in source
    assert main(["export", prefix, "-o", target, "--dtype", "x=int32"]) == 0
    assert NOTE not in capsys.readouterr().out
    with neutral.open(target) as store:
        check(store, X.astype("int32"), expected)
    assert main(["export", prefix, "-o", target, "--dtype", "int32"]) == 2
    assert "--dtype int32: expected NAME=DTYPE, such as data=int32" in capsys.readouterr().err
    for dtypes, message in (({"y": "int32"}, "no variable of the symbol is named 'y'"), ({"x": "int"}, "'int' of 'x'")):
        with pytest.raises(UsageError, match=message):
            mxnet_to_neutral.read(prefix, dtypes=dtypes)
