"""Answer requests for the content of one HDF5 file on standard output, in a process with limits.

A request is a line of JSON, ``[name, *arguments]``, on standard input. An answer is a byte (:data:`OK` or the exit code
of an error), the length of the rest in 8 bytes, and the rest: the content, or the message of the error.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from typing import Any, BinaryIO, Callable

from neutral import limits
from neutral.errors import NeutralError
from neutral.store.hdf5.contents import Contents, damage_reported, open_contents
from neutral.store.hdf5.layout import import_h5py

try:
    import resource
except ImportError:  # pragma: no cover - Windows
    resource = None  # type: ignore[assignment]

OK = 0
"""The first byte of an answer that is not an error."""

_CLOCK_FACTOR = 6
"""Seconds of the clock that are allowed for each second of CPU time, where CPU time cannot be limited."""


def serve(path: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more.

    Args:
        path: The HDF5 file.
        requests: A JSON list a line: the name of a method of :class:`Contents`, then its arguments.
        answers: For each request a status byte (the error's exit code, if it failed), the length in eight bytes,
            little-endian, and the content or message.
    """
    try:
        import_h5py()  # before the limit, which is beside what the process starts with
        limit_memory(limits.HDF5_MEMORY_BYTES.value)
        seconds = limits.HDF5_STEP_SECONDS.value
        renew_time(seconds)
        with open_contents(path, lambda: renew_time(seconds)) as contents:
            for request in requests:
                renew_time(seconds)
                _answer(path, contents, json.loads(request), answers)
    except NeutralError as error:  # the file cannot be opened
        if requests.readline():
            _send(answers, error.exit_code, str(error).encode("utf-8", "backslashreplace"))


def _answer(path: str, contents: Contents, request: Any, answers: BinaryIO) -> None:
    renders: dict[str, Callable[[Any], bytes]] = {
        "manifest": bytes,
        "block": bytes,
        "tensors": lambda entries: json.dumps(entries).encode(),
        "problems": lambda lines: json.dumps(lines).encode(),
    }
    name, *arguments = request
    try:
        with damage_reported(path):
            content = renders[name](getattr(contents, name)(*arguments))
    except NeutralError as error:
        _send(answers, error.exit_code, str(error).encode("utf-8", "backslashreplace"))
    else:
        _send(answers, OK, content)


def _send(answers: BinaryIO, status: int, content: bytes) -> None:
    answers.write(bytes([status]) + len(content).to_bytes(8, "little"))
    answers.write(content)
    answers.flush()


def limit_memory(nbytes: int) -> None:
    """Limit the address space that this process can take from now on, where the system can.

    Args:
        nbytes: Bytes beyond those that the process has already.
    """
    if resource is None:  # pragma: no cover - Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not os.path.exists("/proc/self/statm"):  # pragma: no cover - macOS
        return
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = used + nbytes
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def renew_time(seconds: int) -> None:
    """End this process when it has used this much CPU time from now on, even in compiled code that never returns.

    A system that cannot limit CPU time limits the time of the clock.

    Args:
        seconds: Whole seconds of CPU time.
    """
    if resource is None:  # pragma: no cover - Windows
        faulthandler.dump_traceback_later(seconds * _CLOCK_FACTOR, exit=True)
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def main(path: str) -> None:
    """Serve the standard streams; text that a library prints on standard output is dropped.

    Args:
        path: The HDF5 file.
    """
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    serve(path, sys.stdin.buffer, answers)
