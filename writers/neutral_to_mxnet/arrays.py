"""Arrays that a checkpoint's store keeps aside, because its layers do not hold them byte by byte, with new values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Iterator, Mapping

import numpy as np

from neutral.errors import UnsupportedError
from neutral.source import Piece
from neutral.store import SourceFile, Store
from neutral.tensor import Tensor, lazy_tensor

KEPT = "source."


@dataclass
class Aside:
    """``tensors`` are the kept arrays' new values by key; ``freed`` the scales that the symbol must fix no more."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    freed: list[str] = field(default_factory=list)


def set_aside(like: Store, file: SourceFile, new: Mapping[str, Tensor]) -> Aside:
    """What ``new`` (by key of ``like``) means for the arrays that ``file`` has of its own.

    Raises UnsupportedError with every array that cannot hold its new values.
    """
    layered = {key for layer in like.layers.values() for key in layer.tensors.values()}
    kept = [piece.tensor for piece in file.pieces if isinstance(piece, Piece) and piece.tensor not in layered]
    result, problems = Aside(), []
    for array in dict.fromkeys(_array(key) for key in kept):
        keys = [key for key in kept if _array(key) == array]
        old = like.tensors[keys[0]] if keys == [f"{KEPT}{array}"] else None
        found: list[tuple[str, np.ndarray]] = []
        for where, rule, key in _uses(like, array):
            if key not in new or _same(new[key], like.tensors[key]):
                continue
            values = None if old is None else _undone(rule, new[key], old)
            if values is None:
                problems.append(f"{where}: array {array!r} {_why(rule)}")
                continue
            if rule == "ones":
                result.freed.append(array)
            found.append((where, values))
        if any((values != found[0][1]).any() for _, values in found):
            problems.append(
                f"array {array!r} is in {' and '.join(where for where, _ in found)}, which are not equal now"
            )
        elif found and old is not None:
            result.tensors[keys[0]] = _tensor(old, found[0][1])
    if problems:
        raise UnsupportedError("the checkpoint's form cannot hold these weights; nothing was written:", tuple(problems))
    return result


def _array(key: str) -> str:
    """The name of the array that a key is of: sparse ones have several, and a number may follow."""
    return re.sub(r"(\.(data|indices|indptr))?(#\d+)?$", "", key[len(KEPT) :])


def _uses(like: Store, array: str) -> Iterator[tuple[str, str, str]]:
    """The roles that are made of an array: where, by which rule, and under which key."""
    for layer in like.layers.values():
        for role, origin in layer.source.origins.items():
            if array in origin.arrays:
                yield f"{layer.name}.{role}", origin.rule, layer.tensors[role]


def _undone(rule: str, new: Tensor, old: Tensor) -> np.ndarray | None:
    """The array from which the rule makes the new tensor; None where there is none, or nobody knows it."""
    values = new.numpy()
    name, _, numbers = rule.partition(" ")
    if name in ("ones", "identity", "reshape"):
        return values.reshape(old.shape)
    if name == "transpose" and numbers:
        return values.transpose(np.argsort([int(axis) for axis in numbers.split()]))
    if name == "repeat":
        groups = values.reshape(-1, int(numbers))
        return groups[:, 0].reshape(old.shape) if (groups == groups[:, :1]).all() else None
    return None


def _why(rule: str) -> str:
    name, _, numbers = rule.partition(" ")
    if name == "repeat":
        return f"has one value for {numbers} channels, and the weights have different ones"
    return {
        "dense": "is sparse: save it dense, and make the store of the checkpoint again",
        "dequantize": "holds quantised integers: use the checkpoint that was quantised",
    }.get(name, f"was made by the rule {rule!r}, which cannot be undone")


def _same(new: Tensor, old: Tensor) -> bool:
    return new.nbytes == old.nbytes and b"".join(new.chunks()) == b"".join(old.chunks())


def _tensor(like: Tensor, values: np.ndarray) -> Tensor:
    return lazy_tensor(like.dtype, like.shape, lambda: values)
