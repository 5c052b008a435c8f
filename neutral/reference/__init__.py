"""Evaluate a store's graph in NumPy alone: the meaning of every operator kind as a short function.

The functions are written from the catalogue (``docs/operators.md``) and from no framework. They are slow and plain:
their outputs are those that the store says that the model computes.

Example:
    >>> import numpy as np
    >>> from neutral.graph import Graph, Input, Node, Value
    >>> from neutral.store import Store
    >>> graph = Graph((Input("data"),), (Node("act", "relu", (Value("data"),), {}),), (Value("act"),))
    >>> run(Store({}, {}, graph), {"data": np.array([-1.0, 2.0], np.float32)})
    {'act': array([0., 2.], dtype=float32)}
"""

from __future__ import annotations

from neutral.reference.batches import run_in_batches
from neutral.reference.cost import multiply_adds
from neutral.reference.diagnosis import find_fault
from neutral.reference.evaluate import run
from neutral.reference.input_sizes import known_input_shapes, runnable_input_shapes
from neutral.reference.inputs import draw_inputs
from neutral.reference.recording import record
from neutral.reference.registry import FUNCTIONS, missing_kinds
from neutral.reference.shapes import output_shapes
from neutral.reference.verifying import products_of, verify_operators

__all__ = [
    "FUNCTIONS",
    "draw_inputs",
    "find_fault",
    "known_input_shapes",
    "missing_kinds",
    "multiply_adds",
    "output_shapes",
    "products_of",
    "record",
    "run",
    "run_in_batches",
    "runnable_input_shapes",
    "verify_operators",
]
