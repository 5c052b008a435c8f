"""Elementwise arithmetic of integers: bits, shifts and common divisors. Shapes broadcast as in NumPy."""

from __future__ import annotations

from neutral.operators.declarations import Operator

_BINARY = {
    "bitwise_and": "output = the bits that are set in both; for bools, true if both are true.",
    "bitwise_or": "output = the bits that are set in either; for bools, true if either is true.",
    "bitwise_xor": "output = the bits that are set in exactly one; for bools, true if exactly one is true.",
    "shift_left": "output = input * 2^other; bits outside of the dtype are lost.",
    "shift_right": "output = floor(input / 2^other).",
    "greatest_common_divisor": "output = the largest integer that divides |input| and |other|.",
    "least_common_multiple": "output = the smallest positive integer that input and other divide; 0 if either is 0.",
}

OPERATORS = (
    *(
        Operator(
            kind,
            meaning,
            inputs=("input", "other"),
            family="integer arithmetic",
            elementwise=True,
            commutative=not kind.startswith("shift"),
            associative=not kind.startswith("shift"),
            rank_rule="broadcast",
            dtype_rule="promote",
        )
        for kind, meaning in _BINARY.items()
    ),
    Operator(
        "bitwise_not",
        "output = the bits that are not set; for bools, true if input is false.",
        family="integer arithmetic",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
)
