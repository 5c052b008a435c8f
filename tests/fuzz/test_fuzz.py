"""A fixed number of mutations of every input format is accepted, or refused by an error of Neutral's own.

``tests/fuzz/fuzz_formats.py`` runs as many more as wanted, and repeats a case that is named here.
"""

from __future__ import annotations

import pytest

pytest.importorskip("torch.nn")
pytest.importorskip("h5py")

from fuzzing.driver import fuzz
from fuzzing.parsers import PARSERS
from fuzzing.targets import TARGETS as PATHS

TARGETS = {**PATHS, **PARSERS}

CASES = 400
"""Cases a target; a seed of its own for continuous integration."""


@pytest.mark.parametrize("name", TARGETS)
def test_every_mutation_is_accepted_or_refused(name: str) -> None:
    if "onnx" in name:
        pytest.importorskip("onnxruntime")
    outcome = fuzz(TARGETS[name], CASES, seed=20261128)
    assert outcome.failures == []
    assert outcome.cases == CASES and outcome.accepted and outcome.refused
