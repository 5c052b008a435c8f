"""Estimate the cost of a run; where that is much, measure it first, with tensors that have shapes and no data."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Sequence

import torch

from neutral_to_torch.loading.dispatch import DispatchMode

MOST_OPERATIONS = 100_000_000_000
"""Floating-point operations of one run of the stored graph: about half a minute of one core in double precision."""

MOST_BYTES = 2 << 30
"""Bytes of all values that one run computes."""

FEW_PRODUCTS = 10_000_000_000
"""Stored numbers times numbers of the inputs, up to which a run is not measured: that alone imports for seconds."""

MOST_ELEMENTS = 1 << 21
"""Elements of the inputs where the cost cannot be measured."""


class UnprovenError(Exception):
    """Nothing can be compared; the message is the reason."""


def require_affordable(
    run: Callable[[Sequence[torch.Tensor]], Any], values: Sequence[torch.Tensor], parameters: int | None = None
) -> None:
    """Raise if one run would take too long or too much memory; nothing is computed.

    A layer multiplies each of its numbers with at most one per position of its input, so that few parameters and small
    inputs need no measurement. The computations of such a run are limited by :class:`SizeMode`.

    Args:
        run: Runs a model on inputs.
        values: The inputs.
        parameters: The number of the model's parameters; None to measure in any case.

    Raises:
        UnprovenError: The run exceeds :data:`MOST_OPERATIONS` or :data:`MOST_BYTES`; or its cost is unknown, because
            it depends on values, and the inputs have more than :data:`MOST_ELEMENTS` elements.

    Example:
        >>> require_affordable(lambda inputs: inputs[0] @ inputs[0], [torch.ones(8, 8)])
        >>> require_affordable(lambda inputs: inputs[0].expand(1 << 21, 512) + 1, [torch.ones(512)])
        Traceback (most recent call last):
        neutral_to_torch.loading.proof_cost.UnprovenError: one run of the stored graph computes 4.3 GB of values
    """
    elements = sum(value.numel() for value in values)
    if parameters is not None and elements * (parameters + 1) <= FEW_PRODUCTS:
        return
    from torch._subclasses.fake_tensor import FakeTensorMode  # imports torch._dynamo and sympy
    from torch.utils.flop_counter import FlopCounterMode

    sizes, operations = SizeMode(), FlopCounterMode(display=False)
    try:
        with _quiet(), torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True) as fake, operations, sizes:
            run([fake.from_tensor(value) for value in values])
    except Exception:  # whatever an operator without a shape function raises
        if elements > MOST_ELEMENTS:
            raise UnprovenError(f"the cost of a run on {elements:,} numbers is unknown") from None
        return
    if operations.get_total_flops() > MOST_OPERATIONS:
        count = operations.get_total_flops() / 1e9
        raise UnprovenError(f"one run of the stored graph takes {count:,.0f} billion operations")
    sizes.check()


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the log of errors that are expected, and caught."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = disabled


class SizeMode(DispatchMode):
    """Dispatch mode that adds up the bytes of all results that have memory of their own.

    Args:
        is_limited: Raise UnprovenError as soon as they exceed :data:`MOST_BYTES`.
    """

    def __init__(self, is_limited: bool = False) -> None:
        super().__init__()
        self.nbytes = 0
        self.is_limited = is_limited

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(value, torch.Tensor) and not func.is_view:
                self.nbytes += value.numel() * value.element_size()
        if self.is_limited:
            self.check()
        return result

    def check(self) -> None:
        """Raise UnprovenError if the bytes exceed :data:`MOST_BYTES`."""
        if self.nbytes > MOST_BYTES:
            raise UnprovenError(f"one run of the stored graph computes {self.nbytes / 1e9:.1f} GB of values")
