"""Compare on a batch of two, where the arguments have one row and the stored graph leaves the batch free.

One row cannot show operators that mix rows: a softmax over the batch, a reshape that folds it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Iterator, Sequence

import torch

from neutral_to_torch.loading.proof_compare import output_order
from neutral_to_torch.loading.proof_cost import SizeMode, UnprovenError
from neutral_to_torch.loading.proof_inputs import Template, draw
from neutral_to_torch.loading.proof_run import (
    MOVED_TOLERANCE,
    Comparison,
    Trial,
    compare_draws,
    require_affordable_run,
    run_reference,
)

ROWS = 2
"""Rows of the batch of drawn inputs."""

_BATCH_AXES = (0, 1)
"""The axes that may be the batch: the second one is that of sequences with the time first."""


def compare_rows(trial: Trial, template: Template, order: Sequence[int]) -> Comparison:
    """Run both models on every draw and return their errors: on a batch of two where both can have one.

    Args:
        trial: The models.
        template: Arguments of the module.
        order: The place of the module's tensor for each input of the store.

    Returns:
        The errors. Where the models agree on one row only, they are those of one row, and ``elsewhere`` says so.

    Raises:
        UnprovenError: A run would cost too much.
    """

    def compared(arguments: Template) -> Comparison:
        return compare_draws(trial, arguments, order)

    def run(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        values = draw(trial.store, trial.emission.inputs, tensors, 0, template.from_example)
        require_affordable_run(trial, values)
        with SizeMode(is_limited=True):
            return run_reference(trial, values)[0]

    for wider in with_rows(template, order, run):
        try:
            several = compared(wider)
        except UnprovenError:
            break
        except Exception:
            note = f"compared on a batch of one: the module cannot be run on {ROWS} rows"
            return replace(compared(template), notes=(note,))
        if output_order(several.outputs, MOVED_TOLERANCE) is not None:
            return several
        single = compared(template)
        if output_order(single.outputs, MOVED_TOLERANCE) is None:
            return several
        error = max(min(errors, default=float("inf")) for errors in several.outputs)
        size = f"by {error:.1e} of their scale" if error < float("inf") else "in their shapes"
        return replace(
            single,
            elsewhere=f"the outputs agree on a batch of one, and differ {size} on {ROWS} rows: the module mixes rows",
            is_conflict=error < float("inf"),  # of another shape is what a module gives that is written for one row
        )
    return compared(template)


def with_rows(
    template: Template, order: Sequence[int], run: Callable[[Sequence[torch.Tensor]], Sequence[torch.Tensor]]
) -> Iterator[Template]:
    """Yield arguments with more rows, if theirs is a batch of one that the store's model can have larger.

    Args:
        template: The arguments.
        order: The place of the module's tensor for each input of the store.
        run: Runs the store's model on inputs like some tensors.

    Yields:
        The arguments with a batch of two, at most once.

    Example:
        >>> template = Template((torch.zeros(1, 3),), {}, ("x",), True)
        >>> [wider] = with_rows(template, (0,), lambda values: [values[0] * 2])
        >>> wider.tensors[0].shape
        torch.Size([2, 3])
        >>> list(with_rows(template, (0,), lambda values: [values[0].reshape(1, -1)]))  # mixes its rows
        []
    """
    tensors = template.tensors
    single: list[torch.Size] | None = None
    for axis in _BATCH_AXES:
        widened = [_repeated(tensor, axis) for tensor in tensors]
        if all(wide is tensor for wide, tensor in zip(widened, tensors)):
            continue
        try:
            single = single or [value.shape for value in run([tensors[place] for place in order])]
            shapes = [value.shape for value in run([widened[place] for place in order])]
        except Exception:  # the graph is of one row
            continue
        if len(single) == len(shapes) and all(map(_has_rows, single, shapes)):
            args, kwargs = template.with_tensors(widened)
            yield replace(template, args=args, kwargs=kwargs)
            return


def _repeated(tensor: torch.Tensor, axis: int) -> torch.Tensor:
    is_batch = tensor.dim() > axis and tensor.shape[axis] == 1
    return tensor.repeat_interleave(ROWS, axis) if is_batch else tensor


def _has_rows(single: torch.Size, several: torch.Size) -> bool:
    """Return whether two shapes differ in one axis, which has one row and several."""
    changed = [(one, more) for one, more in zip(single, several) if one != more]
    return len(single) == len(several) and changed == [(1, ROWS)]
