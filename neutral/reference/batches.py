"""Run a graph on many samples, some at a time, so that memory is that of a few."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from neutral.errors import MismatchError, UsageError
from neutral.reference.evaluate import Progress, run
from neutral.reference.registry import Array
from neutral.store import Store


def run_in_batches(
    store: Store,
    inputs: Mapping[str, Any],
    batch: int,
    outputs: Sequence[str] | None = None,
    until: str | None = None,
    precision: str | None = None,
    *,
    seed: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Array]:
    """Evaluate the graph of a store on some samples at a time, and concatenate the outputs.

    Args:
        store: A store with a graph.
        inputs: Arrays by name of input, all with the samples on their first axis.
        batch: The number of samples that are computed together, at least 1; the last ones may be fewer.
        outputs: As for :func:`neutral.reference.run`.
        until: As for :func:`neutral.reference.run`.
        precision: As for :func:`neutral.reference.run`.
        seed: The seed of random kinds in the first batch; the next batches have the next numbers.
        progress: A callback that gets the number of nodes done and of nodes in all, those of all batches.

    Returns:
        Arrays by name, with the outputs of all samples.

    Raises:
        UsageError: If the batch is not positive, or the inputs have different numbers of samples or none.
        MismatchError: If an output does not have the samples on its first axis.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> graph = Graph((Input("x"),), (Node("y", "exp", (Value("x"),), {}),), (Value("y"),))
        >>> run_in_batches(Store({}, {}, graph), {"x": np.zeros((5, 2), np.float32)}, 2)["y"].shape
        (5, 2)
    """
    arrays = {name: np.asarray(array) for name, array in inputs.items()}
    count = _sample_count(arrays, batch)
    parts: list[dict[str, Array]] = []
    starts = range(0, count, batch)
    for number, start in enumerate(starts):
        samples = {name: array[start : start + batch] for name, array in arrays.items()}
        results = run(
            store,
            samples,
            outputs,
            until,
            precision,
            seed=None if seed is None else seed + number,
            progress=_part_of(progress, number, len(starts)),
        )
        _check_samples(results, len(next(iter(samples.values()))))
        parts.append(results)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _sample_count(arrays: Mapping[str, Array], batch: int) -> int:
    if batch < 1:
        raise UsageError(f"a batch of {batch} samples; expected 1 or more.")
    counts = {name: array.shape[0] if array.ndim else None for name, array in arrays.items()}
    if not counts or len(set(counts.values())) > 1 or None in counts.values():
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "no inputs"
        raise UsageError(f"batches need inputs with equally many samples on their first axes; found {shapes}.")
    (count,) = set(counts.values())
    if not count:
        raise UsageError("the inputs have no samples.")
    return int(count)


def _check_samples(results: Mapping[str, Array], count: int) -> None:
    for name, array in results.items():
        if not array.ndim or len(array) != count:
            raise MismatchError(
                f"output {name!r} has shape {array.shape} for {count} samples: they are not on its first axis, so "
                "batches cannot be joined. Run all samples at once."
            )


def _part_of(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Return the progress callback of one of several equal parts of the work."""
    if progress is None:
        return None
    whole = progress
    return lambda done, total: whole(number * total + done, parts * total)
