"""The public names of the packages of writers, which are imported on their first use."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["neutral_to_onnx", "neutral_to_torch"])
def test_a_public_name_is_no_submodule_whatever_else_is_imported_first(package: str) -> None:
    pytest.importorskip({"neutral_to_onnx": "onnx", "neutral_to_torch": "torch"}[package])
    code = (
        f"import {package} as package, types\n"
        "values = {name: getattr(package, name) for name in package.__all__}\n"
        "again = {name: getattr(package, name) for name in package.__all__}\n"
        "assert values == again, (values, again)\n"
        "assert not any(isinstance(value, types.ModuleType) for value in values.values()), values\n"
        "assert dir(package) == sorted(package.__all__)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
