"""Emitted modules and helpers in TorchScript and in torch.fx."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from typing import Any, Callable, Iterator

import numpy as np
import pytest

from checks import torch
from graphs import GraphBuilder
from neutral_to_torch.emission import helpers
from neutral_to_torch.emission.build import build

NOT_SCRIPTED = {
    "it takes a module or makes one": "batch_inverse_deviation batch_mean fixed_scale run_to_length transpose_to_size",
    "it takes a number or a tensor": """
        floor_divide insert mask_update random_gamma random_negative_binomial random_normal random_uniform
        remainder_of_trunc slice_assign spread
    """,
    "it uses another one": """
        deformable_roi_pool random_bernoulli random_category random_category_and_log random_exponential
        random_multinomial random_poisson roi_pool rotated_roi_align
    """,
    "functions are chosen by the number of axes": """
        average_pool conv_transpose_to_size max_pool pad_windows spatial_reduction sum_pool
    """,
    "TorchScript has no such function of Python or torch": """
        bilinear_values cast_to_common clamp insert_slice nearest_quantile odd_scaled other_axes pack_triangle
        pad_from_within pad_with_extremes position_sensitive_roi_pool product scaled unique unpack_triangle
        window_maxima
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


def boxes(*shape: int) -> Any:
    x = data(*shape, 4)
    return torch.cat([x[..., :2], x[..., :2] + x[..., 2:]], dim=-1)


RESIZE = {"size": None, "scale": None, "align_corners": False}
NMS = {
    "overlap_threshold": 0.5, "valid_threshold": 0.01, "coord_start": 2, "score_index": 1, "class_index": 0,
    "background": -1, "across_classes": False, "in_format": "corner", "out_format": "corner", "top_k": 5,
}  # fmt: skip
SSD = {
    "threshold": 0.1, "overlap_threshold": 0.5, "top_k": 10, "across_classes": False,
    "variances": (0.1, 0.1, 0.2, 0.2), "clip": True,
}  # fmt: skip
PRIOR = {"sizes": (0.2, 0.3), "ratios": (1.0, 2.0), "steps": None, "offsets": (0.5, 0.5), "clip": False}
MATCH = {"smallest": False, "threshold": 0.1, "limit": None}
LIKE = {"start": 2, "end": None, "like_start": 2, "like_end": None}
ALIGN = {"output_size": (3, 3), "spatial_scale": 1.0, "aligned": False, "position_sensitive": False}
REGIONS = torch.tensor([[0, 1, 1, 8, 9], [1, 0, 0, 5, 5], [1, 2, 2, 4, 9.0]])


@pytest.mark.parametrize(
    ("kind", "attributes", "inputs"),
    [
        ("reshape_like", LIKE, [data(2, 3, 20), data(1, 1, 4, 5)]),
        ("upsample_nearest", {"scale": 2}, [data(2, 3, 5, 4)]),
        ("resize_bilinear", {**RESIZE, "extent": "like"}, [data(2, 3, 5, 4), data(1, 1, 7, 3)]),
        ("l2_normalize", {"eps": 1e-10, "over": "channel"}, [data(2, 3, 5, 4)]),
        ("box_nms", NMS, [torch.cat([data(2, 20, 1).round(), data(2, 20, 1, seed=1), boxes(2, 20)], dim=-1)]),
        ("multibox_prior", PRIOR, [data(2, 3, 5, 7)]),
        ("multibox_detection", SSD, [data(2, 4, 20), data(2, 80), boxes(1, 20)]),
        ("bipartite_matching", MATCH, [data(2, 4, 5)]),
        ("roi_align", {**ALIGN, "samples": 2}, [data(2, 3, 11, 13), REGIONS]),
        ("image_normalize", {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}, [data(2, 3, 5, 4)]),
        ("shape", {}, [data(2, 3, 5, 4)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_operator(kind: str, attributes: dict[str, Any], inputs: list[Any]) -> None:
    """The construct that each of them is written with is understood, with other sizes than those of the example too."""
    g = GraphBuilder()
    values = [g.input(f"x{i}", (None,) * x.dim()) for i, x in enumerate(inputs)]
    module = build(g.store(g.node(kind, *values, **attributes)))
    with torch.no_grad():
        expected = module(*inputs)
        torch.testing.assert_close(script(module)(*inputs), expected)
        torch.testing.assert_close(torch.fx.symbolic_trace(module)(*inputs), expected)


@pytest.mark.parametrize("masked", [False, True])
def test_a_deformable_convolution(masked: bool) -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 4, None, None))
    moves = [g.input("offset", (None, 36, None, None))] + [g.input("mask", (None, 18, None, None))] * masked
    weight = np.random.default_rng(0).random((6, 2, 3, 3), dtype=np.float32)
    numbers = {"kernel_size": (3, 3), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
    sizes = {"out_channels": 6, "groups": 2, "deformable_groups": 2, "modulated": masked}
    tensors = {"weight": weight, "bias": np.ones(6, np.float32)}
    module = build(g.store(g.node("deformable_convolution", x, *moves, arrays=tensors, **numbers, **sizes)))
    inputs = [data(2, 4, 8, 9), data(2, 36, 4, 5) * 3 - 1, data(2, 18, 4, 5)][: 2 + masked]
    with torch.no_grad():
        expected = module(*inputs)
        torch.testing.assert_close(script(module)(*inputs), expected)
        torch.testing.assert_close(torch.fx.symbolic_trace(module)(*inputs), expected)


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
