"""Fixtures of all tests: the folder of real data, and processes with real MXNet.

Both are optional: without one, the tests that need it are skipped with instructions.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator

import pytest
from hypothesis import HealthCheck, settings

from mxnet_side.client import MXNet, mxnet2_python, mxnet_python
from shared_data import reason_to_skip, shared_data_folder

collect_ignore = ["support"]
"""Helpers, some of which import MXNet: no doctests to collect."""


settings.register_profile("untimed", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """Let MXNet and its old dependencies warn: elsewhere, warnings are errors."""
    if find_spec("mxnet") is not None:
        config.addinivalue_line("filterwarnings", "default")


@pytest.fixture(autouse=True)
def ordinary_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write to no terminal, of which pytest-xdist states a width, and no compiled files: some tests compare folders."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real checkpoints and of files of fifteen MXNet releases."""
    folder = shared_data_folder()
    if not folder.is_dir():
        pytest.skip(reason_to_skip())
    return folder


@pytest.fixture(scope="session")
def python_with_mxnet() -> str:
    """Return the Python that has real MXNet."""
    python = mxnet_python()
    if python is None:
        pytest.skip("MXNet is not installed; set NEUTRAL_MXNET_PYTHON to a Python that has it")
    return python


@pytest.fixture(scope="session")
def mxnet(python_with_mxnet: str) -> Iterator[MXNet]:
    """Start real MXNet in its own process."""
    process = MXNet(python_with_mxnet)
    yield process
    process.close()


@pytest.fixture(scope="session")
def mxnet2() -> Iterator[MXNet]:
    """Start MXNet 2 in its own process."""
    python = mxnet2_python()
    if python is None:
        pytest.skip("MXNet 2 is not installed; set NEUTRAL_MXNET2_PYTHON to a Python that has it")
    process = MXNet(python)
    yield process
    process.close()
