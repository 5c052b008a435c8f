"""Run a command again and again, and let each system call that changes a folder fail, write half, or kill the process.

``python injection.py TEMPLATE FAULTS WORDS…`` copies the folder TEMPLATE for every run, forks, and prints the outcomes
as one JSON list. What the command imports is imported once, before the forks.
"""

from __future__ import annotations

import errno
import hashlib
import importlib
import io
import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable

NAMES = ("open", "fsync", "fdatasync", "replace", "rename", "link", "mkdir")


class Injector:
    """Counts calls, and breaks one of them.

    Args:
        fault: What happens at that call.
        number: Its number from 0 up.
        folder: Calls for other files are neither counted nor broken.
    """

    def __init__(self, fault: str, number: int, folder: str) -> None:
        self.fault, self.number, self.folder = fault, number, os.path.realpath(folder) + os.sep
        self.calls: list[str] = []
        self._originals = {name: getattr(os, name) for name in NAMES if hasattr(os, name)}

    def install(self) -> None:
        """Put counting functions in the place of those of ``os`` and of buffered files."""
        for name, function in self._originals.items():
            setattr(os, name, self._counting(name, function))
        fdopen = os.fdopen

        def counting_fdopen(descriptor: int, mode: str = "r", buffering: int = -1, *rest: Any) -> Any:
            if "b" not in mode or not self._is_inside(descriptor):
                return fdopen(descriptor, mode, buffering, *rest)
            return io.BufferedRandom(CountingFile(self, descriptor), 1 << 20)

        os.fdopen = counting_fdopen  # type: ignore[assignment]

    def count(self, name: str, subject: str) -> bool:
        """Count a call, and return whether it is the one to break; die here if it is to die."""
        self.calls.append(f"{name} {subject}")
        if self.fault == "none" or len(self.calls) - 1 != self.number:
            return False
        if self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def error(self) -> OSError:
        number = getattr(errno, "EIO" if self.fault == "short" else self.fault)
        return OSError(number, os.strerror(number))

    def subject(self, file: object) -> str | None:
        """Return the path of a file or descriptor relative to the folder, or None outside of it."""
        try:
            path = os.readlink(f"/proc/self/fd/{file}") if isinstance(file, int) else os.fspath(file)  # type: ignore
        except (OSError, TypeError):
            return None
        path = os.path.join(os.getcwd(), path)
        return path[len(self.folder) :] if (path + os.sep).startswith(self.folder) else None

    def _is_inside(self, descriptor: int) -> bool:
        return self.subject(descriptor) is not None

    def _counting(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            subject = self.subject(arguments[-1] if name in ("replace", "rename", "link") else arguments[0])
            reads = name == "open" and not arguments[1] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR)
            if subject is not None and not reads and self.count(name, subject):
                raise self.error()
            return function(*arguments, **options)

        return call


class CountingFile(io.FileIO):
    """A raw file whose writes are counted."""

    def __init__(self, injector: Injector, descriptor: int) -> None:
        super().__init__(descriptor, "r+")
        self._injector, self._full = injector, False

    def write(self, data: Any) -> int:
        if self._full:
            raise self._injector.error()
        if self._injector.count("write", self._injector.subject(self.fileno()) or ""):
            self._full = True  # a disk that is full stays full
            half = memoryview(data)[: len(data) // 2]
            if self._injector.fault != "short" or not len(half):
                raise self._injector.error()
            return super().write(half)
        return super().write(data)


def digests(folder: str) -> dict[str, str]:
    """Return SHA-256 by path of all files below a folder."""
    paths = [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names]
    return {os.path.relpath(path, folder): hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths}


def set_content(folder: str) -> list[Any]:
    """Return the values of every set of shards in a folder, or the error that reading it gives."""
    import neutral
    from neutral.errors import NeutralError

    contents: list[Any] = []
    for index in sorted(Path(folder).glob("*.index.json")):
        try:
            with neutral.open(index) as store:
                contents.append({key: store[key].tolist() for key in sorted(store.tensors)})
        except NeutralError as error:
            contents.append(str(error))
    return contents


def run(template: str, fault: str, number: int, words: list[str]) -> dict[str, Any]:
    """Run a command in a copy of a folder with one fault; return its exit code, its calls, and the files afterwards."""
    with tempfile.TemporaryDirectory() as parent:
        folder = os.path.join(parent, "work")
        shutil.copytree(template, folder)
        outcome = _forked(folder, fault, number, words)
        outcome.update(fault=fault, number=number, files=digests(folder), folders=os.listdir(folder))
        outcome["sets"] = set_content(folder)
        if fault == "kill":
            after = _forked(folder, "none", 0, words)
            outcome.update(after_code=after["code"], after=digests(folder))
        return outcome


def _forked(folder: str, fault: str, number: int, words: list[str]) -> dict[str, Any]:
    log = folder + ".log"
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.chdir(folder)
            with open(log, "w", encoding="utf-8") as stream:
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
                injector = Injector(fault, number, folder)
                from neutral.cli import main as neutral

                injector.install()
                code = neutral(words)
                Path(log + ".calls").write_text(json.dumps(injector.calls))
                Path(log + ".modules").write_text(json.dumps([*sys.modules]))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    calls, modules = (
        json.loads(Path(log + end).read_text()) if os.path.exists(log + end) else [] for end in (".calls", ".modules")
    )
    return {"code": code, "text": Path(log).read_text(encoding="utf-8"), "calls": calls, "modules": modules}


def main() -> None:
    template, faults, *words = sys.argv[1:]
    clean = run(template, "none", 0, words)
    for module in clean.pop("modules"):
        with suppress(Exception):
            importlib.import_module(module)
    outcomes = [clean]
    for fault in faults.split(","):
        outcomes += [run(template, fault, number, words) for number in range(len(clean["calls"]))]
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
