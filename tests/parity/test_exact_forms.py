"""Unusual forms of usual operators against real MXNet: repeated axes, vectors, single elements, second outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

A = np.random.RandomState(0).uniform(-2, 2, (2, 4, 3)).astype(np.float32)


@pytest.mark.parametrize("axis", [(1, 1), (1, 1, 1), (0, 1, 1)])
def test_reverse_of_repeated_axes(check_operator: Any, axis: tuple[int, ...]) -> None:
    check_operator("reverse", [A], exact=True, axis=axis)


def test_flip_of_repeated_axes(check_numpy: Any) -> None:
    check_numpy("np.flip(a, axis=(1, 1))", exact=True, a=A)


@pytest.mark.parametrize("axis", [(1, -2), (0, -1)])
def test_flip_of_axes_from_both_ends(check_numpy2: Any, axis: tuple[int, ...]) -> None:
    check_numpy2(f"np.flip(a, axis={axis})", exact=True, a=A)  # MXNet 1 refuses negative axes


@pytest.mark.parametrize("flags", [{}, {"preserve_shape": True}])
def test_softmax_output_of_a_vector(check_operator: Any, flags: dict[str, bool]) -> None:
    check_operator("SoftmaxOutput", [A[0, 0], A[0, 0]], declared=True, **flags)


@pytest.mark.parametrize("shape", [(2, 3, 1), (2, 3, 1, 1)])
def test_instance_norm_of_single_elements(check_operator: Any, shape: tuple[int, ...]) -> None:
    x = np.random.RandomState(1).uniform(-2, 2, shape).astype(np.float32)
    for declared in (False, True):
        check_operator("InstanceNorm", [x, A[0, 0], A[1, 0]], parameters=(1, 2), declared=declared)


@pytest.mark.parametrize("shape", [(2, 3, 1), (2, 3, 1, 1)])
def test_group_norm_of_single_elements(check_operator: Any, shape: tuple[int, ...]) -> None:
    x = np.random.RandomState(1).uniform(-2, 2, shape).astype(np.float32)
    for declared in (False, True):
        check_operator("GroupNorm", [x, A[0, 0], A[1, 0]], parameters=(1, 2), declared=declared, num_groups=3)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_eigenvalues_of_integers(check_numpy: Any, dtype: str) -> None:
    check_numpy("linalg.eigvalsh(a)", a=np.array([[2, 1], [1, 3]], dtype))


@pytest.mark.parametrize("options", ["", "axis=0", "weights=a * a", "axis=-1, weights=a[0, 0] * a[0, 0]"])
def test_average_with_its_weights(check_numpy1: Any, options: str) -> None:
    check_numpy1(f"[*np.average(a, {options + ', ' if options else ''}returned=True)]", a=A)
