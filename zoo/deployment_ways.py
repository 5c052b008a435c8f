"""Run an emitted module in each way of deployment that PyTorch has, and compare it with the module itself."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass
from typing import Any, Callable, Sequence

import torch
from movement import moved
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

Tensors = Sequence[torch.Tensor]
Run = Callable[..., Any]

TOLERANCE = 1e-4
"""The largest allowed error of ways that compute in the module's own precision, in units of the largest magnitude."""

STEPS = 16
"""The same for ways of lower precision, in units of the relative rounding step of their dtype."""

MOVE, DIRECTIONS = 1e-6, 8
"""Relative change of each input value, and random directions of it, in the measurement of a module's own precision."""

MORE_THAN_ROUNDING = 2.0
"""How many times the error of rounding every operator's result a way of lower precision may have."""


class Example:
    """A module, inputs for it, and inputs of one sample more.

    Args:
        module: The emitted module.
        inputs: One tensor for each argument of ``forward``.
        batch_axes: For each input, its axis along which the batch grows; None where all its extents are stated.
        casts: Whether the graph casts numbers to float32, which outputs in float16 may then be.

    Attributes:
        inputs: The inputs; where the batch was 1, the sample is repeated, because torch.export takes 1 for a constant.
        more: Inputs of one sample more; None if the module itself does not take them.
    """

    def __init__(
        self, module: torch.nn.Module, inputs: Tensors, batch_axes: Sequence[int | None], casts: bool = False
    ) -> None:
        self.module = module.eval()
        self.inputs, self.more = tuple(inputs), None
        self.batch_axes, self.casts = tuple(batch_axes), casts
        try:
            if any(axis is not None and x.shape[axis] == 1 for x, axis in zip(self.inputs, self.batch_axes)):
                one_more = self._one_more(self.inputs)
                call(self.module, one_more)
                self.inputs = one_more
            one_more = self._one_more(self.inputs)
            self.expected_of_more = leaves(call(self.module, one_more))
            self.more = one_more if any(axis is not None for axis in self.batch_axes) else None
        except (RuntimeError, ValueError, IndexError):
            pass  # the graph states the batch
        self.expected = leaves(call(self.module, self.inputs))

    def _one_more(self, inputs: Tensors) -> tuple[torch.Tensor, ...]:
        """Repeat the first sample at the end."""
        return tuple(
            x if axis is None else torch.cat([x, x.narrow(axis, 0, 1)], dim=axis)
            for x, axis in zip(inputs, self.batch_axes)
        )

    @property
    def dynamic_shapes(self) -> tuple[dict[int, Any], ...]:
        """The batch of every input, where the module takes others; torch.export may make no constant of it."""
        dynamic = self.more is not None
        return tuple(
            {axis: torch.export.Dim.DYNAMIC} if dynamic and axis is not None else {} for axis in self.batch_axes
        )

    def check(self, function: Run) -> str:
        """Compare what ``function`` computes with what the module computes, for both batches.

        Returns:
            ``equal``; ``equal: rounding`` where the outputs are within what those of the module move when its inputs
            move by rounding, as where sorted scores are tied; or how they differ.
        """
        result = self._check(function, self.inputs, self.expected)
        if self.more is None or not result.startswith("equal"):
            return result
        of_more = self._check(function, self.more, self.expected_of_more)
        return max(result, of_more) if of_more.startswith("equal") else f"for another batch: {of_more}"

    def _check(self, function: Run, inputs: Tensors, expected: Tensors) -> str:
        return compare(leaves(call(function, inputs)), expected, lambda: self._movement(inputs, expected))

    def _movement(self, inputs: Tensors, expected: Tensors) -> float:
        """Return the largest error of the module's own outputs when its inputs move by rounding."""
        random = torch.Generator().manual_seed(0)
        errors = [0.0]
        for _ in range(DIRECTIONS):
            given = [moved(x, MOVE, random) for x in inputs]
            errors += map(error_of, leaves(call(self.module, given)), expected)
        return max(errors)


def call(function: Run, inputs: Tensors) -> Any:
    """Run a function without gradients, and with the same random numbers each time."""
    torch.manual_seed(0)
    with torch.no_grad():
        return function(*inputs)


def leaves(value: Any) -> list[torch.Tensor]:
    """Return the tensors in nested lists and tuples, in order."""
    return [value] if isinstance(value, torch.Tensor) else [leaf for item in value for leaf in leaves(item)]


