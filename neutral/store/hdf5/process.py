"""Read an HDF5 file in a child process: damage that makes the HDF5 library hang or crash ends that process alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import weakref
from contextlib import suppress
from threading import Lock
from typing import Any

import neutral
from neutral import limits
from neutral.errors import NeutralError, StoreError, UnsupportedError, UsageError
from neutral.store.hdf5.regions import Region

_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from neutral.store.hdf5.server import main
main(sys.argv[2])
"""

_LAST_SECONDS = 1
"""Seconds that a process has to end; then it is killed."""

_ERRORS: dict[int, type[NeutralError]] = {error.exit_code: error for error in (UsageError, UnsupportedError)}
"""Errors of the process that are not about the file."""


class ReadingProcess:
    """A process that reads a file, started at the first request, and again after :meth:`close`.

    Its methods are those of :class:`neutral.store.hdf5.contents.Contents`.

    Args:
        path: The path of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._stop: weakref.finalize[Any, ReadingProcess] | None = None

    def manifest(self) -> bytes:
        """Return the bytes of the manifest.

        Returns:
            JSON in UTF-8.
        """
        return self._ask("manifest")

    def tensors(self) -> Any:
        """Return key, place, dtype code, shape and chunk shape of each tensor.

        Returns:
            A list for each tensor.
        """
        return json.loads(self._ask("tensors"))

    def block(self, place: str, dtype: str, shape: tuple[int, ...], region: Region) -> bytes:
        """Return a region of a tensor.

        Args:
            place: The path of the dataset.
            dtype: Its dtype code, such as ``F32``.
            shape: Its shape.
            region: Start and stop for each of the first axes; the others are whole.

        Returns:
            The bytes, little-endian and in row-major order.
        """
        return self._ask("block", place, dtype, shape, region)

    def problems(self) -> Any:
        """Return the differences between the manifest and the groups and attributes that people browse.

        Returns:
            A line for each difference.
        """
        return json.loads(self._ask("problems"))

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, *request: Any) -> bytes:
        """Return the answer to a request.

        Raises:
            StoreError: If the file is damaged.
            UnsupportedError: If h5py is missing, or no process can be started.
        """
        with self._lock:
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
                head = process.stdout.read(9)
                content = process.stdout.read(int.from_bytes(head[1:], "little")) if len(head) == 9 else b""
            except OSError:  # it ended before the request
                head = content = b""
            if len(head) < 9 or len(content) < int.from_bytes(head[1:], "little"):
                raise StoreError(self._death())
        if head[0]:
            raise _ERRORS.get(head[0], StoreError)(content.decode("utf-8", "replace"))
        return content

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._owner == os.getpid():
            return self._process
        package = os.path.dirname(os.path.dirname(os.path.abspath(neutral.__file__)))
        modules = [package, *(folder for folder in sys.path if folder)]
        # -I keeps the current folder and the user's variables from adding modules.
        command = [sys.executable, "-I", "-c", _START, json.dumps(modules), os.path.abspath(self._path)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except (OSError, ValueError, TypeError) as error:
            raise UnsupportedError(
                f"{self._path}: HDF5 is read in a process of its own, and {sys.executable or 'Python'} cannot be "
                f"started: {error}."
            ) from error
        self._owner = os.getpid()
        self._stop = weakref.finalize(self, _end_process, self._process, self._owner)
        return self._process

    def _death(self) -> str:
        """Wait for the end of the process and return a sentence about its cause."""
        assert self._process is not None and self._process.stdout is not None
        self._process.stdout.close()
        code = self._process.wait()
        self._end()
        if code == -getattr(signal, "SIGXCPU", 0) or (code == 1 and sys.platform == "win32"):
            return (
                f"{self._path}: this HDF5 file is damaged: reading a part of it takes too long. Copy it again. "
                f"{limits.HDF5_STEP_SECONDS.advice}"
            )
        cause = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{self._path}: this HDF5 file is damaged: the HDF5 library fails on it ({cause}). Copy it again."

    def _end(self) -> None:
        if self._stop is not None:
            self._stop()
        self._process = self._stop = None


def _end_process(process: subprocess.Popen[bytes], owner: int) -> None:
    if owner != os.getpid():  # a fork of the process that started it
        process.returncode = 0
        return
    for stream in filter(None, (process.stdin, process.stdout)):
        with suppress(OSError):  # the last request was not sent
            stream.close()
    try:
        process.wait(_LAST_SECONDS)  # it ends by itself when there are no more requests
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
