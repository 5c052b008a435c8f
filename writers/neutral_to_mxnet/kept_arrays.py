"""Give new values to the arrays that a store keeps beside its layers, because the layers do not hold them exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Iterator, Mapping

import numpy as np

from neutral.errors import UnsupportedError
from neutral.store import Piece, SourceFile, Store
from neutral.tensor import Tensor, lazy_tensor

PREFIX = "source."
"""The beginning of the keys of kept arrays."""


@dataclass
class KeptArrays:
    """New values of kept arrays.

    Attributes:
        tensors: The new tensor by key.
        freed_scales: Names of arrays that are batch norm scales, which the symbol must not fix to ones any more.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    freed_scales: list[str] = field(default_factory=list)


def update_kept_arrays(like: Store, file: SourceFile, new: Mapping[str, Tensor]) -> KeptArrays:
    """Compute the kept arrays from the new tensors of the layers, by inverting the rule of each role.

    Args:
        like: The store of a checkpoint.
        file: Its parameter file.
        new: The new tensors by key of ``like``.

    Returns:
        The new tensors of the kept arrays, and the batch norm scales that are no longer fixed to ones.

    Raises:
        UnsupportedError: If an array cannot hold its new values; lists all such arrays.
    """
    layered = {key for layer in like.layers.values() for key in layer.tensors.values()}
    kept = [piece.tensor for piece in file.pieces if isinstance(piece, Piece) and piece.tensor not in layered]
    result, problems = KeptArrays(), []
    for array in dict.fromkeys(_array_name(key) for key in kept):
        keys = [key for key in kept if _array_name(key) == array]
        old = like.tensors[keys[0]] if keys == [f"{PREFIX}{array}"] else None
        candidates: list[tuple[str, np.ndarray]] = []
        for place, rule, key in _uses(like, array):
            if key not in new or _equal_bytes(new[key], like.tensors[key]):
                continue
            values = None if old is None else _inverted(rule, new[key], old)
            if values is None:
                problems.append(f"{place}: array {array!r} {_obstacle(rule)}")
                continue
            if rule == "ones":
                result.freed_scales.append(array)
            candidates.append((place, values))
        if any((values != candidates[0][1]).any() for _, values in candidates):
            places = " and ".join(place for place, _ in candidates)
            problems.append(f"array {array!r} is shared by {places}, whose new values differ")
        elif candidates and old is not None:
            result.tensors[keys[0]] = _with_values(old, candidates[0][1])
    if problems:
        raise UnsupportedError(
            "the arrays of the checkpoint cannot hold these weights; nothing was written:", tuple(problems)
        )
    return result


def _array_name(key: str) -> str:
    """Return the name of the array in a key: sparse arrays have several keys, and a number may follow."""
    return re.sub(r"(\.(data|indices|indptr))?(#\d+)?$", "", key[len(PREFIX) :])


def _uses(like: Store, array: str) -> Iterator[tuple[str, str, str]]:
    """Yield ``layer.role``, rule and key of each tensor that was made from an array."""
    for layer in like.layers.values():
        for role, origin in layer.source.origins.items():
            if array in origin.arrays:
                yield f"{layer.name}.{role}", origin.rule, layer.tensors[role]


def _inverted(rule: str, new: Tensor, old: Tensor) -> np.ndarray | None:
    """Return the array from which a rule makes the new tensor; None if there is none or the rule has no inverse."""
    try:
        return _inverse(rule, new.numpy(), old)
    except ValueError:  # the rule of a store that was edited: its numbers do not fit the tensor, or are none
        return None


def _inverse(rule: str, values: np.ndarray, old: Tensor) -> np.ndarray | None:
    name, _, numbers = rule.partition(" ")
    inverted: np.ndarray | None = None
    if name in ("ones", "identity", "reshape"):
        inverted = values.reshape(old.shape)
    if name == "transpose" and numbers:
        axes = [int(axis) for axis in numbers.split()]
        if sorted(axes) == list(range(values.ndim)):
            inverted = values.transpose(np.argsort(axes))
    if name == "repeat":
        groups = values.reshape(-1, int(numbers))
        if (groups == groups[:, :1]).all():
            inverted = groups[:, 0].reshape(old.shape)
    return inverted


def _obstacle(rule: str) -> str:
    name, _, numbers = rule.partition(" ")
    if name == "repeat":
        return f"has one value for {numbers} channels, and the weights have different ones"
    return {
        "dense": "is sparse: save it dense, and make the store of the checkpoint again",
        "dequantize": "holds quantised integers: use the checkpoint that was quantised",
    }.get(name, f"was made by the rule {rule!r}, which has no inverse")


def _equal_bytes(new: Tensor, old: Tensor) -> bool:
    return new.nbytes == old.nbytes and b"".join(new.chunks()) == b"".join(old.chunks())


def _with_values(like: Tensor, values: np.ndarray) -> Tensor:
    return lazy_tensor(like.dtype, like.shape, lambda: values)
