"""Recurrent layers in real MXNet whose weights and biases are one array of a parameter file without a symbol."""

from __future__ import annotations

from typing import Any, Mapping

import mxnet as mx
import numpy as np


def save_gluon(kind: str, options: Mapping[str, Any], data: np.ndarray, path: str) -> np.ndarray:
    """Save a layer of MXNet 2's Gluon (``LSTM``, ``GRU``, ``RNN``) with random parameters, and return its output."""
    mx.npx.set_np()
    layer = getattr(mx.gluon.rnn, kind)(input_size=data.shape[-1], **options)
    layer.initialize()
    layer(mx.np.array(data))  # the vector has a size now, and zeros for biases
    (parameter,) = layer.collect_params().values()
    parameter.set_data(mx.np.random.uniform(-0.4, 0.4, parameter.shape))
    output: np.ndarray = layer(mx.np.array(data)).asnumpy()
    layer.save_parameters(path)
    return output


def load_gluon(kind: str, options: Mapping[str, Any], data: np.ndarray, path: str) -> np.ndarray:
    """Load a parameter file into a layer of MXNet 2's Gluon, and return its output."""
    mx.npx.set_np()
    layer = getattr(mx.gluon.rnn, kind)(input_size=data.shape[-1], **options)
    layer.load_parameters(path)
    output: np.ndarray = layer(mx.np.array(data)).asnumpy()
    return output


def save_fused_cell(mode: str, options: Mapping[str, Any], data: np.ndarray, path: str) -> np.ndarray:
    """Save the ``parameters`` of a ``FusedRNNCell`` of MXNet 1 over (time, batch, features), and return its output."""
    cell = mx.rnn.FusedRNNCell(mode=mode, prefix="", **options)
    outputs, _ = cell.unroll(len(data), mx.sym.var("data"), layout="TNC", merge_outputs=True)
    executor = outputs.simple_bind(mx.cpu(), data=data.shape)
    parameters = executor.arg_dict["parameters"]
    parameters[:] = mx.nd.random.uniform(-0.4, 0.4, parameters.shape)
    executor.arg_dict["data"][:] = data
    mx.nd.save(path, {"arg:parameters": parameters})
    output: np.ndarray = executor.forward()[0].asnumpy()
    return output
