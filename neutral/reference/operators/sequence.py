"""Operators on batches of padded sequences."""

from __future__ import annotations

import numpy as np

from neutral.reference.registry import Array, reference


@reference("sequence_mask")
def sequence_mask(input: Array, lengths: Array, axis: int, value: float) -> Array:
    output = input.copy()
    samples = np.moveaxis(output, 1 - axis, 0)  # a view: (batch, time, ...)
    for sample, length in zip(samples, lengths.astype(np.int64)):
        sample[max(length, 0) :] = value
    return output


@reference("sequence_last")
def sequence_last(input: Array, lengths: Array | None = None, *, axis: int) -> Array:
    samples = np.moveaxis(input, 1 - axis, 0)
    if lengths is None:
        return samples[:, -1]
    return samples[np.arange(len(samples)), lengths.astype(np.int64) - 1]


@reference("sequence_reverse")
def sequence_reverse(input: Array, lengths: Array | None = None) -> Array:
    if lengths is None:
        return input[::-1]
    output = input.copy()
    for sample, length in enumerate(lengths.astype(np.int64)):
        output[:length, sample] = input[:length, sample][::-1]
    return output
