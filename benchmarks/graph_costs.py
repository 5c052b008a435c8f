"""Measure the time per node of checking, writing, reading, emitting and building graphs of growing size.

PYTHONPATH=tests/support python benchmarks/graph_costs.py [--sizes N ...]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from typing import Callable

from common import table

import neutral
from graph_shapes import SHAPES
from neutral.store import Store
from neutral.store.structure import require_valid
from neutral_to_torch.emission.build import build
from neutral_to_torch.emission.compose import compose

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)

MOST_JOINS = 300
"""Nodes of the shape whose edges grow with the square of its nodes."""


def write_and_read(store: Store) -> None:
    """Write the store to a file and open it again."""
    with tempfile.TemporaryDirectory() as folder:
        store.save(f"{folder}/model.safetensors")
        neutral.open(f"{folder}/model.safetensors").close()


STEPS: dict[str, Callable[[Store], object]] = {
    "check": require_valid,
    "write and read": write_and_read,
    "emit": compose,
    "build": build,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    sizes = parser.parse_args().sizes
    for shape, make in SHAPES.items():
        rows = [["nodes", *STEPS]]
        for size in sizes if shape != "joins" else [size // 100 for size in sizes if size // 100 <= MOST_JOINS]:
            rows.append([f"{size:,}", *(f"{per_node(step, make(size), size):.0f} us" for step in STEPS.values())])
        table(f"Time per node of a graph: {shape}", rows)


def per_node(step: Callable[[Store], object], store: Store, nodes: int) -> float:
    """Return the microseconds of CPU time that a step takes for each node."""
    start = time.process_time()
    step(store)
    return 1e6 * (time.process_time() - start) / nodes


if __name__ == "__main__":
    main()
