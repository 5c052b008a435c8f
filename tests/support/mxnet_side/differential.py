"""Single nodes, given as JSON, in real MXNet: shapes inferred, inputs drawn, outputs computed."""

from __future__ import annotations

import ctypes
from typing import Any, Mapping, Sequence

import mxnet as mx
import numpy as np
from mxnet._ctypes.ndarray import _imperative_invoke
from mxnet.base import _LIB, c_str, check_call

from mxnet_side.values import draw_values

VERSION_2 = mx.__version__.startswith("2.")

MAX_ELEMENTS = 20_000

IN_PLACE = ("_copyto", "_npi_boolean_mask_assign_scalar", "_npi_boolean_mask_assign_tensor")
"""Operators that write into an array that is there."""

ROW_SPARSE = ("_sparse_retain", "_square_sum")
"""Operators that take row_sparse arrays only."""


def run_one(call: Mapping[str, Any] | None) -> dict[str, Any]:
    """Run a call.

    Args:
        call: The call; None does nothing, after this module's import of MXNet.

    Returns:
        Its ``symbol`` and arrays, or the ``error``.
    """
    return {} if call is None else _run(call)


def infer_types(calls: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
    """Return, for each call, its ``symbol`` and the ``dtypes`` of its outputs; None where MXNet does not infer them."""
    return [_inferred(call) for call in calls]


def _inferred(call: Mapping[str, Any]) -> Mapping[str, Any] | None:
    try:
        with mx.util.np_array(False), mx.util.np_shape(call["numpy"]):
            symbol = _symbol(call)
            _, outputs, _ = symbol.infer_type()
            return {
                "symbol": symbol.tojson(remove_amp_cast=False),
                "dtypes": [np.dtype(output).name for output in outputs],
            }
    except Exception:  # MXNet refuses the call, or leaves a dtype open
        return None


def _symbol(call: Mapping[str, Any]) -> mx.sym.Symbol:
    internals = (mx.sym.fromjson if VERSION_2 else mx.sym.load_json)(call["symbol"]).get_internals()
    names = [name for name in internals.list_outputs() if name.startswith("op_")]
    return mx.sym.Group([internals[name] for name in names[: call["heads"]]])


def _run(call: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with mx.util.np_array(False), mx.util.np_shape(call["numpy"]):
            return _outputs(call)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {str(error).splitlines()[-1] if str(error) else ''}"}


def _outputs(call: Mapping[str, Any]) -> dict[str, Any]:
    symbol = _symbol(call)
    shapes = _shapes(symbol, call["inputs"])
    random = np.random.RandomState(call["seed"])
    inputs = call.get("arrays") or {
        name: draw_values(random, shapes[name], call["inputs"][name]["dtype"], call["inputs"][name]["values"])
        for name in symbol.list_inputs()
    }
    if call["operator"] in IN_PLACE or call["operator"] in ROW_SPARSE or _depends_on_values(symbol, inputs, call):
        outputs = _invoked(call, [inputs[name] for name in symbol.list_inputs()])
    else:
        try:
            outputs = _executed(symbol, inputs)
        except mx.MXNetError:
            if not VERSION_2:  # whose executor needs a gradient
                raise
            outputs = _invoked(call, [inputs[name] for name in symbol.list_inputs()])
    if sum(output.size for output in outputs) > MAX_ELEMENTS:
        raise ValueError("too large")
    return {"symbol": symbol.tojson(remove_amp_cast=False), "inputs": inputs, "outputs": outputs}


def _executed(symbol: mx.sym.Symbol, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    given = {name: mx.nd.array(value, dtype=value.dtype) for name, value in inputs.items()}
    executor = (symbol._bind if VERSION_2 else symbol.bind)(
        mx.cpu(),
        {name: given[name] for name in symbol.list_arguments()},
        aux_states={name: given[name] for name in symbol.list_auxiliary_states()},
        grad_req="null",
    )
    return [output.asnumpy() for output in executor.forward(is_train=False)]


def _depends_on_values(symbol: mx.sym.Symbol, inputs: Mapping[str, np.ndarray], call: Mapping[str, Any]) -> bool:
    """Return whether an executor cannot tell the shape of an output."""
    _, known, _ = symbol.infer_shape_partial(**{name: value.shape for name, value in inputs.items()})
    return call["numpy"] and any(shape is None or min(shape, default=0) < 0 for shape in known)


def _invoked(call: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run an operator outside of a graph, as its function does."""
    operator, attributes = call["operator"], call["attributes"]
    handle = ctypes.c_void_p()
    check_call(_LIB.NNGetOpHandle(c_str(operator), ctypes.byref(handle)))
    with mx.util.np_array(call["numpy"]):
        make = mx.np.array if call["numpy"] else mx.nd.array
        given = [make(array, dtype=array.dtype) for array in arrays]
        if operator in ROW_SPARSE:
            given[0] = given[0].tostype("row_sparse")
        target = given[0].copy() if operator in IN_PLACE else None
        given = [target, *given[1:]] if operator in IN_PLACE and operator != "_copyto" else given
        outputs = _imperative_invoke(
            handle.value, given, list(attributes), list(attributes.values()), target, call["numpy"], False
        )
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return [output.asnumpy() for output in outputs]


def _shapes(symbol: mx.sym.Symbol, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the shapes that belong together, or those that MXNet infers from the first input's where only it does."""
    names = symbol.list_inputs()
    if all(wanted[name]["fits"] for name in names):
        return {name: tuple(wanted[name]["shape"]) for name in names}
    arguments, _, auxiliary = symbol.infer_shape_partial(**{names[0]: tuple(wanted[names[0]]["shape"])})
    inferred = dict(zip([*symbol.list_arguments(), *symbol.list_auxiliary_states()], [*arguments, *auxiliary]))
    return {
        name: shape if (shape := inferred.get(name)) and min(shape) > 0 else tuple(wanted[name]["shape"])
        for name in names
    }
