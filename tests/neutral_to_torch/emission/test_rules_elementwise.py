"""The rules of elementwise operators, activations, heads and dropout: their text, and where the text must run."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

from checks import source_of, torch
from free_sizes import free_size
from graphs import GraphBuilder
from neutral.errors import UnsupportedError
from neutral.store import Store
from neutral_to_torch.emission.build import build

X, Y = "x", "y"

TEXTS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("add", (X, Y), {}, "x + y"),
    ("add", (X, 2.0), {}, "x + 2"),
    ("subtract", (X, 127.5), {}, "x - 127.5"),
    ("subtract", (1.0, X), {}, "1 - x"),
    ("multiply", (X, -1e4), {}, "x * -10000"),
    ("divide", (X, Y), {}, "x / y"),
    ("divide", (1.0, X), {}, "1 / x"),
    ("power", (X, 2.0), {}, "x**2"),
    ("power", (2.0, X), {}, "2**x"),
    ("remainder", (X, 3.0), {}, "x % 3"),
    ("remainder", (X, 0.0), {}, "torch.zeros_like(x)"),
    ("remainder", (X, Y), {}, "remainder(x, y)"),
    ("remainder", (5.0, X), {}, "remainder(5, x)"),
    ("integer_divide", (X, 2.0), {}, 'torch.div(x, 2, rounding_mode="trunc")'),
    ("hypot", (X, Y), {}, "torch.hypot(x, y)"),
    ("hypot", (X, 2.0), {}, "torch.hypot(x, torch.full_like(x, 2))"),
    ("maximum", (X, Y), {}, "torch.maximum(x, y)"),
    ("maximum", (X, 1e-12), {}, "x.clamp(min=1e-12)"),
    ("minimum", (X, 4.0), {}, "x.clamp(max=4)"),
    ("minimum", (X, 1e6), {}, "clamp(x, max=1000000)"),
    ("greater", (X, 0.5), {"dtype": None}, "(x > 0.5).to(x.dtype)"),
    ("equal", (X, Y), {"dtype": None}, "(x == y).to(x.dtype)"),
    ("logical_and", (X, Y), {"dtype": None}, "((x != 0) & (y != 0)).to(x.dtype)"),
    ("logical_or", (X, 0.5), {"dtype": None}, "torch.ones_like(x)"),
    ("logical_or", (X, 0.0), {"dtype": None}, "(x != 0).to(x.dtype)"),
    ("logical_and", (X, 0.5), {"dtype": None}, "(x != 0).to(x.dtype)"),
    ("logical_and", (X, 0.0), {"dtype": None}, "torch.zeros_like(x)"),
    ("logical_xor", (X, 0.5), {"dtype": None}, "(x == 0).to(x.dtype)"),
    ("logical_not", (X,), {"dtype": None}, "(x == 0).to(x.dtype)"),
    ("negative", (X,), {}, "-x"),
    ("sqrt", (X,), {}, "torch.sqrt(x)"),
    ("degrees", (X,), {}, "torch.rad2deg(x)"),
    ("cbrt", (X,), {}, "cube_root(x)"),
    ("gamma", (X,), {}, "gamma(x)"),
    ("round", (X,), {"ties": "away_from_zero"}, "round_half_away_from_zero(x)"),
    ("round", (X,), {"ties": "down"}, "round_half_down(x)"),
    ("clamp", (X,), {"min": -1.0, "max": 0.5}, "x.clamp(-1.0, 0.5)"),
    ("clamp", (X,), {"min": -1.0, "max": 1.0}, "x.clamp(-1, 1)"),
    ("clamp", (X,), {"min": 0.0, "max": 6.0}, "F.relu6(x)"),
    ("clamp", (X,), {"min": 0.0, "max": None}, "x.clamp(min=0)"),
    ("smooth_l1", (X,), {"sigma": 1.0}, 'F.smooth_l1_loss(x, torch.zeros_like(x), reduction="none")'),
    ("divide_by_sqrt_size", (X,), {}, "x / math.sqrt(x.shape[-1])"),
    ("cast", (X,), {"dtype": "float16"}, "x.to(torch.float16)"),
    ("where", (X, X, Y), {"rows": True}, "torch.where(x != 0, x, y)"),
    ("relu", (X,), {}, "F.relu(x)"),
    ("hard_sigmoid", (X,), {"alpha": 0.2, "beta": 0.5}, "(0.2 * x + 0.5).clamp(0, 1)"),
    ("leaky_relu", (X,), {"negative_slope": 0.1}, "F.leaky_relu(x, negative_slope=0.1)"),
    ("elu", (X,), {"alpha": 0.25}, "F.elu(x, alpha=0.25)"),
    ("softplus", (X,), {}, "F.softplus(x)"),
    ("gelu", (X,), {}, "F.gelu(x)"),
    ("softmax", (X,), {"axis": -1}, "x.softmax(-1)"),
    ("log_softmax", (X,), {"axis": 1}, "x.log_softmax(1)"),
    ("softmax_of_sample", (X,), {}, "x.softmax(1)"),
    ("pick", (X, Y), {"axis": 1, "keepdim": True, "out_of_range": "clamp"}, "pick(x, y, 1, keepdim=True)"),
    ("dropout", (X,), {"p": 0.2, "shared_axes": (), "always": True}, "F.dropout(x, 0.2, training=True)"),
    ("dropout", (X,), {"p": 0.2, "shared_axes": (1,), "always": False}, "self.dropout(x)"),
]

IDS = [f"{kind}-{text}" for kind, _, _, text in TEXTS]


def model(kind: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Store:
    g = GraphBuilder()
    values = {X: g.input(X, (None, 5)), Y: g.input(Y, (None, 5))}
    node = g.node(kind, *(values.get(item, item) if isinstance(item, str) else item for item in operands), **attributes)
    return g.store(node)


def inputs(dtype: Any = torch.float32, batch: int = 3) -> dict[str, Any]:
    random = np.random.default_rng(0)
    x, y = (torch.from_numpy(random.uniform(0.25, 0.9, (batch, 5))).to(dtype) for _ in range(2))
    return {"x": x, "y": y}


def arguments(module: Any, **options: Any) -> tuple[Any, ...]:
    given = inputs(**options)
    code = module.forward.__code__
    return tuple(given[name] for name in code.co_varnames[1 : code.co_argcount])


@pytest.mark.parametrize(("kind", "operands", "attributes", "text"), TEXTS, ids=IDS)
def test_text(kind: str, operands: tuple[Any, ...], attributes: dict[str, Any], text: str) -> None:
    assert f"return {text}\n" in source_of(model(kind, operands, attributes))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("kind", "operands", "attributes", "text"), TEXTS, ids=IDS)
def test_half_precision(
    kind: str, operands: tuple[Any, ...], attributes: dict[str, Any], text: str, dtype: Any
) -> None:
    module = build(model(kind, operands, attributes))
    full = module(*arguments(module))
    half = copy.deepcopy(module).to(dtype)(*arguments(module, dtype=dtype))
    if kind == "dropout":
        return
    assert half.dtype == (torch.float16 if kind == "cast" else dtype)
    if kind not in ("equal", "remainder", "round"):  # they jump
        torch.testing.assert_close(half.float(), full.float(), rtol=0.02, atol=0.02)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "operands", "attributes", "text"), TEXTS, ids=IDS)
def test_trace_and_export(kind: str, operands: tuple[Any, ...], attributes: dict[str, Any], text: str) -> None:
    """With a free batch, which is another one when the result is used."""
    module = build(model(kind, operands, attributes))
    given, other = arguments(module), arguments(module, batch=7)
    batch = free_size("batch")
    exported = torch.export.export(module, given, dynamic_shapes=tuple({0: batch} for _ in given)).module()
    traced = torch.jit.trace(module, given, check_trace=False)
    if kind == "dropout" and attributes["always"]:
        assert exported(*other).shape == traced(*other).shape == (7, 5)
        return
    torch.testing.assert_close(exported(*other), module(*other))
    torch.testing.assert_close(traced(*other), module(*other))


NOT_IN_ONNX = ("gamma", "hypot", "dropout")
"""ONNX has neither function; what is random cannot be compared."""


def together() -> tuple[Store, dict[str, Any]]:
    """One model of all that ONNX knows, to be exported and compiled once."""
    g = GraphBuilder()
    values = {X: g.input(X, (None, 5)), Y: g.input(Y, (None, 5))}
    outputs = []
    for kind, operands, attributes, _ in TEXTS:
        if kind in NOT_IN_ONNX:
            continue
        given = (values[item] if isinstance(item, str) else item for item in operands)
        outputs.append(g.node(kind, *given, **attributes))
    return g.store(*outputs), inputs()


def test_compile() -> None:
    store, given = together()
    module = build(store)
    for actual, expected in zip(torch.compile(module, backend="aot_eager", dynamic=True)(**given), module(**given)):
        torch.testing.assert_close(actual, expected)


def test_onnx(tmp_path: Any) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    store, given = together()
    module = build(store)
    path = str(tmp_path / "model.onnx")
    batch = free_size("batch")
    shapes = {"x": {0: batch}, "y": {0: batch}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (given["x"], given["y"]), path, dynamo=True, dynamic_shapes=shapes, verbose=False)
    session = onnxruntime.InferenceSession(path)
    other = inputs(batch=4)
    names = [item.name for item in session.get_inputs()]
    results = session.run(None, {name: other[name].numpy() for name in names})
    for actual, expected in zip(results, module(**other)):
        np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
def test_dtypes_that_torch_hardly_has_are_problems(dtype: str) -> None:
    with pytest.raises(UnsupportedError, match=dtype):
        build(model("cast", (X,), {"dtype": dtype}))


def test_common_dtype() -> None:
    g = GraphBuilder()
    x, y = g.input(X, (None, 5)), g.input(Y, (None, 5))
    node = g.node("cast_to_common", x, y, narrowest=False)
    module = build(g.store(node, type(node)(node.node, 1)))
    wide = module(torch.ones(2, 5, dtype=torch.float16), torch.ones(2, 5))
    assert [item.dtype for item in wide] == [torch.float32, torch.float32]
    assert [item.dtype for item in module(torch.ones(2, 5).half(), torch.ones(2, 5).long())] == [
        torch.float16,
        torch.int64,
    ]
