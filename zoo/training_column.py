"""Compare one training step of a model with MXNet's, for the column of the zoo matrix: the cost is limited."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np
from error_texts import last_line, one_line

from mxnet_side.client import MXNet

MOST_PRODUCTS = 20_000_000_000
"""Products of all layers of a forward pass."""

TOLERANCE = {"float64": 1e-6, "float32": 1e-3}
"""The largest error of a gradient or a statistic in the units of its magnitude, by the precision of the step."""

SMALLEST = {"float64": 1e-4, "float32": 1e-3}
"""Magnitude of a gradient, relative to the model's largest one, below which it is rounding alone, by the precision."""

ONE_VALUE = "Expected more than 1 value per channel when training"
"""The beginning of the error of torch's batch norm on one value per channel, whose variance MXNet takes for 0."""

WITHOUT_GRADIENT = frozenset(
    {
        "equal",
        "top_k",
        "sort",
        "argsort",
        "box_nms",
        "multibox_detection",
        "argmax",
        "argmin",
        "box_decode",
        "box_encode",
        "box_iou",
        "one_hot",
        "bipartite_matching",
        "region_proposals",
    }
)
"""Kinds that select or compare, whose gradient is zero or depends on ties, and those for which MXNet has none."""

DEFAULT_EPS = 1e-3
"""The eps of a batch norm that a symbol leaves out, which MXNet has in float32; one that it states is exact."""

LOSSES = frozenset(
    {
        "SoftmaxOutput",
        "Softmax",
        "LinearRegressionOutput",
        "MAERegressionOutput",
        "LogisticRegressionOutput",
        "SVMOutput",
        "MakeLoss",
        "make_loss",
    }
)
"""MXNet's operators whose backward pass is that of a loss; the step begins from their operand."""


def training_facts(store: Any, golden: str, prefix: str, python: str) -> dict[str, Any]:
    """Compare gradients of all parameters and inputs, and running statistics, after one step of both.

    The step runs without dropout, in float64; in float32 if MXNet has no float64 of an operator. It begins from the
    outputs, or from the values before a loss or before the first sorting.

    Args:
        store: The converted model.
        golden: MXNet's values, for the inputs.
        prefix: The checkpoint that the store was converted from, epoch 0.
        python: The Python that has MXNet; the step runs in a process of its own, since MXNet may abort.

    Returns:
        ``training``: ``equal``, ``equal in float32``, ``differs: …``, ``not run: …`` or ``failed: …``; and the largest
        error as ``training_error``, None where nothing was compared.
    """
    from neutral import reference
    from neutral.verification.golden import open_golden

    recorded = open_golden(golden)
    products = reference.products_of(store, recorded)
    if products > MOST_PRODUCTS:
        return _facts(f"not run: too large, {products / 1e9:.0f} billion products")
    inputs = {item.name: recorded.array(item.key) for item in recorded.inputs}
    reasons = []
    for dtype in TOLERANCE:
        mxnet = MXNet(python)
        try:
            facts = _step(mxnet, inputs, prefix, dtype)
            return (
                _facts(f"{facts['training']}: in float64, {reasons[0]}", facts["training_error"]) if reasons else facts
            )
        except (RuntimeError, EOFError, BrokenPipeError) as error:
            reasons.append(_reason(error))
        except ValueError as error:
            if not str(error).startswith(ONE_VALUE):
                return _facts(f"failed: {type(error).__name__}: {error}")
            return _facts("not run: a batch norm has one value per channel, on which torch refuses to train")
        except Exception as error:
            return _facts(f"failed: {type(error).__name__}: {error}")
        finally:
            mxnet.kill()
            mxnet.close()
    return _facts(f"not run: {reasons[-1]}")


