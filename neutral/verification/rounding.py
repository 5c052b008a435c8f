"""Derive the errors that rounding leaves in a network, and from them the default tolerances of a verification."""

from __future__ import annotations

import math
from dataclasses import dataclass

SINGLE = 2.0**-24
"""The unit roundoff of float32."""

UNITS = {"F64": SINGLE, "F32": SINGLE, "F16": 2.0**-11, "BF16": 2.0**-8}
"""The unit roundoff of each dtype of recorded values; float64 networks are compared as float32 ones."""

SAFETY = 4
"""Frameworks sum in other orders: recorded errors are up to this many times those of the module."""

LOWEST = 1e-5
"""The smallest default tolerance of a layer: fast exponentials and the like are off by so much in any network."""

LOWEST_OUTPUT = 5e-5
"""The smallest default tolerance of an output, which operators without layers may follow."""

HIGHEST = 5e-5
"""The largest default tolerance that lengths of sums alone give."""

HIGHEST_MEASURED = 9e-5
"""The largest default tolerance where the error of float32 was measured: a fault of 1e-4 is always found."""


@dataclass(frozen=True)
class Rounding:
    """The arithmetic that leads to a value.

    Attributes:
        depth: The number of layers that ran before, this one included.
        products: The number of products that an element of each of these layers sums, together.
        unit: The unit roundoff of the values' dtype.
        measured: The largest difference between float32 and float64 on the same inputs, in units of the value's
            scale; None where it was not measured.

    Example:
        >>> rounding = Rounding(depth=50, products=40_000)
        >>> f"{rounding.tolerance():.1e}", f"{Rounding(1, 9).tolerance():.1e}"
        ('1.2e-05', '1.0e-05')
        >>> f"{Rounding(50, 40_000, measured=6e-6).tolerance():.1e}"
        '2.4e-05'
    """

    depth: int
    products: int
    unit: float = SINGLE
    measured: float | None = None

    @property
    def expected(self) -> float:
        """The error that rounding leaves: a random walk of one rounding for each product and layer, or as measured."""
        walk = self.unit * math.sqrt(self.products + self.depth)
        return max(walk, SAFETY * (self.measured or 0.0))

    def tolerance(self, is_output: bool = False) -> float:
        """Return the default tolerance of the value.

        Args:
            is_output: Whether it is an output of the network.

        Returns:
            The largest allowed error, in units of the scale.
        """
        lowest, highest = LOWEST_OUTPUT if is_output else LOWEST, self.highest
        if self.unit > SINGLE:
            lowest = max(lowest, 4 * self.unit)
        return min(max(lowest, self.expected), highest)

    @property
    def highest(self) -> float:
        """The largest default tolerance of the value."""
        return max(HIGHEST if self.measured is None else HIGHEST_MEASURED, 32 * self.unit if self.unit > SINGLE else 0)

    def explains(self, error: float) -> bool:
        """Return whether rounding alone leaves an error of this size.

        Args:
            error: The error, in units of the scale.

        Returns:
            True up to the error that is expected, and up to a few units of the last place.
        """
        return error <= max(self.expected, 16 * self.unit)

    def __str__(self) -> str:
        if self.measured is not None and self.expected <= SAFETY * self.measured:
            return f"float32 differs from float64 by {self.measured:.1e} here"
        return f"{self.products:,} products summed in a depth of {self.depth} leave about {self.expected:.1e}"
