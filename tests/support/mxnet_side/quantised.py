"""Small networks quantised by MXNet, and a custom operator defined in Python."""

from __future__ import annotations

import mxnet as mx
import numpy as np
from mxnet.contrib import quantization


def run(network: str, prefix: str, data: np.ndarray, calibration: str, fused: bool) -> np.ndarray:
    """Quantise a network with random weights, save it, and return its int8 outputs for ``data``."""
    random = np.random.RandomState(0)
    symbol = NETWORKS[network](mx.sym.var("data"))
    shapes, _, states = symbol.infer_shape(data=data.shape)
    named = [*zip(symbol.list_arguments(), shapes), *zip(symbol.list_auxiliary_states(), states)]
    arrays = {name: mx.nd.array(_values(name, shape, random)) for name, shape in named if name != "data"}
    auxiliary = {name: arrays.pop(name) for name in symbol.list_auxiliary_states()}
    options = {"calib_mode": calibration, "label_names": None, "ctx": mx.cpu()}
    if calibration != "none":
        options.update(calib_data=mx.io.NDArrayIter(data, batch_size=len(data)), num_calib_examples=len(data))
    quantise = quantization.quantize_model_mkldnn if fused else quantization.quantize_model
    options["quantized_dtype"] = "auto" if fused else "int8"
    symbol, arrays, auxiliary = quantise(symbol, arrays, auxiliary, **options)
    mx.model.save_checkpoint(prefix, 0, symbol, arrays, auxiliary)
    given = {name: arrays[name] for name in symbol.list_arguments() if name in arrays}
    given["data"] = mx.nd.array(data)
    return symbol.bind(mx.cpu(), given, aux_states=auxiliary, grad_req="null").forward()[0].asnumpy()


def is_exact() -> bool:
    """Return whether MXNet's int8 matrix product is exact here: without VNNI its kernels saturate sums at 16 bits."""
    random = np.random.RandomState(0)
    data, weight = random.randint(-127, 128, (4, 64)), random.randint(-127, 128, (5, 64))
    ranges = [mx.nd.array([end]) for end in (-1, 1) * 3]
    integers = [mx.nd.array(array, dtype="int8") for array in (data, weight, np.zeros(5))]
    product = mx.nd.contrib.quantized_fully_connected(*integers, *ranges, num_hidden=5, no_bias=False)[0]
    return bool((product.asnumpy() == data @ weight.T).all())


def _values(name: str, shape: tuple, random: np.random.RandomState) -> np.ndarray:
    if name.endswith(("gamma", "var")):
        return random.uniform(0.5, 1.5, shape)
    return random.randn(*shape) * (np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1)


def _dense(x: mx.sym.Symbol) -> mx.sym.Symbol:
    x = mx.sym.Activation(mx.sym.FullyConnected(x, num_hidden=16, name="fc0"), act_type="relu")
    return mx.sym.FullyConnected(x, num_hidden=5, no_bias=True, name="fc1")


def _residual(x: mx.sym.Symbol) -> mx.sym.Symbol:
    x = mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=8, name="conv0")
    x = mx.sym.Activation(mx.sym.BatchNorm(x, fix_gamma=False, name="bn0"), act_type="relu")
    y = mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=8, no_bias=True, name="conv1")
    x = mx.sym.Activation(mx.sym.elemwise_add(x, mx.sym.BatchNorm(y, name="bn1")), act_type="relu")
    x = mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max", name="pool")
    return _dense(mx.sym.Flatten(x))


NETWORKS = {"dense": _dense, "residual": _residual}


def positions(prefix: str, length: int, size: int) -> np.ndarray:
    """Save a symbol with Sockeye's custom operator, and return its outputs."""

    class Encodings(mx.operator.CustomOp):
        def forward(self, is_train, req, in_data, out_data, aux):
            scaled = np.arange(length).reshape(-1, 1) / np.power(10000, (2 * np.arange(size // 2)) / size)
            self.assign(out_data[0], req[0], mx.nd.array(np.hstack([np.sin(scaled), np.cos(scaled)])[None]))

    @mx.operator.register("positional_encodings")
    class Properties(mx.operator.CustomOpProp):
        def __init__(self, length, emb):
            super().__init__(need_top_grad=False)

        def list_arguments(self):
            return []

        def infer_shape(self, in_shape):
            return [], [(1, length, size)], []

        def infer_type(self, in_type):
            return [], [np.float32], []

        def create_operator(self, ctx, shapes, dtypes):
            return Encodings()

    custom = mx.sym.Custom(length=length, emb=size, op_type="positional_encodings", name="positions")
    symbol = mx.sym.broadcast_add(mx.sym.var("data"), custom, name="sum")
    mx.model.save_checkpoint(prefix, 0, symbol, {}, {})
    data = mx.nd.ones((2, length, size))
    return symbol.bind(mx.cpu(), {"data": data}, grad_req="null").forward()[0].asnumpy()
