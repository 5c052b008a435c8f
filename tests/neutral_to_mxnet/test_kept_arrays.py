"""Arrays of a checkpoint from new tensors: rules of a store that was edited."""

from __future__ import annotations

import numpy as np
import pytest

from neutral.tensor import from_numpy
from neutral_to_mxnet.kept_arrays import _inverted

NEW, OLD = from_numpy(np.arange(6.0, dtype=np.float32).reshape(2, 3)), from_numpy(np.zeros((3, 2), np.float32))


@pytest.mark.parametrize(
    "rule",
    ["transpose x", "transpose 0 0", "transpose 0 1 2", "repeat", "repeat x", "repeat 0", "repeat " + "9" * 5000],
)
def test_rules_whose_numbers_do_not_fit_have_no_inverse(rule: str) -> None:
    assert _inverted(rule, NEW, OLD) is None


def test_rules_with_an_inverse() -> None:
    transposed = _inverted("transpose 1 0", NEW, OLD)
    assert transposed is not None and transposed.tolist() == [[0, 3], [1, 4], [2, 5]]
    repeated = _inverted("repeat 3", from_numpy(np.repeat(np.float32([7, 8]), 3)), from_numpy(np.zeros(2, np.float32)))
    assert repeated is not None and repeated.tolist() == [7, 8]
