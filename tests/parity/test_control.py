"""Loops and branches against MXNet, and how they read."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
import neutral_to_torch  # noqa: E402
from free_sizes import free_size  # noqa: E402
from neutral.errors import UnsupportedError  # noqa: E402
from parity.against import check_checkpoint, compare, to_torch  # noqa: E402


def values(*shape: int) -> np.ndarray:
    return np.random.RandomState(len(shape)).randn(*shape).astype("float32")


def number(value: float) -> np.ndarray:
    return np.array([value], "float32")


LOOPS = {
    "elman": {"data": values(5, 2, 3), "h": values(2, 4)},
    "two_of_each": {"a": values(4, 3), "b": values(4, 3) + 1, "p": values(3), "q": values(3) * 2, "scale": number(0.5)},
    "without_state": {"data": values(5, 2, 3)},
    "only_the_state": {"data": values(5, 2, 3), "h": values(2, 3)},
    "nested": {"data": values(3, 2, 4), "h": values(1, 4)},
}


def check(mxnet: Any, tmp_path: Path, model: str, inputs: dict[str, np.ndarray]) -> Any:
    prefix = str(tmp_path / model)
    expected = mxnet.call("control:run", model=model, inputs=inputs, prefix=prefix)
    return check_checkpoint(prefix, {name: to_torch(array) for name, array in inputs.items()}, expected)


@pytest.mark.parametrize("model", LOOPS)
def test_loops(mxnet: Any, tmp_path: Path, model: str) -> None:
    module = check(mxnet, tmp_path, model, LOOPS[model])
    assert "for " in inspect.getsource(type(module))


def check_while(mxnet: Any, tmp_path: Path, model: str, inputs: dict[str, np.ndarray], steps: int) -> None:
    """Compare the steps that are taken: what MXNet's output holds after them is whatever was in its memory."""
    prefix = str(tmp_path / model)
    expected = mxnet.call("control:run", model=model, inputs=inputs, prefix=prefix)
    module = neutral_to_torch.build(mxnet_to_neutral.read(prefix))
    outputs, *states = module(**{name: to_torch(array) for name, array in inputs.items()})
    assert outputs.shape == expected[0].shape
    assert not outputs[steps:].any()
    for actual, wanted in zip((outputs[:steps], *states), (expected[0][:steps], *expected[1:])):
        compare(actual, wanted)


@pytest.mark.parametrize(("start", "steps"), [(0, 6), (3, 3), (5, 1), (-20, 10)])
def test_a_loop_ends_by_its_condition_or_its_limit(mxnet: Any, tmp_path: Path, start: int, steps: int) -> None:
    check_while(mxnet, tmp_path, "counting", {"i": number(start), "s": number(1)}, steps)


@pytest.mark.parametrize(("limit", "steps"), [(1.5, 2), (0.0, 6)])
def test_a_condition_with_a_constant(mxnet: Any, tmp_path: Path, limit: float, steps: int) -> None:
    inputs = {"n": number(0), "x": values(2, 4), "limit": number(limit)}
    check_while(mxnet, tmp_path, "decaying", inputs, steps)


@pytest.mark.parametrize("threshold", [-1e3, 1e3])
def test_branches(mxnet: Any, tmp_path: Path, threshold: float) -> None:
    module = check(mxnet, tmp_path, "choice", {"data": values(2, 3), "threshold": number(threshold)})
    assert {name for name, _ in module.named_children()} == {"first", "second", "third"}


@pytest.mark.parametrize("threshold", [-1e3, 1e3])
def test_a_loop_in_a_branch(mxnet: Any, tmp_path: Path, threshold: float) -> None:
    inputs = {"data": values(5, 2, 3), "h": values(2, 3), "threshold": number(threshold)}
    check(mxnet, tmp_path, "loop_in_choice", inputs)


def test_a_loop_reads_as_a_loop(mxnet: Any, tmp_path: Path) -> None:
    module = check(mxnet, tmp_path, "elman", LOOPS["elman"])
    source = inspect.getsource(type(module))
    assert "        outputs = []\n        for data_t in data:\n" in source
    assert "            outputs.append(h)\n" in source


def test_a_loop_exports_with_a_free_batch(mxnet: Any, tmp_path: Path) -> None:
    module = check(mxnet, tmp_path, "elman", LOOPS["elman"])
    batch = free_size("batch")
    given = tuple(to_torch(array) for array in LOOPS["elman"].values())
    exported = torch.export.export(module, given, dynamic_shapes=({1: batch}, {0: batch}))
    larger = (to_torch(values(5, 7, 3)), to_torch(values(7, 4)))
    for actual, wanted in zip(exported.module()(*larger), module(*larger)):
        torch.testing.assert_close(actual, wanted)


@pytest.mark.parametrize("operator", ["_npx_foreach", "_npx_while_loop", "_npx_cond"])
def test_a_loop_that_lost_its_attributes_is_refused_by_name(tmp_path: Path, operator: str) -> None:
    """As blocks of MXNet 2.0.0b1 export it, and MXNet itself cannot load it."""
    variable = {"op": "null", "name": "data", "inputs": []}
    body = {"nodes": [variable], "arg_nodes": [0], "heads": [[0, 0, 0]], "node_row_ptr": [0, 1]}
    loop = {"op": operator, "name": "loop", "inputs": [[0, 0, 0]], "subgraphs": [body] * 3}
    attributes = {"mxnet_version": ["int", 20000], "is_np_shape": ["int", 1]}
    symbol = {"nodes": [variable, loop], "arg_nodes": [0], "heads": [[1, 0, 0]], "attrs": attributes}
    path = tmp_path / "model-symbol.json"
    path.write_text(json.dumps(symbol))
    with pytest.raises(UnsupportedError, match="does not say how its inputs bind"):
        neutral_to_torch.build(mxnet_to_neutral.read(path))


INTEGER_LOOPS = {
    "halves": "sym.contrib.foreach(lambda x, s: (x / 2 + s[0], [s[0] + x]), x, [s])",
    "embedded": "sym.contrib.foreach(lambda x, s: (sym.one_hot(x, depth=3), [s[0] * 2]), x, [s])",
    "chosen": "sym.contrib.foreach(lambda x, s: (sym.where(x > 2, x / 2, s[0]), [sym.maximum(x, s[0])]), x, [s])",
    "ordered": "sym.contrib.foreach(lambda x, s: (sym.topk(x, k=2, ret_typ='both')[0], [s[0]]), x, [s])",
    "counted": "sym.contrib.while_loop(lambda s: sym.sum(s) < 20, lambda s: ([s / 2], [s + 1]), [s], max_iterations=4)",
}


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64", "float64"])
@pytest.mark.parametrize("loop", INTEGER_LOOPS)
def test_loops_compute_in_the_dtypes_of_their_inputs(check_expression: Any, loop: str, dtype: str) -> None:
    x, s = np.arange(12).reshape(4, 3) % 7, np.array([5, 3, 1])
    heads = "outputs[1][0] / 2" if loop == "counted" else "sym.Group([outputs[0] / 2, outputs[1][0] / 2])"
    given = {"s": s.astype(dtype)} if loop == "counted" else {"x": x.astype(dtype), "s": s.astype(dtype)}
    check_expression(f"(lambda outputs: {heads})({INTEGER_LOOPS[loop]})", exact=True, **given)
