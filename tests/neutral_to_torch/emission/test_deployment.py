"""Emitted modules and helpers in TorchScript, torch.fx and the other ways of deployment; the page on them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import warnings
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np
import pytest
from deployment import matching
from deployment_page import document
from deployment_ways import WAYS, Example, Rounding, half

from checks import torch
from detection_samples import ALIGN, MATCH, NMS, PRIOR, REGIONS, SSD, boxes, detections
from graphs import GraphBuilder
from neutral_to_torch.emission import helpers
from neutral_to_torch.emission.build import build

VERSION = tuple(map(int, torch.__version__.split(".")[:2]))

NOT_SCRIPTED = {
    "it takes a module or makes one": "batch_inverse_deviation batch_mean fixed_scale run_to_length transpose_to_size",
    "it takes a number or a tensor": """
        floor_divide insert mask_update random_binomial random_gamma random_negative_binomial random_normal
        random_uniform slice_assign spread
    """,
    "it uses another one": """
        deformable_roi_pool random_bernoulli random_category random_category_and_log random_exponential
        random_multinomial random_poisson roi_pool rotated_roi_align
    """,
    "functions are chosen by the number of axes": """
        average_pool conv_transpose_to_size max_pool pad_windows spatial_reduction sum_pool
    """,
    "TorchScript has no such function of Python or torch": """
        bilinear_values cast_to_common clamp insert_slice least_squares matrix_rank_by_eps nearest_quantile odd_scaled
        other_axes pack_triangle pad_from_within pad_with_extremes position_sensitive_roi_pool product_over_axes
        reshape_to scaled unique unpack_triangle window_maxima
    """,
}
"""Helpers that TorchScript does not take, with the reasons."""


def functions() -> Iterator[Callable[..., Any]]:
    for info in pkgutil.iter_modules(helpers.__path__):
        module = importlib.import_module(f"{helpers.__name__}.{info.name}")
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                yield function


def script(function: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(function)


def test_helpers_in_torchscript() -> None:
    refused = set()
    for function in functions():
        try:
            script(function)
        except (RuntimeError, torch.jit.frontend.NotSupportedError, torch.jit.frontend.UnsupportedNodeError):
            refused.add(function.__name__)
    assert refused == {name for names in NOT_SCRIPTED.values() for name in names.split()}


def data(*shape: int, seed: int = 0) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).random(shape, dtype=np.float32))


def check_traced(module: Any, inputs: list[Any], expected: Any, makes_tensors: bool) -> None:
    """Trace a module by torch.fx, which in torch 2.8 refuses functions that make tensors on another tensor's device."""
    if makes_tensors and VERSION <= (2, 8):
        with pytest.raises(TypeError, match=r"device=Attribute|must be torch.device, not Attribute"):
            torch.fx.symbolic_trace(module)
        return
    torch.testing.assert_close(torch.fx.symbolic_trace(module)(*inputs), expected)


RESIZE = {"size": None, "scale": None, "align_corners": False}
LIKE = {"start": 2, "end": None, "like_start": 2, "like_end": None}