def error_of(actual: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the largest difference in units of the largest magnitude; inf where other elements are not finite."""
    actual, expected = actual.double(), expected.double()
    finite = expected.isfinite()
    if not torch.equal(finite, actual.isfinite()):
        return float("inf")
    if not finite.any():
        return 0.0
    difference = (actual - expected)[finite].abs().max() / expected[finite].abs().max().clamp(min=1e-9)
    return float(difference)


def compare(actual: Tensors, expected: Tensors, movement: Callable[[], float] = lambda: 0.0) -> str:
    """Compare outputs of the same precision.

    Args:
        actual: The outputs.
        expected: Those of the module.
        movement: Returns the error that rounding can cause; called where the tolerance is exceeded.

    Returns:
        ``equal``, ``equal: rounding``, or how they differ.
    """
    if len(actual) != len(expected):
        return f"{len(actual)} outputs instead of {len(expected)}"
    for one, other in zip(actual, expected):
        if one.shape != other.shape or one.dtype != other.dtype:
            return f"{one.dtype} {tuple(one.shape)} instead of {other.dtype} {tuple(other.shape)}"
    error = max((error_of(one, other) for one, other in zip(actual, expected)), default=0.0)
    if error <= TOLERANCE:
        return "equal"
    return "equal: rounding" if error <= movement() else f"differs by {error:.1e}"


class Rounded(TorchDispatchMode):
    """Round the results of all operators on floating-point tensors as a lower precision would.

    Numbers that operators make of nothing (``arange``) are not rounded: where a module of lower precision makes
    them, they have to be exact.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        is_view = any(item.alias_info is not None for item in func._schema.returns)
        given = [x for x in torch.utils._pytree.tree_leaves(args) if isinstance(x, torch.Tensor)]
        return result if is_view or not given else tree_map(self._rounded, result)

    def _rounded(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.dtype is torch.float32:
            return value.to(self.dtype).to(torch.float32)
        return value


@dataclass(frozen=True)
class Rounding:
    """The outputs of a module whose operators' results are rounded to ``dtype``, parameters and inputs too."""

    dtype: torch.dtype

    def outputs(self, example: Example) -> list[torch.Tensor]:
        module = copy.deepcopy(example.module)
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.is_floating_point():
                tensor.data.copy_(tensor.to(self.dtype).to(tensor.dtype))
        with Rounded(self.dtype):
            return leaves(call(module, [self._input(x) for x in example.inputs]))

    def _input(self, x: torch.Tensor) -> torch.Tensor:
        return x.to(self.dtype).to(x.dtype) if x.is_floating_point() else x

    def compare(self, example: Example, actual: Tensors) -> str:
        """Compare outputs of this precision with the module's.

        Returns:
            ``equal`` within the tolerance of the dtype; ``equal: rounding`` where every output is as near to the
            module's as one whose operators' results are rounded, and ``equal: overflow`` where those, too, are not
            finite; or how they differ.
        """
        if len(actual) != len(example.expected):
            return f"{len(actual)} outputs instead of {len(example.expected)}"
        for one, other in zip(actual, example.expected):
            if one.shape != other.shape:
                return f"{tuple(one.shape)} instead of {tuple(other.shape)}"
            if one.is_floating_point() != other.is_floating_point():
                return f"{one.dtype} instead of {other.dtype}"
        errors = [error_of(one, other) for one, other in zip(actual, example.expected)]
        tolerance = STEPS * torch.finfo(self.dtype).eps
        if max(errors, default=0.0) <= tolerance:
            return "equal"
        rounded = self.outputs(example)
        allowed = [error_of(one, other) for one, other in zip(rounded, example.expected)]
        for error, of_rounding in zip(errors, allowed):
            if error > max(tolerance, MORE_THAN_ROUNDING * of_rounding):
                return f"differs by {error:.1e}, and by {of_rounding:.1e} when every result is rounded"
        return "equal: overflow" if float("inf") in errors else "equal: rounding"


def script(example: Example) -> str:
    """Compile with TorchScript."""
    return example.check(torch.jit.script(example.module))


def fx(example: Example) -> str:
    """Trace symbolically with torch.fx."""
    return example.check(torch.fx.symbolic_trace(example.module))


def trace(example: Example) -> str:
    """Trace with TorchScript."""
    return example.check(torch.jit.trace(example.module, example.inputs, check_trace=False))


def half(example: Example) -> str:
    """Run parameters and inputs in float16; outputs stay in it unless the graph casts them."""
    inputs = tuple(x.half() if x.is_floating_point() else x for x in example.inputs)
    actual = leaves(call(copy.deepcopy(example.module).half(), inputs))
    if not example.casts and any(x.is_floating_point() and x.dtype is not torch.float16 for x in actual):
        return f"{', '.join(str(x.dtype) for x in actual)} instead of torch.float16"
    return Rounding(torch.float16).compare(example, actual)


def autocast(example: Example) -> str:
    """Run under autocast to bfloat16."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = leaves(call(example.module, example.inputs))
    return Rounding(torch.bfloat16).compare(example, actual)


def export(example: Example) -> str:
    """Export with torch.export, the batch dynamic."""
    program = torch.export.export(example.module, example.inputs, dynamic_shapes=example.dynamic_shapes, strict=False)
    return example.check(program.module())


def inductor(example: Example) -> str:
    """Compile as one graph with torch.compile and its default back end.

    Without ``allow_rnn`` torch runs modules that hold an ``nn.LSTM`` as they are.
    """
    torch._dynamo.reset()
    with torch._dynamo.config.patch(allow_rnn=True):
        compiled = torch.compile(example.module, fullgraph=True)
        return compare(leaves(call(compiled, example.inputs)), example.expected)


def onnx(example: Example) -> str:
    """Write ONNX by torch.onnx's exporter of dynamo, the batch dynamic, and run it by onnxruntime."""
    import onnxruntime

    program = torch.onnx.export(
        example.module, example.inputs, dynamo=True, dynamic_shapes=example.dynamic_shapes, verbose=False
    )
    assert program is not None
    buffer = io.BytesIO()
    program.save(buffer)
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]

    def run(*inputs: torch.Tensor) -> list[torch.Tensor]:
        given = {name: item.numpy() for name, item in zip(names, inputs)}
        return [torch.from_numpy(item) for item in session.run(None, given)]

    return example.check(run)


WAYS: dict[str, Callable[[Example], str]] = {
    "export": export,
    "onnx": onnx,
    "trace": trace,
    "script": script,
    "fx": fx,
    "inductor": inductor,
    "half": half,
    "autocast": autocast,
}
"""Every way by its name in the table."""
