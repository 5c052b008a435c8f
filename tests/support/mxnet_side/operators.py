"""Single operators and small symbols in real MXNet."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import mxnet as mx
import numpy as np


def run_operator(
    operator: str,
    inputs: Sequence[np.ndarray],
    attributes: Mapping[str, Any],
    prefix: str,
    parameters: Sequence[int] = (),
    auxiliary: Sequence[int] = (),
    output: int | None = None,
    declared: bool = False,
    computed: Sequence[int] = (),
) -> list[np.ndarray]:
    """Run ``operator`` on ``inputs`` and save the symbol and its arrays as the checkpoint ``prefix``.

    ``parameters`` and ``auxiliary`` are the positions of inputs that are stored arrays; the others are the model's
    inputs, called ``input0``, ``input1`` by position, and declare their dtype where it is not a floating one.
    ``attributes`` are those of the symbol call; ``output`` chooses one of several outputs, and
    ``declared`` says that the inputs state their shapes too. Those of ``computed`` go through another operator first.
    """
    names = [f"op_array{i}" if i in (*parameters, *auxiliary) else f"input{i}" for i in range(len(inputs))]
    dtypes = [None if array.dtype.kind == "f" else array.dtype for array in inputs]
    shapes = [array.shape if declared else None for array in inputs]
    variables = [mx.sym.var(name, shape=shape, dtype=dtype) for name, shape, dtype in zip(names, shapes, dtypes)]
    variables = [mx.sym.identity(item) if i in computed else item for i, item in enumerate(variables)]
    symbol = find(operator)(*variables, name="op", **attributes)
    symbol = symbol if output is None else symbol[output]
    return run_symbol(symbol, dict(zip(names, inputs)), prefix, [names[i] for i in (*parameters, *auxiliary)])


def find(operator: str) -> Any:
    """Return the symbol function of an operator by its registered name."""
    for module in (mx.sym, mx.sym._internal, mx.sym.op):
        if hasattr(module, operator):
            return getattr(module, operator)
    for family in ("_contrib_", "_linalg_", "_random_", "_sparse_", "_image_"):
        if operator.startswith(family):
            return getattr(getattr(mx.sym, family.strip("_")), operator[len(family) :])
    raise AttributeError(f"MXNet has no operator {operator}")


def run_symbol(
    symbol: mx.sym.Symbol, arrays: Mapping[str, np.ndarray], prefix: str, stored: Sequence[str]
) -> list[Any]:
    """Bind a symbol to arrays, save it with the arrays in ``stored`` as parameters, return its outputs."""
    auxiliary = symbol.list_auxiliary_states()
    given = {name: mx.nd.array(value, dtype=value.dtype) for name, value in arrays.items()}
    executor = symbol.bind(
        mx.cpu(),
        {name: given[name] for name in symbol.list_arguments()},
        aux_states={name: given[name] for name in auxiliary},
        grad_req="null",
    )
    outputs = [output.asnumpy() for output in executor.forward(is_train=False)]
    symbol.save(f"{prefix}-symbol.json", remove_amp_cast=False)
    kinds = {name: "aux" if name in auxiliary else "arg" for name in stored}
    mx.nd.save(f"{prefix}-0000.params", {f"{kind}:{name}": given[name] for name, kind in kinds.items()})
    return outputs


def run_expression(
    expression: str, inputs: Mapping[str, np.ndarray], prefix: str, stored: Sequence[str] = ()
) -> list[np.ndarray]:
    """Evaluate ``expression`` over ``sym`` and variables called like the inputs, run it and save it as ``prefix``.

    The inputs that are not stored declare their dtype where it is not a floating one, and no shape.
    """
    dtypes = {name: None if array.dtype.kind == "f" else array.dtype for name, array in inputs.items()}
    variables = {name: mx.sym.var(name, dtype=None if name in stored else dtype) for name, dtype in dtypes.items()}
    symbol = eval(expression, {"sym": mx.sym, **variables})  # the tests' own text
    return run_symbol(symbol, inputs, prefix, stored)


def first_batch_norm(arrays: Mapping[str, np.ndarray], attributes: Mapping[str, Any], prefix: str) -> list[Any]:
    """Run BatchNorm_v1 of ``input0`` with the default names of its states: ``op_moving_mean`` and ``op_moving_var``."""
    symbol = mx.sym.BatchNorm_v1(*map(mx.sym.var, ("input0", "op_gamma", "op_beta")), name="op", **attributes)
    return run_symbol(symbol, arrays, prefix, [name for name in arrays if name != "input0"])


def training_detector(prefix: str, data: np.ndarray, seed: int = 0) -> list[Any]:
    """Run a detector with its training outputs: class probabilities, a loss, class targets made from ``label``, and
    detections."""
    random, classes = np.random.RandomState(seed), 3
    x, label = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), num_filter=8, name="body"), mx.sym.var("label")
    anchors = mx.sym.contrib.MultiBoxPrior(x, sizes=(0.4, 0.7), ratios=(1, 2), name="anchors")
    flat = {}
    for name, filters in (("class", 3 * classes), ("box", 3 * 4)):
        maps = mx.sym.Convolution(x, kernel=(1, 1), num_filter=filters, name=name)
        flat[name] = mx.sym.Flatten(mx.sym.transpose(maps, axes=(0, 2, 3, 1)))
    scores = mx.sym.transpose(mx.sym.Reshape(flat["class"], shape=(0, -1, classes)), axes=(0, 2, 1))
    targets = mx.sym.contrib.MultiBoxTarget(anchors, label, scores, overlap_threshold=0.5, name="target")
    probabilities = mx.sym.SoftmaxOutput(scores, targets[2], multi_output=True, use_ignore=True, name="probabilities")
    difference = mx.sym.smooth_l1(targets[1] * (flat["box"] - targets[0]), scalar=1.0)
    loss = mx.sym.MakeLoss(difference, normalization="valid", name="loss")
    shown = mx.sym.MakeLoss(targets[2], grad_scale=0, name="shown")
    detections = mx.sym.contrib.MultiBoxDetection(probabilities, flat["box"], anchors, nms_topk=20, name="detections")
    symbol = mx.sym.Group([probabilities, loss, shown, mx.sym.MakeLoss(detections, grad_scale=0, name="found")])
    shapes, _, _ = symbol.infer_shape(data=data.shape, label=(len(data), 2, 5))
    arrays = {name: random.randn(*shape).astype("float32") for name, shape in zip(symbol.list_arguments(), shapes)}
    arrays.update(data=data, label=np.full((len(data), 2, 5), -1, "float32"))
    return run_symbol(symbol, arrays, prefix, [name for name in arrays if name not in ("data", "label")])


def run_row_sparse(
    operator: str, inputs: Mapping[str, np.ndarray], attributes: Mapping[str, Any], prefix: str
) -> list[Any]:
    """Run as :func:`run_operator` does, with the first input cast to row sparse storage."""
    variables = [mx.sym.var(name, dtype=value.dtype) for name, value in inputs.items()]
    variables[0] = mx.sym.cast_storage(variables[0], "row_sparse")
    return run_symbol(find(operator)(*variables, name="op", **attributes), inputs, prefix, [])
