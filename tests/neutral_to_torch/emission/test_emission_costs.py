"""The cost of emission grows with the graph, not with its square."""

from __future__ import annotations

import subprocess
import sys
from types import FrameType
from typing import Any

import pytest

from graph_shapes import SHAPES
from neutral_to_torch.emission.build import build
from neutral_to_torch.emission.compose import compose
from neutral_to_torch.emission.structure.short_names import ScopeNames

MOST_GROWTH = 2.5
"""Calls for twice the edges, as a multiple; quadratic costs give 4."""

CPU_SECONDS = 100
"""A fifth of it is needed; costs that grow with the square take many times as long."""

LARGE = {"chain": 5_000, "doubling": 2_000, "fan": 3_000, "joins": 80}


def calls(shape: str, size: int) -> int:
    """Return the number of Python functions that emission calls."""
    store, count = SHAPES[shape](size), 0

    def counted(_: FrameType, event: str, __: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        compose(store)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("shape", ["chain", "doubling", "fan", "steps", "delayed_steps"])
def test_calls_grow_with_the_edges(shape: str) -> None:
    calls(shape, 3)  # imports and caches
    assert calls(shape, 200) < MOST_GROWTH * calls(shape, 100)


def test_thousands_of_submodules_are_no_keywords() -> None:
    """Python compares each keyword of a call with every other."""
    module = build(SHAPES["chain"](1_500))
    (layers,) = module.children()
    assert len(layers) == 1_500 and next(iter(layers.named_children()))[0] == "relu1"
    source = compose(SHAPES["chain"](1_500)).source
    assert source.count("OrderedDict(\n                [\n") == 1
    assert '                    ("relu1", nn.ReLU()),\n' in source
    assert "relu1000=nn.ReLU()" in compose(SHAPES["chain"](1_000)).source


def test_names_of_thousands_of_parts() -> None:
    """Every beginning of a name was kept: gigabytes for a name of 64 KiB."""
    tracemalloc = pytest.importorskip("tracemalloc")
    names = [["part0"] * 5_000, ["part0"] * 4_999 + ["other"]]
    tracemalloc.start()
    scopes = ScopeNames(names)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20 and scopes.entry("part0_part0_conv1") == "conv1"


def test_large_graphs_within_a_limit_of_cpu_time() -> None:
    resource = pytest.importorskip("resource")
    program = (
        "import sys; from graph_shapes import SHAPES; from neutral_to_torch.emission.compose import compose\n"
        f"for shape, size in {LARGE}.items():\n"
        "    assert compose(SHAPES[shape](size)).source\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