@pytest.mark.parametrize(
    ("kind", "attributes", "inputs"),
    [
        ("reshape_like", LIKE, [data(2, 3, 20), data(1, 1, 4, 5)]),
        ("upsample_nearest", {"scale": 2}, [data(2, 3, 5, 4)]),
        ("resize_bilinear", {**RESIZE, "extent": "like"}, [data(2, 3, 5, 4), data(1, 1, 7, 3)]),
        ("l2_normalize", {"eps": 1e-10, "over": "channel"}, [data(2, 3, 5, 4)]),
        ("box_nms", NMS, [detections(2, 20)]),
        ("multibox_prior", PRIOR, [data(2, 3, 5, 7)]),
        ("multibox_detection", SSD, [data(2, 4, 20), data(2, 80), boxes(1, 20)]),
        ("bipartite_matching", MATCH, [data(2, 4, 5)]),
        ("roi_align", {**ALIGN, "samples": 2}, [data(2, 3, 11, 13), REGIONS]),
        ("gather_nd", {}, [data(3, 4, 5), torch.tensor([[0, 1, 2], [3, 2, 1]])]),
        ("image_normalize", {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}, [data(2, 3, 5, 4)]),
        ("shape", {}, [data(2, 3, 5, 4)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_operator(kind: str, attributes: dict[str, Any], inputs: list[Any]) -> None:
    """The construct that each of them is written with is understood, with other sizes than those of the example too."""
    makes_tensors = kind in {"multibox_prior", "multibox_detection", "roi_align", "image_normalize"}
    g = GraphBuilder()
    values = [g.input(f"x{i}", (None,) * x.dim()) for i, x in enumerate(inputs)]
    module = build(g.store(g.node(kind, *values, **attributes)))
    with torch.no_grad():
        expected = module(*inputs)
        torch.testing.assert_close(script(module)(*inputs), expected)
        check_traced(module, inputs, expected, makes_tensors)


SUM = {"axes": (1,), "exclude": True, "keepdim": False, "at_least_1d": False}


@pytest.mark.parametrize(
    ("kind", "attributes", "inputs", "is_scripted"),
    [
        ("pick", {"axis": 1, "keepdim": False, "out_of_range": "clamp"}, [data(3, 4), torch.tensor([1, 9, 0])], True),
        ("l2_normalize", {"eps": 1e-10, "over": "spatial"}, [data(2, 3, 5)], True),
        ("dot", {}, [data(2, 3), data(4, 3, 5)], True),
        ("remainder", {}, [data(2, 3), data(2, 3, seed=1)], True),
        ("remainder_of_trunc", {}, [data(2, 3), data(2, 3, seed=1)], True),
        ("diagonal", {"offset": 1, "axis": 0, "other_axis": 1}, [data(4)], True),
        ("clamp", {"min": -1e9, "max": 0.5}, [data(2, 3)], False),
        ("sum", SUM, [data(2, 3, 4)], False),
        ("product", SUM, [data(2, 3, 4)], False),
    ],
)
def test_an_operator_that_asks_for_the_rank_or_dtype(
    kind: str, attributes: dict[str, Any], inputs: list[Any], is_scripted: bool
) -> None:
    """torch.fx cannot trace a question about an input; it takes a helper that asks as a whole."""
    g = GraphBuilder()
    module = build(g.store(g.node(kind, *(g.input(f"x{i}", None) for i in range(len(inputs))), **attributes)))
    expected = module(*inputs)
    torch.testing.assert_close(torch.fx.symbolic_trace(module)(*inputs), expected)
    if is_scripted:
        torch.testing.assert_close(script(module)(*inputs), expected)


def test_a_range_as_long_as_an_axis_of_an_input() -> None:
    """torch.fx cannot slice a buffer by an extent that it traces; a helper that it takes as a whole can."""
    g = GraphBuilder()
    x = g.input("x", (None, 3))
    numbers = g.node("arange", start=0.0, step=1.0, count=10, repeat=1, dtype="float32")
    cut = g.node("slice_like", g.node("unsqueeze", numbers, axis=1), x, axes=(0,))
    module = build(g.store(g.node("add", x, cut)))
    for run in (module, script(module), torch.fx.symbolic_trace(module)):
        assert torch.equal(run(torch.zeros(4, 3)), torch.arange(4.0)[:, None].expand(4, 3))


def deformable(masked: bool) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    g = GraphBuilder()
    x = g.input("data", (None, 4, None, None))
    moves = [g.input("offset", (None, 36, None, None))] + [g.input("mask", (None, 18, None, None))] * masked
    weight = np.random.default_rng(0).random((6, 2, 3, 3), dtype=np.float32)
    numbers = {"kernel_size": (3, 3), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
    sizes = {"out_channels": 6, "groups": 2, "deformable_groups": 2, "modulated": masked}
    tensors = {"weight": weight, "bias": np.ones(6, np.float32)}
    module = build(g.store(g.node("deformable_convolution", x, *moves, arrays=tensors, **numbers, **sizes)))
    return module, [data(2, 4, 8, 9), data(2, 36, 4, 5) * 3 - 1, data(2, 18, 4, 5)][: 2 + masked]


@pytest.mark.parametrize("masked", [False, True])
def test_a_deformable_convolution(masked: bool) -> None:
    module, inputs = deformable(masked)
    with torch.no_grad():
        expected = module(*inputs)
        torch.testing.assert_close(script(module)(*inputs), expected)
        check_traced(module, inputs, expected, makes_tensors=True)


@pytest.mark.parametrize("masked", [False, True])
def test_a_deformable_convolution_in_onnx(masked: bool) -> None:
    """onnxscript's optimizer loses the bounds of a Clip whose input has another one."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    module, inputs = deformable(masked)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert WAYS["onnx"](Example(module, inputs, [0] * len(inputs))) == "equal"


def test_an_embedding_of_indices_out_of_range() -> None:
    g = GraphBuilder()
    weight = np.arange(12, dtype=np.float32).reshape(4, 3)
    sizes = {"num_embeddings": 4, "embedding_dim": 3}
    module = build(g.store(g.node("embedding", g.input("data", (None,)), arrays={"weight": weight}, **sizes)))
    index = torch.tensor([-1.0, 1.5, 9.0])
    assert torch.equal(module(index), torch.from_numpy(weight[[0, 1, 3]]))
    assert torch.equal(script(module)(index), module(index))


def test_comments_to_the_type_checker_are_not_emitted() -> None:
    from neutral_to_torch.emission.printing.helper_source import helpers as sources

    assert not [name for name, helper in sources().items() if "type: ignore" in helper.source]


def classifier() -> Example:
    g = GraphBuilder()
    x = g.relu(g.bn(g.conv(g.input("data", (None, 3, None, None)), 8, 3)))
    x = g.linear(g.node("global_average_pool", x, layout="channels_first"), 4)
    module = build(g.store(g.node("softmax", x, None, axis=-1)))
    return Example(module, [data(2, 3, 7, 9)], [0])


def recurrent() -> Example:
    g = GraphBuilder()
    x = g.node("swap_axes", g.input("data", (None, None, 6)), axis=0, other_axis=1)
    arrays = {"weight_ih_l0": g.values(32, 6), "weight_hh_l0": g.values(32, 8)}
    arrays.update({f"bias_{part}_l0": g.values(32) for part in ("ih", "hh")})
    options = {"hidden_size": 8, "num_layers": 1, "bidirectional": False, "dropout": 0.0, "projection_size": 0}
    clip = {"clip_min": None, "clip_max": None, "clip_nan": False}
    x = g.node("lstm", x, None, None, arrays=arrays, **options, **clip)
    return Example(build(g.store(g.node("swap_axes", x, axis=0, other_axis=1))), [data(1, 5, 6)], [0])


def detector() -> Example:
    g = GraphBuilder()
    inputs = [data(2, 3, 20).softmax(1), data(2, 80) - 0.5, boxes(1, 20)]
    shapes = [(None, 3, 20), (None, 80), (1, 20, 4)]
    values = [g.input(name, shape) for name, shape in zip(("scores", "predictions", "anchors"), shapes)]
    return Example(build(g.store(g.node("multibox_detection", *values, **SSD))), inputs, [0, 0, None])


@pytest.mark.parametrize("make", [classifier, recurrent, detector])
@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("inductor", "onnx")])
def test_a_way_of_deployment(way: str, make: Callable[[], Example]) -> None:
    """With a batch of another size, too, where the way keeps the precision."""
    example = make()
    assert example.more is not None and example.inputs[0].shape[0] == 2
    if way == "fx" and make is detector and VERSION <= (2, 8):  # see check_traced
        with pytest.raises(TypeError, match=r"must be torch\.device, not Attribute"):
            WAYS[way](example)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert WAYS[way](example) in ("equal", "equal: rounding")


def test_a_traced_batch_that_became_a_constant_is_found() -> None:
    example = classifier()

    def fixed(x: Any) -> Any:
        return example.module(x[:2])

    assert example.check(fixed).startswith("for another batch: torch.float32 (2, 4) instead of")


def test_results_of_another_dtype_number_or_value_are_found() -> None:
    example = classifier()
    assert example.check(lambda x: example.module(x).double()).startswith("torch.float64 (2, 4) instead of")
    assert example.check(lambda x: [example.module(x)] * 2) == "2 outputs instead of 1"
    assert example.check(lambda x: example.module(x) + 1e-3).startswith("differs by ")
    assert example.check(lambda x: example.module(x) / 0).startswith("differs by inf")


def test_scores_that_rounding_orders_otherwise_are_called_rounding() -> None:
    class Sorted(torch.nn.Module):
        def forward(self, scores: Any, names: Any) -> Any:
            return names.gather(1, scores.argsort(1))

    names = torch.arange(1.0, 4.0).expand(2, 3)
    for step, result in ((1e-7, "equal: rounding"), (1e-3, "differs by 3.3e-01")):
        example = Example(Sorted(), [torch.tensor([[1.0, 1.0 + step, 2.0]] * 2), names], [0, 0])
        assert example.check(lambda scores, names: names[:, [1, 0, 2]]) == result


@pytest.mark.parametrize(("change", "result"), [(0.0, "equal"), (0.5, "differs by ")])
def test_results_of_lower_precision_are_as_near_as_rounding_makes_them(change: float, result: str) -> None:
    example = classifier()
    actual = [output.half() + change for output in example.expected]
    assert Rounding(torch.float16).compare(example, actual).startswith(result)


def test_outputs_in_float16_stay_in_it_unless_the_graph_casts_them() -> None:
    class Cast(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.float()

    assert half(Example(Cast(), [data(2, 3)], [0])) == "torch.float32 instead of torch.float16"
    assert half(Example(Cast(), [data(2, 3)], [0], casts=True)) == "equal"


def test_numbers_beyond_float16_overflow_where_rounding_says_so() -> None:
    module = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.constant_(module.weight, 1e4)
    example = Example(module, [torch.full((2, 2), 10.0)], [0])
    assert half(example) == "equal: overflow"
    lost = [torch.full((2, 1), float("inf"))]
    assert Rounding(torch.bfloat16).compare(example, lost).startswith("differs by inf")


def test_the_page_counts_results_and_gives_the_reasons_of_failures() -> None:
    def row(network: str, way: str, result: str) -> tuple[tuple[str, str], dict[str, Any]]:
        return (network, way), {"network": network, "way": way, "result": result, "torch": "2.13.0+cpu"}

    results = dict([
        row("a/one", "half", "equal: rounding"), row("a/one", "fx", "TypeError: no"),
        row("a/two", "half", "equal"), row("a/two", "fx", "TypeError: no"),
    ])  # fmt: skip
    page = document(["a/one", "a/two", "a/three"], ["half", "fx"], results)
    assert "what becomes of 3 of them" in page and "torch 2.13.0," in page
    rows = ["| a/one | rounding | no (1) |", "| a/two | equal | no (1) |", "| a/three | – | – |"]
    assert "\n".join([*rows, "| **right** | 2 of 2 | 0 of 2 |"]) in page
    assert page.endswith("## What does not work, and why\n\n1. torch.fx: `TypeError: no`\n")


def test_the_page_has_every_network() -> None:
    page = (Path(__file__).parents[3] / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert [line.split(" ")[1] for line in page.splitlines() if re.match("[|] [a-z]+/", line)] == matching([])
