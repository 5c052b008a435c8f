"""Arrays that MXNet's quantiser made: integers, and beside them the range of the real numbers that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from mxnet_to_neutral.arrays import Array
from neutral.errors import MismatchError, UnsupportedError
from neutral.tensor import Tensor, lazy_tensor

if TYPE_CHECKING:
    import numpy as np

    from mxnet_to_neutral.symbol.model import Symbol, SymbolNode

LEVELS = {"I8": 127, "I32": 2**31 - 1}
"""The integer that stands for the largest magnitude of the range; the range is symmetric.

This is how the quantiser made weights in all versions. oneDNN's operators of 1.6 and later read int8 as if it were
127.5, and so make products of such weights too small by a 255th.
"""

_QUANTISED = ("_contrib_quantized_", "_sg_", "_contrib_dequantize", "_contrib_requantize")
"""How the names of operators begin that take integers and their ranges."""


class Quantized(Array):
    """An array of integers as the real numbers that it stands for, of dtype F32. ``low`` and ``high`` are its range."""

    def __init__(self, integers: Array, low: Array, high: Array) -> None:
        super().__init__(integers.name, "F32", integers.shape, integers.storage, integers.offset)
        self.integers, self.low, self.high = integers, low, high

    @property
    def plain(self) -> bool:
        return False

    @property
    def rule(self) -> str:
        return "dequantize"

    @property
    def sources(self) -> tuple[Array, ...]:
        return (self.integers, self.low, self.high)

    def tensor(self) -> Tensor:
        """``integer * (max(abs(low), abs(high)) / levels)``, computed in float32."""
        return lazy_tensor("F32", self.shape, self._values)

    def _values(self) -> np.ndarray:
        import numpy as np

        stored = self.integers.tensor()
        return stored.numpy().astype(np.float32) * (self._magnitude() / np.float32(LEVELS[stored.dtype]))

    def _magnitude(self) -> np.float32:
        import numpy as np

        return np.float32(max(abs(end.tensor().numpy().reshape(-1)[0]) for end in (self.low, self.high)))


def dequantized(symbol: Symbol, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
    """The arrays with those that a quantised operator uses together with their range as real numbers."""
    found: dict[str, Quantized] = {}
    for node in symbol.nodes:
        inputs = [symbol.nodes[entry.node].name for entry in node.inputs]
        for position, (low, high) in _ranges(node).items():
            array, ends = arrays.get(inputs[position]), [arrays.get(inputs[low]), arrays.get(inputs[high])]
            if array is None or array.dtype.startswith(("F", "BF")) or ends[0] is None or ends[1] is None:
                continue
            if array.dtype not in LEVELS:
                raise UnsupportedError(
                    f"array {array.name!r} is quantised to {array.dtype}, in which MXNet's builds do not agree "
                    f"on what zero stands for; {' and '.join(LEVELS)} are supported."
                )
            made = Quantized(array, ends[0], ends[1])
            if found.setdefault(inputs[position], made).sources != made.sources:
                raise MismatchError(f"array {array.name!r} is used with two ranges, by {node.name!r} and before it.")
    for item in found.values():
        for end in (item.low, item.high):
            if end.shape != (1,) or end.dtype != "F32":
                raise MismatchError(f"array {end.name!r} bounds a range and has to be one float32 number.")
    return {**arrays, **found} if found else arrays


def tensors_of(node: SymbolNode) -> int:
    """How many of a quantised operator's inputs are tensors; two numbers, its range, follow for each of them."""
    return len(node.inputs) // 3


def _ranges(node: SymbolNode) -> dict[int, tuple[int, int]]:
    """For the positions of a node's quantised inputs the positions of their ranges' ends."""
    if node.operator == "_contrib_quantized_embedding" and len(node.inputs) == 4:
        return {1: (2, 3)}
    if not node.operator.startswith(_QUANTISED) or len(node.inputs) % 3:
        return {}
    count = tensors_of(node)
    return {position: (count + 2 * position, count + 2 * position + 1) for position in range(count)}
