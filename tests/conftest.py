"""What all tests share: the folder of real data, and a process in which real MXNet runs.

Both are optional. Where one is missing the tests that need it are skipped, and the reason says how to have it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from mxnet_side.client import MXNet, mxnet2_python, mxnet_python
from shared_data import shared_data_folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real checkpoints and the files of fifteen MXNet releases."""
    folder = shared_data_folder()
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; set NEUTRAL_TEST_DATA to the folder of real data")
    return folder


@pytest.fixture(scope="session")
def mxnet() -> Iterator[MXNet]:
    """Real MXNet, in a process of its own."""
    python = mxnet_python()
    if python is None:
        pytest.skip("MXNet is not here; set NEUTRAL_MXNET_PYTHON to a Python that has it")
    process = MXNet(python)
    yield process
    process.close()


@pytest.fixture(scope="session")
def mxnet2() -> Iterator[MXNet]:
    """MXNet 2, in a process of its own."""
    python = mxnet2_python()
    if python is None:
        pytest.skip("MXNet 2 is not here; set NEUTRAL_MXNET2_PYTHON to a Python that has it")
    process = MXNet(python)
    yield process
    process.close()
