"""Single nodes, given as JSON, in real MXNet: shapes inferred, inputs drawn, outputs computed."""

from __future__ import annotations

import contextlib
from typing import Any, Mapping, Sequence

import mxnet as mx
import numpy as np

MAX_ELEMENTS = 20_000


def run_batch(calls: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Run the first valid call of each list.

    Args:
        calls: Lists of calls to try in turn.

    Returns:
        For each list the ``index`` of the call, its ``symbol`` and arrays, or the ``error`` of the last one.
    """
    return [_first_valid(tries) for tries in calls]


def _first_valid(tries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for index, call in enumerate(tries):
        result = {"index": index, **_run(call)}
        if "error" not in result:
            break
    return result


def _run(call: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with mx.util.np_shape(call["numpy"]) if call["numpy"] else contextlib.nullcontext():
            return _outputs(call)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {str(error).splitlines()[-1] if str(error) else ''}"}


def _outputs(call: Mapping[str, Any]) -> dict[str, Any]:
    symbol = mx.sym.load_json(call["symbol"])
    internals = symbol.get_internals()
    symbol = mx.sym.Group([internals[name] for name in internals.list_outputs() if name.startswith("op_")])
    names = symbol.list_inputs()
    shapes = _shapes(symbol, names, call["shapes"])
    random = np.random.RandomState(call["seed"])
    inputs = {name: _draw(random, shapes[name], call["dtype"]) for name in names}
    given = {name: mx.nd.array(value, dtype=value.dtype) for name, value in inputs.items()}
    _, known, _ = symbol.infer_shape_partial(**{name: value.shape for name, value in inputs.items()})
    if call["numpy"] and any(shape is None or min(shape, default=0) < 0 for shape in known):
        raise ValueError("the shape of an output depends on values, and an executor does not tell it")
    executor = symbol.bind(
        mx.cpu(),
        {name: given[name] for name in symbol.list_arguments()},
        aux_states={name: given[name] for name in symbol.list_auxiliary_states()},
        grad_req="null",
    )
    outputs = [output.asnumpy() for output in executor.forward(is_train=False)]
    if sum(output.size for output in outputs) > MAX_ELEMENTS:
        raise ValueError("too large")
    return {"symbol": symbol.tojson(), "inputs": inputs, "outputs": outputs}


def _shapes(symbol: mx.sym.Symbol, names: Sequence[str], wanted: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Return the shapes that MXNet infers from the first input's, and the wanted ones where it infers none."""
    if not names:
        return {}
    arguments, _, auxiliary = symbol.infer_shape_partial(**{names[0]: tuple(wanted[0])})
    inferred = dict(zip([*symbol.list_arguments(), *symbol.list_auxiliary_states()], [*arguments, *auxiliary]))
    return {
        name: shape if (shape := inferred.get(name)) and min(shape) > 0 else tuple(wanted[index])
        for index, name in enumerate(names)
    }


def _draw(random: np.random.RandomState, shape: Sequence[int], dtype: str) -> np.ndarray:
    if dtype == "bool":
        return random.rand(*shape) > 0.5
    if dtype.startswith("float"):
        return np.asarray(random.uniform(-2, 3, shape), dtype)
    return np.asarray(random.randint(0 if dtype.startswith("u") else -3, 6, shape), dtype)
