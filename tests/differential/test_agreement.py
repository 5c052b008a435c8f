"""What counts as equal: the usual tolerance, or no more than what MXNet itself rounds."""

from __future__ import annotations

import numpy as np
import pytest

from differential.compare import agree

PRECISE = np.float32([1.0, 2.0, 1000.0])


def test_outputs_within_the_error_of_mxnet_are_equal() -> None:
    mxnet = np.float16([1.0, 2.0, 1006.0])
    agree(np.float16([1.0, 2.0, 1000.0]), mxnet, PRECISE)
    agree(np.float16([1.0, 2.0, 994.5]), mxnet, PRECISE)
    with pytest.raises(AssertionError):
        agree(np.float16([1.0, 2.0, 992.0]), mxnet, PRECISE)
    with pytest.raises(AssertionError):
        agree(np.float16([1.0, 2.0, 1000.0]), mxnet, None)


def test_other_dtypes_shapes_and_integers_are_never_excused() -> None:
    mxnet = np.float16([1.0, 2.0, 1006.0])
    for actual, expected in (
        (PRECISE, mxnet),
        (np.float16([[1.0, 2.0, 1000.0]]), mxnet),
        (np.int32([1, 2, 1000]), np.int32([1, 2, 1006])),
    ):
        with pytest.raises(AssertionError):
            agree(actual, expected, PRECISE)


def test_numbers_that_overflow_in_mxnet_alone_are_equal() -> None:
    mxnet = np.float16([1.0, np.inf])
    agree(np.float16([1.0, 65504.0]), mxnet, np.float32([1.0, 65600.0]))
    with pytest.raises(AssertionError):
        agree(np.float16([1.0, 5.0]), mxnet, np.float32([1.0, np.inf]))
