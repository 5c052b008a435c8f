"""A network that sorts scores, two of which nearly tie, and records of it by frameworks that round in another way."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import numpy as np

from golden_files import write_golden
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store

X = np.float32([[4.0, 1.0, 3.0, 1.0000001]])


def detector(outputs: Sequence[str], largest: bool = True) -> Store:
    """Return a network that gives ten times the positions of the largest squares, ``boxes``, or its inner values."""
    nodes = (
        Node("scores", "square", (Value("x"),), {}),
        Node("order", "top_k", (Value("scores"),), {"axis": 1, "count": 4, "largest": largest}),
        Node("places", "cast", (Value("order", 1),), {"dtype": "float32"}),
        Node("boxes", "multiply", (Value("places"), 10.0), {}),
    )
    return Store({}, {}, Graph((Input("x", (1, 4), "float32"),), nodes, tuple(map(Value, outputs))))


def record(folder: Path, outputs: Sequence[str], order: Sequence[int], scores: Sequence[float] | None = None) -> Path:
    """Write what a framework recorded that sorted the scores in an order; without ``scores`` they are exact."""
    squares = X * X if scores is None else np.float32([scores])
    places = np.float32([order])
    values = {"scores": squares, "places": places, "boxes": 10 * places}
    return write_golden(folder / "golden.safetensors", {"x": X}, values, list(outputs))
