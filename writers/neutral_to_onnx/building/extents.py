"""Extents of axes: numbers where the shape is known, and otherwise read from the value when the network runs."""

from __future__ import annotations

from dataclasses import dataclass

from neutral_to_onnx.building.value import Dim, OnnxValue


@dataclass(frozen=True)
class Extent:
    """The extent of an axis that is known only when the network runs.

    Attributes:
        value: The value.
        axis: The axis, from 0.

    Example:
        >>> Extent(OnnxValue("data", "float32", ("batch", 3)), 0).symbol
        'batch'
    """

    value: OnnxValue
    axis: int

    @property
    def symbol(self) -> Dim:
        """The name of the free dimension; None where it has none."""
        return None if self.value.shape is None else self.value.shape[self.axis]
