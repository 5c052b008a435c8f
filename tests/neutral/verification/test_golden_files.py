"""Golden files that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from neutral.errors import StoreError
from neutral.store.safetensors import write_tensors
from neutral.verification.golden import open_golden


@pytest.mark.parametrize("metadata", [{}, {"golden": "{"}, {"golden": '{"version": 2}'}, {"golden": "[]"}])
def test_other_files_are_no_golden_files(tmp_path: Path, metadata: dict[str, str]) -> None:
    write_tensors({}, tmp_path / "g.safetensors", metadata)
    with pytest.raises(StoreError, match="golden file"):
        open_golden(tmp_path / "g.safetensors")
