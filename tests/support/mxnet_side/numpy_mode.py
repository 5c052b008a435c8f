"""Expressions in MXNet's NumPy mode, 1.x and 2.x, saved as Gluon's export saves them."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

import mxnet as mx
import numpy as np

VERSION_2 = mx.__version__.startswith("2.")


def run(
    expression: str,
    inputs: Mapping[str, np.ndarray],
    prefix: str,
    stored: Sequence[str] = (),
    declared: bool = True,
    names: Mapping[str, Any] | None = None,
) -> list[np.ndarray]:
    """Evaluate ``expression`` over ``np``, ``npx``, ``npi``, ``linalg``, ``random`` and the inputs by name; save its
    symbol and the arrays of ``stored`` as the checkpoint ``prefix``, and give the outputs of the symbol.

    The inputs declare their dtype where it is not a floating one, unless ``declared`` is False.
    """

    def function(space: Any, arrays: Mapping[str, Any]) -> Any:
        scope = {"np": space.np, "npx": space.npx, "linalg": space.np.linalg, "random": space.np.random}
        scope["npi"] = getattr(space.np, "_internal", None)
        return eval(expression, {**scope, **(names or {}), **arrays})  # the tests' own text

    return run_function(function, inputs, prefix, stored, declared)


@mx.util.use_np
def run_function(
    function: Callable[[Any, Mapping[str, Any]], Any],
    inputs: Mapping[str, np.ndarray],
    prefix: str,
    stored: Sequence[str] = (),
    declared: bool = True,
) -> list[np.ndarray]:
    """Run as :func:`run` does, for a function of ``mx`` or ``mx.sym`` and the inputs by name."""
    arrays = {name: mx.np.array(value, dtype=value.dtype) for name, value in inputs.items()}
    variables = {
        name: mx.sym.var(name, dtype=value.dtype if declared and value.dtype.kind != "f" else None).as_np_ndarray()
        for name, value in inputs.items()
    }
    symbol = _traced(function, arrays, variables)
    bind = symbol._bind if VERSION_2 else symbol.bind
    executor = bind(mx.cpu(), {name: arrays[name] for name in symbol.list_inputs()}, grad_req="null")
    results = executor.forward(is_train=False)
    outputs = [result.asnumpy() for result in results]
    symbol.save(f"{prefix}-symbol.json")
    save = mx.npx.savez if VERSION_2 else mx.npx.save
    kept = {f"arg:{name}": arrays[name] for name in stored}
    if VERSION_2:
        save(f"{prefix}-0000.params", **kept)
    else:
        save(f"{prefix}-0000.params", kept)
    return outputs


def _traced(
    function: Callable[[Any, Mapping[str, Any]], Any], arrays: Mapping[str, Any], variables: Mapping[str, Any]
) -> Any:
    if not VERSION_2:
        result = function(mx.sym, variables)
        return mx.sym.Group(list(result)) if isinstance(result, (list, tuple)) else result
    from mxnet import _deferred_compute as deferred

    with deferred.context():
        deferred.set_variable(list(arrays.values()), list(variables.values()))
        return deferred.get_symbol(function(mx, arrays))
