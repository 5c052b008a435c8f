"""One training step of a symbol in real MXNet."""

from __future__ import annotations

from typing import Mapping, Sequence

import mxnet as mx
import numpy as np


def step(
    expression: str, inputs: Mapping[str, np.ndarray], head: np.ndarray, prefix: str, stored: Sequence[str]
) -> dict[str, np.ndarray]:
    """Run forward in training mode and backward from the gradient ``head`` of the output, and save the checkpoint.

    Returns the output as ``output``, the gradient of each argument by its name, and the auxiliary states after the
    step, as ``after:NAME``. ``stored`` are the parameters, auxiliary states included.
    """
    symbol = eval(expression, {"sym": mx.sym, **{name: mx.sym.var(name) for name in inputs}})  # the tests' own text
    auxiliary = symbol.list_auxiliary_states()
    given = {name: mx.nd.array(value, dtype=value.dtype) for name, value in inputs.items()}
    symbol.save(f"{prefix}-symbol.json")
    kinds = {name: "aux" if name in auxiliary else "arg" for name in stored}
    mx.nd.save(f"{prefix}-0000.params", {f"{kind}:{name}": given[name] for name, kind in kinds.items()})
    arguments = {name: given[name] for name in symbol.list_arguments()}
    gradients = {name: mx.nd.zeros_like(value) for name, value in arguments.items() if name != "index"}
    executor = symbol.bind(
        mx.cpu(), arguments, args_grad=gradients, aux_states={name: given[name].copy() for name in auxiliary}
    )
    output = executor.forward(is_train=True)[0].asnumpy()
    executor.backward([mx.nd.array(head, dtype=head.dtype)])
    mx.nd.waitall()  # reading an auxiliary state does not wait for the backward pass that updates it
    states = {f"after:{name}": value.asnumpy() for name, value in executor.aux_dict.items()}
    return {"output": output, **{name: value.asnumpy() for name, value in gradients.items()}, **states}


def output_shape(expression: str, inputs: Mapping[str, np.ndarray]) -> tuple[int, ...]:
    """Return the shape of an expression's output."""
    symbol = eval(expression, {"sym": mx.sym, **{name: mx.sym.var(name) for name in inputs}})  # the tests' own text
    shapes = {name: array.shape for name, array in inputs.items()}
    _, outputs, _ = symbol.infer_shape(**shapes)
    return tuple(outputs[0])


def numpy_gradient(expression: str, x: np.ndarray) -> np.ndarray:
    """Return the gradient of the sum of a function of ``x`` in NumPy mode."""
    mx.npx.set_np()
    try:
        array = mx.np.array(x, dtype="float32")
        array.attach_grad()
        with mx.autograd.record():
            result = eval(expression, {"mx": mx, "x": array})  # the tests' own text
        result.backward()
        gradient: np.ndarray = array.grad.asnumpy()
        return gradient
    finally:
        mx.npx.reset_np()
