"""Reading and checking cost time linear in the graph: large graphs are read in a child whose CPU time is limited."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from cli_cases import ndarray_list
from reader.checkpoints import SymbolBuilder

resource = pytest.importorskip("resource")

CPU_SECONDS = 40
"""Linear passes take 2 to 8 seconds; what is quadratic in these graphs takes minutes."""

NODES = 20_000

SCRIPT = """
import sys, mxnet_to_neutral
from neutral.store.check import check
with mxnet_to_neutral.read(sys.argv[1], graph_only=True) as store:
    store.save(sys.argv[2])
    print(len(store.graph.nodes))
report = check(sys.argv[2])
assert report.ok, report.problems
"""


def chain(operator: str, name: str = "n{}", **attributes: str) -> SymbolBuilder:
    symbol = SymbolBuilder()
    before: Any = "data"
    for index in range(NODES):
        before = symbol.add(operator, name.format(index), [before], **attributes)
    return symbol


def doubling() -> SymbolBuilder:
    """Add each value to itself: 2^20,000 paths."""
    symbol = SymbolBuilder()
    before: Any = "data"
    for index in range(NODES):
        before = symbol.add("elemwise_add", f"n{index}", [before, before])
    return symbol


def states_along_a_chain() -> SymbolBuilder:
    """Add zeros of unknown batch to every value: whether they broadcast depends on all that follows."""
    symbol = SymbolBuilder()
    before: Any = "data"
    for index in range(NODES // 3):
        zeros = symbol.add("_zeros", f"z{index}", [], shape="(0, 4)", dtype="float32")
        state = symbol.add("FullyConnected", f"f{index}", [zeros, before], num_hidden="4", no_bias="True")
        before = symbol.add("relu", f"n{index}", [state])
    return symbol


def fan() -> SymbolBuilder:
    symbol = SymbolBuilder()
    symbol.add("add_n", "sum", [symbol.add("relu", f"n{index}", ["data"]) for index in range(NODES)])
    return symbol


def concatenations_of_all_before() -> SymbolBuilder:
    """160 nodes and 12,880 edges."""
    symbol = SymbolBuilder()
    before: list[Any] = [symbol.variable("data")]
    for index in range(160):
        before.append(symbol.add("Concat", f"n{index}", list(before), num_args=str(len(before)), dim="1"))
    return symbol


def unrolled_cells() -> SymbolBuilder:
    symbol = SymbolBuilder()
    state: Any = "begin_state"
    for index in range(NODES // 8):
        i2h = symbol.add("FullyConnected", f"i{index}", [f"x{index}", "w", "b"], num_hidden="4")
        h2h = symbol.add("FullyConnected", f"h{index}", [state, "v", "c"], num_hidden="4")
        total = symbol.add("elemwise_add", f"p{index}", [i2h, h2h])
        state = symbol.add("Activation", f"o{index}", [total], act_type="tanh")
    return symbol


GRAPHS: dict[str, Callable[[], SymbolBuilder]] = {
    "relu": lambda: chain("relu"),
    "unknown operators": lambda: chain("NobodyKnows"),
    "nodes of one name": lambda: chain("Flatten", "flat"),
    "prelu": lambda: chain("LeakyReLU", act_type="prelu"),
    "instance norm": lambda: chain("InstanceNorm"),
    "reshape": lambda: chain("Reshape", shape="(0, -1)"),
    "doubling": doubling,
    "states": states_along_a_chain,
    "fan": fan,
    "concatenations": concatenations_of_all_before,
    "unrolled": unrolled_cells,
}


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_read_and_checked_in_linear_time(tmp_path: Path, name: str) -> None:
    symbol = tmp_path / "model-symbol.json"
    symbol.write_text(GRAPHS[name]().json())
    command = [sys.executable, "-c", SCRIPT, str(symbol), str(tmp_path / "model.safetensors")]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, preexec_fn=_limit, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= 160


def test_an_array_costs_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    import mxnet_to_neutral

    count = 5000
    arrays = {f"layer{index}_weight": np.ones((1,), "<f4") for index in range(count)}
    (tmp_path / "many.params").write_bytes(ndarray_list(arrays))
    mxnet_to_neutral.read(tmp_path / "many.params").close()  # imports what is imported late
    tracemalloc.start()
    try:
        with mxnet_to_neutral.read(tmp_path / "many.params") as store:
            assert len(store.tensors) == count
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / count < 1900