def _step(mxnet: MXNet, inputs: Mapping[str, np.ndarray], prefix: str, dtype: str) -> dict[str, Any]:
    import torch
    from movement import moved

    import mxnet_to_neutral
    from neutral_to_torch.emission.build import load
    from neutral_to_torch.emission.compose import compose

    target = f"{prefix}-step"
    mxnet.call("steps:prepare", prefix=prefix, target=target, dtype=dtype)
    store = mxnet_to_neutral.read(target, 0)
    heads = heads_of(store.graph, Path(f"{target}-symbol.json"))
    if isinstance(heads, str):
        return _facts(f"not run: {heads}")
    is_cut = heads != list(store.graph.outputs)
    names = [(value.node, value.output) for value in heads] if is_cut else []
    outputs, factors, of_inputs = mxnet.call("steps:run", target=target, inputs=inputs, heads=names, dtype=dtype)
    emission = compose(store, outputs=[f"{node}:{output}" for node, output in names] or None)
    expected = load(emission, mxnet_to_neutral.read(target, 1), None, None)
    given = [_tensor(inputs[item.name], getattr(torch, dtype), item.name in of_inputs) for item in emission.inputs]
    step = _Step(load(emission, store, None, None), given, factors)
    if not step.has_gradient:
        return _facts("not run: no output has a gradient")
    named = [item.name for item in emission.inputs]
    right = {name: value.detach().numpy() for name, value in expected.named_parameters()}
    right.update((f"input {name}", value) for name, value in of_inputs.items())
    errors = {f"output {i}": _error(*pair) for i, pair in enumerate(zip(step.outputs, outputs))}
    errors.update(_statistics(step.module, expected, step.before, step.batches))
    errors.update(_gradients(step.gradients(named), right, SMALLEST[dtype]))
    name, worst = max(errors.items(), key=lambda pair: pair[1])
    if worst <= TOLERANCE[dtype]:
        return _facts("equal" if dtype == "float64" else "equal in float32", worst)
    move = float(np.finfo(dtype).eps) * len(store.graph.nodes)  # as if each operator rounded its result
    inputs_moved = [moved(x, move, torch.Generator().manual_seed(0)) for x in given]
    other = _Step(load(emission, store, None, None), inputs_moved, factors)
    movements = _gradients(other.gradients(named), step.gradients(named), SMALLEST[dtype])
    movement = max(*movements.values(), *(_error(*pair) for pair in zip(other.results, step.results)))
    if worst <= movement:
        text = f"unstable: the module's own results move by {movement:.1e} when its inputs move by {move:.0e}"
        return _facts(text, worst)
    return _facts(f"differs: {name} by {worst:.1e} in {dtype}", worst)


class _Step:
    """One step of a module in training mode, with given gradients of its outputs.

    Attributes:
        module: The module, whose parameters have their gradients after the step.
        given: Its inputs.
        outputs: Its outputs.
        before: Its buffers before the step.
        batches: What each batch norm normalized; see :func:`_batches`.
        has_gradient: Whether any output has a gradient.
    """

    def __init__(self, module: Any, given: Sequence[Any], factors: Sequence[np.ndarray]) -> None:
        import torch
        from float32_positions import float32_positions

        self.module, self.given = module.train(), given
        round_attributes(self.module)
        self.before = {name: buffer.clone() for name, buffer in self.module.named_buffers()}
        self.batches = _batches(self.module)
        with float32_positions():
            results = self.module(*given)
        self.outputs = results if isinstance(results, tuple) else (results,)
        pairs = [(result, _tensor(factor)) for result, factor in zip(self.outputs, factors) if result.requires_grad]
        self.has_gradient = bool(pairs)
        if pairs:
            torch.autograd.backward([result for result, _ in pairs], [factor for _, factor in pairs])

    @property
    def results(self) -> list[Any]:
        """The outputs, and the buffers after the step."""
        return [*self.outputs, *self.module.buffers()]

    def gradients(self, inputs: Sequence[str]) -> dict[str, np.ndarray]:
        """Return the gradients of the parameters, and of the inputs by their names."""
        found = {name: _gradient(value) for name, value in self.module.named_parameters() if value.requires_grad}
        found.update((f"input {name}", _gradient(x)) for name, x in zip(inputs, self.given) if x.requires_grad)
        return found


