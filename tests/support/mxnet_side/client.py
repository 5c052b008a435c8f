"""Start the MXNet process and call functions in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mxnet_side.protocol import receive, send

WORKER = Path(__file__).resolve().with_name("worker.py")
IMPORTABLE = (WORKER.parents[1], WORKER.parents[3] / "readers")
"""Folders of ``mxnet_side`` and of ``mxnet_capture``."""


class MXNet:
    """Call functions of ``tests/support/mxnet_side`` in a process that has MXNet."""

    def __init__(self, python: str) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MXNET_SUBGRAPH_BACKEND": "NONE"}
        environment["PYTHONPATH"] = os.pathsep.join(map(str, IMPORTABLE))
        self._process = subprocess.Popen(
            [python, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def call(self, function: str, **arguments: Any) -> Any:
        """Call ``function``, given as ``module:name``; its errors are raised as RuntimeError with their traceback."""
        assert self._process.stdin is not None and self._process.stdout is not None
        send(self._process.stdin, (function, arguments))
        ok, result = receive(self._process.stdout)
        if not ok:
            raise RuntimeError(f"in the MXNet process:\n{result}")
        return result

    def kill(self) -> None:
        """Kill the process; a call that waits for it raises EOFError."""
        self._process.kill()

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)
        if self._process.stdout is not None:
            self._process.stdout.close()


def mxnet_python() -> str | None:
    """Return the Python that has MXNet: NEUTRAL_MXNET_PYTHON, or this one."""
    named = os.environ.get("NEUTRAL_MXNET_PYTHON")
    if named:
        return named
    try:
        import mxnet  # noqa: F401
    except Exception:
        return None
    return sys.executable


def mxnet2_python() -> str | None:
    """Return the Python that has MXNet 2: NEUTRAL_MXNET2_PYTHON."""
    return os.environ.get("NEUTRAL_MXNET2_PYTHON")
