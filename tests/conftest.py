"""What all tests share: the folder of real data, and a process in which real MXNet runs.

Both are optional. Where one is missing the tests that need it are skipped, and the reason says how to have it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from mxnet_side.protocol import receive, send

ROOT = Path(__file__).resolve().parents[1]


def shared_data_folder() -> Path:
    return Path(os.environ.get("NEUTRAL_TEST_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real checkpoints and the files of fifteen MXNet releases."""
    folder = shared_data_folder()
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; set NEUTRAL_TEST_DATA to the folder of real data")
    return folder


class MXNet:
    """Calls functions of ``tests/mxnet_side`` in a process that has MXNet."""

    def __init__(self, python: str) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MXNET_SUBGRAPH_BACKEND": "NONE"}
        environment.pop("PYTHONPATH", None)
        self._process = subprocess.Popen(
            [python, str(ROOT / "tests" / "mxnet_side" / "worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def call(self, function: str, **arguments: Any) -> Any:
        """``function`` is ``module:name``; what it raises is raised here as RuntimeError with its traceback."""
        assert self._process.stdin is not None and self._process.stdout is not None
        send(self._process.stdin, (function, arguments))
        ok, result = receive(self._process.stdout)
        if not ok:
            raise RuntimeError(f"in the MXNet process:\n{result}")
        return result

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)


def mxnet_python() -> str | None:
    """The Python that has MXNet: NEUTRAL_MXNET_PYTHON, or this one."""
    named = os.environ.get("NEUTRAL_MXNET_PYTHON")
    if named:
        return named
    try:
        import mxnet  # noqa: F401
    except Exception:
        return None
    return sys.executable


@pytest.fixture(scope="session")
def mxnet() -> Iterator[MXNet]:
    """Real MXNet, in a process of its own."""
    python = mxnet_python()
    if python is None:
        pytest.skip("MXNet is not here; set NEUTRAL_MXNET_PYTHON to a Python that has it")
    process = MXNet(python)
    yield process
    process.close()
