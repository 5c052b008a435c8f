"""Shapes, arrangement, reductions and indexing: the text they make, and that PyTorch's compilers can follow it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checks import run, source_of, torch
from graphs import GraphBuilder
from neutral.graph import Value
from neutral.operators import catalogue
from neutral.store import Store
from neutral_to_torch.emission.build import build

REDUCE = {"exclude": False, "keepdim": False, "at_least_1d": True}
IMAGE = (None, 4, None, None)
NO_RANK = None


def one(kind: str, *shapes: Any, outputs: int = 1, **attributes: Any) -> Store:
    g = GraphBuilder()
    inputs = [g.input(name, shape) for name, shape in zip("xyz", shapes)]
    value = g.node(kind, *inputs, name="op", **attributes)
    return g.store(*(Value(value.node, output) for output in range(outputs)))


def codes(*shape: int, from_end: bool = False) -> dict[str, Any]:
    return {"shape": shape, "from_end": from_end}


def ranges(*items: tuple[int, int | None, int | None, int]) -> dict[str, Any]:
    return dict(zip(("axes", "starts", "ends", "steps"), zip(*items)))


@pytest.mark.parametrize(
    ("kind", "shape", "attributes", "text"),
    [
        ("reshape", (None, None, None), codes(0, 0, 12, -1), "x.unflatten(2, (12, -1))"),
        ("reshape", NO_RANK, codes(0, 0, 12, -1), "x.reshape(x.shape[0], x.shape[1], 12, -1)"),
        ("reshape", IMAGE, codes(-1, 0, 0, from_end=True), "x.flatten(0, 1)"),
        ("reshape", NO_RANK, codes(-1, 0, 0, from_end=True), "x.reshape(-1, x.shape[-2], x.shape[-1])"),
        ("reshape", IMAGE, codes(0, -1, 21), "x.reshape(x.shape[0], -1, 21)"),
        ("reshape", IMAGE, codes(0, 0), "x.flatten(1)"),
        ("reshape", IMAGE, codes(0, 0, -1), "x.flatten(2)"),
        ("reshape", NO_RANK, codes(-1, 4, -2), "x.reshape((-1, 4) + x.shape[2:])"),
        ("reshape", NO_RANK, codes(-2, 1), "x.unsqueeze(-1)"),
        ("transpose", IMAGE, {"axes": (0, 2, 3, 1)}, "x.permute(0, 2, 3, 1)"),
        ("transpose", IMAGE, {"axes": (0, 1, 3, 2)}, "x.transpose(2, 3)"),
        ("transpose", (None, None), {"axes": None}, "x.transpose(0, 1)"),
        ("slice", NO_RANK, ranges((-1, 1, 2, 1)), "x[..., 1:2]"),
        ("slice", IMAGE, ranges((2, None, None, -1)), "x.flip(2)"),
        ("slice", IMAGE, ranges((0, 1, None, 1), (2, None, None, 2)), "x[1:, :, ::2]"),
        ("sum", IMAGE, {"axes": (2, 3), **REDUCE}, "x.sum((2, 3))"),
        ("sum", NO_RANK, {"axes": None, **REDUCE}, "x.sum().reshape(1)"),
        ("mean", IMAGE, {"axes": (1,), **REDUCE, "exclude": True}, "x.mean((0, 2, 3))"),
        ("argmax", IMAGE, {"axis": 1, "dtype": None, "keepdim": False, "at_least_1d": True}, "x.argmax(1).to(x.dtype)"),
        ("pad", IMAGE, {"mode": "reflect", "before": (0, 0, 1, 2), "after": (0, 0, 1, 0), "value": 0.0},
         'F.pad(x, (2, 0, 1, 1), mode="reflect")'),
        ("broadcast_axes", (None, 1, None), {"axes": (1,), "sizes": (12,)}, "x.expand(-1, 12, -1)"),
    ],
)  # fmt: skip
def test_text(kind: str, shape: Any, attributes: dict[str, Any], text: str) -> None:
    assert f"return {text}\n" in source_of(one(kind, shape, **attributes))


def test_two_inputs() -> None:
    assert "return x[:, :, : y.shape[2], : y.shape[3]]\n" in source_of(one("slice_like", IMAGE, IMAGE, axes=(2, 3)))
    product = {"axis": -1, "other_axis": 0, "at_least_1d": True}
    assert "return x @ y\n" in source_of(one("tensordot", (None, None), (3, 4), **product))
    assert "return x @ y.T\n" in source_of(one("tensordot", (None, None), (4, 3), **{**product, "other_axis": -1}))


def test_a_kind_whose_shape_does_not_change_is_nothing() -> None:
    g = GraphBuilder()
    x = g.input("x", (None, 4))
    store = g.store(g.node("sqrt", g.node("reshape", x, **codes(0, -1))))
    assert "return torch.sqrt(x)\n" in source_of(store)


def test_constants_are_buffers_that_move_with_the_module() -> None:
    g = GraphBuilder()
    x = g.input("x", (None, 3))
    positions = g.node("arange", name="positions", start=0.0, step=1.0, repeat=1, count=3, dtype="float32")
    store = g.store(g.add(x, positions))
    assert 'self.register_buffer("positions", torch.arange(3, dtype=torch.float32))' in source_of(store)
    module = build(store)
    np.testing.assert_array_equal(module(torch.zeros(1, 3)), [[0, 1, 2]])
    assert module.half()(torch.zeros(1, 3).half()).dtype == torch.float16
    module.load_state_dict(build(store).state_dict(), strict=True)


def network() -> Store:
    """A graph of most kinds, whose batch and image size are free."""
    g = GraphBuilder()
    x = g.input("x", IMAGE)

    def node(kind: str, *inputs: Any, **attributes: Any) -> Value:
        return g.node(kind, *inputs, **attributes)

    blocks = node("depth_to_space", x, size=2)
    half = node("split", node("concatenate", x, x, axis=1), axis=1, parts=2)
    pixels = node("reshape", node("add", half, Value(half.node, 1)), **codes(0, 0, -1))
    rows = node("transpose", pixels, axes=(0, 2, 1))
    product = node("matmul", rows, pixels)
    top = node("top_k", product, axis=-1, count=3, largest=True)
    grouped = node("merge_axes", node("split_axis", rows, axis=-1, sizes=(2, -1)), axis=1, count=2)
    outputs = [
        node("crop", node("pad", blocks, mode="edge", before=(0, 0, 1, 0), after=(0, 0, 0, 1), value=0.0), x,
             size=None, offset=None),
        node("slice", product, **ranges((-1, None, 3, 1), (1, None, None, -2))),
        node("cast", Value(top.node, 1), dtype="float32"),
        node("take", rows, Value(top.node, 1), axis=1, out_of_range="clamp"),
        node("one_hot", Value(top.node, 1), depth=5, on_value=1.0, off_value=0.0, dtype="float32"),
        node("mean", grouped, **{"axes": (1,), **REDUCE, "exclude": True}),
        node("l2_norm", x, **{"axes": (1,), **REDUCE, "keepdim": True}),
        node("arange_like", x, start=0.0, step=1.0, repeat=1, axis=0),
        node("argmax", pixels, axis=-1, dtype=None, keepdim=False, at_least_1d=True),
        node("top_k_mask", pixels, axis=-1, count=2, largest=True),
        node("flip", x, axes=(2, 3)),
        node("shape", x),
        node("size", x),
        node("slice_assign", x, 1.0, **ranges((2, 0, 2, 1))),
        node("stack", x, node("tile", node("full_like", x, value=2.0), repeats=(1, 1, 1, 1)), axis=0),
        node("repeat", node("squeeze", node("unsqueeze", x, axis=1), axes=(1,), at_least_1d=True), repeats=2, axis=3),
    ]  # fmt: skip
    return g.store(*outputs)


def sample(batch: int = 2, height: int = 4, width: int = 6) -> Any:
    random = np.random.default_rng(0)
    return torch.from_numpy(random.standard_normal((batch, 4, height, width)).astype(np.float32))


def same(actual: Any, expected: Any) -> None:
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected):
        torch.testing.assert_close(one, other)


def test_export_with_free_batch_and_image_size() -> None:
    module = build(network())
    free = {0: torch.export.Dim.AUTO, 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    exported = torch.export.export(module, (sample(),), dynamic_shapes={"x": free}).module()
    for image in (sample(), sample(3, 5, 4)):
        same(exported(image), module(image))


def test_compile_without_breaks() -> None:
    module = build(network())
    compiled = torch.compile(module, backend="eager", fullgraph=True, dynamic=True)
    for image in (sample(), sample(3, 5, 4)):
        same(compiled(image), module(image))


def test_trace_follows_other_sizes() -> None:
    module = build(network())
    traced = torch.jit.trace(module, (sample(),))
    same(traced(sample(3, 5, 4)), module(sample(3, 5, 4)))


def test_onnx_with_free_batch_and_image_size(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    module, path = build(network()), str(tmp_path / "model.onnx")
    free = {0: torch.export.Dim.AUTO, 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    torch.onnx.export(module, (sample(),), path, dynamo=True, dynamic_shapes={"x": free}, verbose=False)
    session = runtime.InferenceSession(path)
    for image in (sample(), sample(3, 5, 4)):
        outputs = session.run(None, {session.get_inputs()[0].name: image.numpy()})
        same([torch.from_numpy(output) for output in outputs], module(image))


def test_positions_of_equal_numbers_are_those_of_the_first() -> None:
    x = np.random.default_rng(0).integers(0, 3, (4, 200)).astype(np.float32)
    actual = run(one("top_k", (None, None), outputs=2, axis=-1, count=50, largest=True), x)[1]
    np.testing.assert_array_equal(actual, np.argsort(-x, axis=-1, kind="stable")[:, :50])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(dtype: str) -> None:
    module = build(network(), dtype=getattr(torch, dtype))
    outputs = module(sample().to(getattr(torch, dtype)))
    assert outputs[0].dtype == outputs[5].dtype == outputs[8].dtype == getattr(torch, dtype)


def test_a_negative_step_is_a_slice_of_the_flipped() -> None:
    x = np.arange(7.0, dtype=np.float32)
    for start in (None, 0, 2, 6, -1, -3, 9, -9):
        for end in (None, 0, 2, 6, -1, -3, 9, -9):
            actual = run(one("slice", (None,), **ranges((0, start, end, -2))), x)
            np.testing.assert_array_equal(actual, x[start:end:-2])


def test_every_kind_of_these_families_has_a_rule() -> None:
    from neutral_to_torch.emission.lowering.rules import supported

    families = ("shape", "arrangement", "creation", "reduction", "indexing", "matrix")
    missing = [o.kind for o in catalogue if o.family in families and o.kind not in supported()]
    assert missing == []
