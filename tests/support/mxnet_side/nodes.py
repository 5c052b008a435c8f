"""Single nodes of operators that no Python function makes, in MXNet 1 and 2."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Mapping, Sequence

import mxnet as mx
import numpy as np

VERSION_2 = mx.__version__.startswith("2.")

CODES = {"float32": 0, "float64": 1, "float16": 2, "uint8": 3, "int32": 4, "int8": 5, "int64": 6, "bool": 7}
"""MXNet's numbers of dtypes."""


def run(
    operator: str, inputs: Sequence[np.ndarray], attributes: Mapping[str, str], prefix: str, numpy: bool = True
) -> list[np.ndarray]:
    """Run a node of ``operator`` on inputs, which declare their dtypes, and save its symbol as ``prefix``.

    ``numpy`` says whether shapes have NumPy's meaning.
    """
    count = len(inputs)
    arguments = [
        {"op": "null", "name": f"input{i}", "attrs": {"__dtype__": str(CODES[inputs[i].dtype.name])}, "inputs": []}
        for i in range(count)
    ]
    node = {"op": operator, "name": "op", "attrs": dict(attributes), "inputs": [[i, 0, 0] for i in range(count)]}
    version = ["int", 20000 if VERSION_2 else 10901]
    graph = {
        "nodes": [*arguments, node],
        "arg_nodes": list(range(count)),
        "node_row_ptr": list(range(count + 2)),
        "heads": [[count, 0, 0]],
        "attrs": {"mxnet_version": version, **({"is_np_shape": ["int", 1]} if numpy else {})},
    }
    if VERSION_2 and not numpy:
        mx.npx.reset_np()
    with mx.util.np_shape(True) if numpy else contextlib.nullcontext():
        load = mx.sym.fromjson if VERSION_2 else mx.sym.load_json
        symbol: Any = load(json.dumps(graph))
        given = {f"input{i}": mx.nd.array(array, dtype=array.dtype) for i, array in enumerate(inputs)}
        bind = symbol._bind if VERSION_2 else symbol.bind
        outputs = [item.asnumpy() for item in bind(mx.cpu(), given, grad_req="null").forward(is_train=False)]
        symbol.save(f"{prefix}-symbol.json")
    return outputs
