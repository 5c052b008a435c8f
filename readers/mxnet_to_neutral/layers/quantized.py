"""Dequantise the arrays of MXNet's quantiser: integers, stored with the range of real numbers that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.symbol.model import Symbol, SymbolNode
from neutral.errors import MismatchError, UnsupportedError
from neutral.tensor import Tensor, lazy_tensor

if TYPE_CHECKING:
    import numpy as np

LEVELS = {"I8": 127, "I32": 2**31 - 1}
"""By dtype, the integer that stands for the largest magnitude of the range; ranges are symmetric.

All versions of the quantiser made weights this way. oneDNN's operators of 1.6 and later read int8 as if the number were
127.5, and so make products of such weights too small by a 255th.
"""

_QUANTIZED_PREFIXES = (
    "_contrib_quantized_", "_npx_quantized_", "_sg_", "_contrib_dequantize", "_contrib_requantize"
)  # fmt: skip
"""Prefixes of the names of MXNet's operators that take integers and their ranges."""


class DequantizedArray(Array):
    """An array of integers as the real numbers that it stands for, of dtype F32.

    Args:
        integers: The array of integers.
        low: The lower end of the range, one F32 number.
        high: The upper end of the range, one F32 number.
    """

    def __init__(self, integers: Array, low: Array, high: Array) -> None:
        super().__init__(integers.name, "F32", integers.shape, integers.storage, integers.offset)
        self.integers, self.low, self.high = integers, low, high

    @property
    def plain(self) -> bool:
        """False: the file does not hold the values."""
        return False

    @property
    def rule(self) -> str:
        """The name of the computation in the store."""
        return "dequantize"

    @property
    def sources(self) -> tuple[Array, ...]:
        """The arrays from which the values are computed."""
        return (self.integers, self.low, self.high)

    def tensor(self) -> Tensor:
        """Return ``integers * (max(abs(low), abs(high)) / levels)``, computed in float32.

        Returns:
            A tensor of dtype float32 and the array's shape, computed when it is read.
        """
        return lazy_tensor("F32", self.shape, self._values)

    def _values(self) -> np.ndarray:
        import numpy as np

        stored = self.integers.tensor()
        scale = self._magnitude() / np.float32(LEVELS[stored.dtype])
        values: np.ndarray = stored.numpy().astype(np.float32) * scale
        return values

    def _magnitude(self) -> np.float32:
        import numpy as np

        magnitude: np.float32 = np.float32(
            max(abs(end.tensor().numpy().reshape(-1)[0]) for end in (self.low, self.high))
        )
        return magnitude


def dequantize_arrays(symbol: Symbol, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
    """Return the arrays, those of integers that a quantised operator uses with their range as real numbers.

    Args:
        symbol: The symbol; its quantised operators say which arrays are ranges.
        arrays: The checkpoint's arrays by name.

    Returns:
        A mapping of the same names; arrays that no quantised operator uses are unchanged.

    Raises:
        UnsupportedError: An array is quantised to a dtype whose meaning depends on MXNet's build, such as uint8.
        MismatchError: An array is used with two ranges, or the end of a range is not one float32 number.
    """
    dequantized: dict[str, DequantizedArray] = {}
    for node in symbol.nodes:
        inputs = [symbol.nodes[entry.node].name for entry in node.inputs]
        for position, (low, high) in _range_positions(node).items():
            array = arrays.get(inputs[position])
            ends = arrays.get(inputs[low]), arrays.get(inputs[high])
            if array is None or array.dtype.startswith(("F", "BF")) or ends[0] is None or ends[1] is None:
                continue
            if array.dtype not in LEVELS:
                raise UnsupportedError(
                    f"array {array.name!r} is quantised to {array.dtype}, in which MXNet's builds do not agree "
                    f"on what zero stands for; {' and '.join(LEVELS)} are supported."
                )
            result = DequantizedArray(array, ends[0], ends[1])
            if dequantized.setdefault(inputs[position], result).sources != result.sources:
                raise MismatchError(f"array {array.name!r} is used with two ranges, by {node.name!r} and before it.")
    for item in dequantized.values():
        for end in (item.low, item.high):
            if end.shape != (1,) or end.dtype != "F32":
                raise MismatchError(f"array {end.name!r} bounds a range and has to be one float32 number.")
    return {**arrays, **dequantized} if dequantized else arrays


def takes_ranges(node: SymbolNode) -> bool:
    """Return whether a node has one of MXNet's operators that take integers and their ranges.

    Args:
        node: A node of the symbol.

    Returns:
        True for quantised, requantising, dequantising and fused operators.
    """
    return node.operator.startswith(_QUANTIZED_PREFIXES)


def tensor_count(node: SymbolNode) -> int:
    """Return how many inputs of a quantised operator are tensors; for each of them, two numbers, its range, follow.

    Args:
        node: A node with a quantised operator.

    Returns:
        A third of the number of inputs.
    """
    return len(node.inputs) // 3


def _range_positions(node: SymbolNode) -> dict[int, tuple[int, int]]:
    """Return the positions of a range's ends for the position of each quantised input."""
    if node.operator == "_contrib_quantized_embedding" and len(node.inputs) == 4:
        return {1: (2, 3)}
    if not takes_ranges(node) or len(node.inputs) % 3:
        return {}
    count = tensor_count(node)
    return {position: (count + 2 * position, count + 2 * position + 1) for position in range(count)}
