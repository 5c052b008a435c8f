"""Elementwise arithmetic of integers."""

from __future__ import annotations

import numpy as np

from neutral.reference.registry import reference

for _kind, _function in {
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "shift_left": np.left_shift,
    "shift_right": np.right_shift,
    "greatest_common_divisor": np.gcd,
    "least_common_multiple": np.lcm,
}.items():
    reference(_kind)(_function)