def heads_of(graph: Any, symbol: Path) -> list[Any] | str:
    """Return the values that a step begins from, or why there is none.

    They are the outputs, the operands of losses, and what goes into operators without a gradient.
    """
    from neutral.graph import Value
    from neutral.operators import catalogue

    if any(node.kind == "opaque" for node in graph.nodes):
        return "it has an operator without a rule"
    drawing = [node.name for node in graph.nodes if node.kind != "dropout" and catalogue[node.kind].random]
    if drawing:
        return f"{drawing[0]} draws random numbers"
    operators = {node["name"]: node["op"] for node in json.loads(symbol.read_text())["nodes"]}
    behind: set[str] = set()
    ends: dict[Any, None] = {}
    for node in graph.nodes:
        used = [operand for operand in (*node.inputs, *node.computed.values()) if isinstance(operand, Value)]
        stops = node.kind in WITHOUT_GRADIENT or operators.get(node.name) in LOSSES
        if stops or any(value.node in behind for value in used):
            behind.add(node.name)
            ends.update(dict.fromkeys(value for value in used if value.node not in behind))
    names = {node.name for node in graph.nodes}
    ends.update(dict.fromkeys(value for value in graph.outputs if value.node not in behind))
    return [value for value in ends if value.node in names] or "nothing before its outputs has a gradient"


def round_attributes(module: Any) -> None:
    """Round numbers that MXNet has in float32 whatever the dtype; a slope of 0.1 is 1e-8 off, and moves signs later."""
    for layer in module.modules():
        if getattr(layer, "running_var", None) is not None and layer.momentum is not None:
            layer.momentum = 1 - float(np.float32(1 - layer.momentum))
            layer.eps = float(np.float32(layer.eps)) if layer.eps == DEFAULT_EPS else layer.eps
        if hasattr(layer, "negative_slope"):
            layer.negative_slope = float(np.float32(layer.negative_slope))


def _batches(module: Any) -> dict[str, list[tuple[int, Any]]]:
    """Record the size and the biased variance of each batch that a batch norm normalizes, by the path of the module."""
    batches: dict[str, list[tuple[int, Any]]] = defaultdict(list)

    def hook(path: str) -> Any:
        def record(layer: Any, given: Sequence[Any]) -> None:
            values = given[0].detach().transpose(0, 1).flatten(1)
            batches[path].append((values.shape[1], values.var(1, correction=0)))

        return record

    for path, layer in module.named_modules():
        if getattr(layer, "running_var", None) is not None:
            layer.register_forward_pre_hook(hook(path))
    return batches


def _gradients(found: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray], smallest: float) -> dict[str, float]:
    """Return the error of the gradient of each parameter and each input."""
    most = max((float(np.abs(right[name]).max(initial=0)) for name in found), default=0.0)
    return {f"gradient of {name}": _error(found[name], right[name], smallest * most) for name in found}


def _gradient(tensor: Any) -> np.ndarray:
    array: np.ndarray = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
    return array


def _statistics(
    module: Any, expected: Any, before: Mapping[str, Any], batches: Mapping[str, Sequence[tuple[int, Any]]]
) -> dict[str, float]:
    """Return the error of each running statistic; MXNet's variances are biased, and are corrected here."""
    right = dict(expected.named_buffers())
    differences: dict[str, float] = {}
    for name, value in module.named_buffers():
        path, _, role = name.rpartition(".")
        if role not in ("running_mean", "running_var"):
            continue
        unbiased, is_frozen = right[name], bool((right[name] == before[name]).all())
        if role == "running_var" and not is_frozen:
            momentum = share = module.get_submodule(path).momentum or 0.0
            for count, variance in reversed(batches[path]):
                unbiased = unbiased + share * variance / (count - 1)
                share *= 1 - momentum
        differences[name] = _error(value, unbiased)
    return differences


def _error(actual: Any, expected: Any, floor: float = 0.0) -> float:
    """Return the largest difference in units of the largest magnitude."""
    actual, expected = (np.asarray(each.detach() if hasattr(each, "detach") else each) for each in (actual, expected))
    if actual.shape != expected.shape:
        return float("inf")
    scale = max(float(np.abs(expected).max(initial=0)), floor) or 1.0
    return float(np.abs(actual - expected).max(initial=0)) / scale


def _tensor(array: np.ndarray, dtype: Any = None, requires_grad: bool = False) -> Any:
    import torch

    tensor = torch.from_numpy(array.copy())
    return (tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor).requires_grad_(
        requires_grad
    )


def _reason(error: Exception) -> str:
    if isinstance(error, (EOFError, BrokenPipeError)):
        return "MXNet's process died"
    return last_line(error)


def _facts(text: str, error: float | None = None) -> dict[str, Any]:
    return {"training": one_line(text, 200), "training_error": error}
