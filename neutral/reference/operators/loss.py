"""Losses, and the selection of one element."""

from __future__ import annotations

import numpy as np

from neutral.reference.operators.activation import log_softmax, softmax
from neutral.reference.registry import Array, reference


@reference("pick")
def pick(input: Array, index: Array, axis: int, keepdim: bool, out_of_range: str) -> Array:
    places = index.astype(np.int64)
    if places.ndim < input.ndim:
        places = np.expand_dims(places, axis)
    extent = input.shape[axis]
    places = places % extent if out_of_range == "wrap" else np.clip(places, 0, extent - 1)
    picked = np.take_along_axis(input, places, axis)
    return picked if keepdim or input.ndim == 1 else picked.squeeze(axis)


@reference("softmax_cross_entropy")
def softmax_cross_entropy(input: Array, label: Array) -> Array:
    chosen = softmax(input, axis=1)[np.arange(len(input)), label.astype(np.int64)]
    return -np.log(np.maximum(chosen, 1e-8)).sum().reshape(1)


@reference("ctc_loss")
def ctc_loss(
    input: Array,
    label: Array,
    input_length: Array | None = None,
    label_length: Array | None = None,
    *,
    blank: str,
) -> Array:
    time, batch, classes = input.shape
    blank_class = 0 if blank == "first" else classes - 1
    logarithms = log_softmax(input, 2)
    losses = np.empty(batch, input.dtype)
    for sample in range(batch):
        classes_of_sample = label[sample].astype(np.int64)
        if label_length is not None:
            count = int(label_length[sample])
        else:
            padding = np.flatnonzero(classes_of_sample == (0 if blank == "first" else -1))
            count = int(padding[0]) if len(padding) else len(classes_of_sample)
        steps = time if input_length is None else int(input_length[sample])
        losses[sample] = _ctc(logarithms[:steps, sample], classes_of_sample[:count], blank_class)
    return losses


def _ctc(logarithms: Array, label: Array, blank: int) -> float:
    """Return -log of the sum over all alignments of a label, by the forward algorithm."""
    extended = np.full(2 * len(label) + 1, blank)  # blanks around every class
    extended[1::2] = label
    may_skip = np.zeros(len(extended), bool)  # from the class before, past a blank
    may_skip[3::2] = label[1:] != label[:-1]
    alpha = np.full(len(extended), -np.inf)
    alpha[:2] = logarithms[0, extended[:2]]
    for step in logarithms[1:].astype(np.float64):
        one, two = np.full_like(alpha, -np.inf), np.full_like(alpha, -np.inf)
        one[1:], two[2:] = alpha[:-1], alpha[:-2]
        alpha = np.logaddexp(np.logaddexp(alpha, one), np.where(may_skip, two, -np.inf)) + step[extended]
    return float(-np.logaddexp.reduce(alpha[-2:]))
