"""Densities of distributions against real MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

SAMPLES = np.array([[0.5, 1.5, 2.0], [1.0, 2.0, 3.0]], np.float32)
FIRST, SECOND = np.array([1.5, 2.0], np.float32), np.array([0.7, 0.6], np.float32)
PARAMETERS = {
    "uniform": (SECOND, FIRST),
    "normal": (FIRST, SECOND),
    "gamma": (FIRST, SECOND),
    "exponential": (FIRST,),
    "poisson": (FIRST,),
    "negative_binomial": (FIRST, SECOND),
    "generalized_negative_binomial": (FIRST, SECOND),
}


@pytest.mark.parametrize("is_log", [False, True])
@pytest.mark.parametrize("name", PARAMETERS)
def test_density(check_operator: Any, name: str, is_log: bool) -> None:
    check_operator(f"_random_pdf_{name}", [SAMPLES, *PARAMETERS[name]], declared=True, is_log=is_log)


@pytest.mark.parametrize("is_log", [False, True])
def test_density_of_proportions(check_operator: Any, is_log: bool) -> None:
    samples = np.random.RandomState(0).dirichlet([1, 2, 3], (2, 4)).astype(np.float32)
    concentrations = np.array([[1.5, 2.0, 3.0], [0.5, 1.0, 4.0]], np.float32)
    check_operator("_random_pdf_dirichlet", [samples, concentrations], declared=True, is_log=is_log)
