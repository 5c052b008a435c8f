"""Recurrent cells unrolled in time, as in symbols of MXNet's first years."""

from __future__ import annotations

import mxnet as mx
import numpy as np

from mxnet_side.operators import run_symbol


def cell(name: str, steps: int, features: int, data: np.ndarray, prefix: str) -> list[np.ndarray]:
    """Run and save ``mx.rnn.<name>`` over ``data`` (batch, time, features); the initial state is zeros of any batch."""
    cell = getattr(mx.rnn, name)(features, prefix="cell_")
    outputs, _ = cell.unroll(steps, inputs=mx.sym.var("input0"), merge_outputs=True)
    random = np.random.RandomState(0)
    shapes, _, _ = outputs.infer_shape(input0=data.shape)
    arrays = {
        argument: data if argument == "input0" else random.uniform(-0.5, 0.5, shape).astype(np.float32)
        for argument, shape in zip(outputs.list_arguments(), shapes)
    }
    return run_symbol(outputs, arrays, prefix, [name for name in arrays if name != "input0"])
