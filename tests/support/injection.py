"""Run a command again and again, and let each system call that changes a folder fail, write half, or kill the process.

``python injection.py [--again] TEMPLATE FAULTS WORDS…`` copies the folder TEMPLATE for every run, forks, and prints the
outcomes as one JSON list. What the command imports is imported once, before the forks. Calls of the command and of its
child processes are one sequence, and a kill ends them all.
"""

from __future__ import annotations

import builtins
import errno
import hashlib
import importlib
import io
import json
import mmap
import multiprocessing
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
        log: A file outside of the folder, to which the calls are appended, a line each.
    """

    def __init__(self, fault: str, number: int, folder: str, log: str) -> None:
        self.fault, self.number, self.folder = fault, number, os.path.realpath(folder) + os.sep
        self._count = mmap.mmap(-1, 8)  # shared with child processes
        self._log = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
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
        plain_open = builtins.open

        def counting_open(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
            subject = self.subject(file) if set(mode) & set("wax+") else None
            if subject is None or "b" not in mode or "+" in mode:
                return plain_open(file, mode, *rest, **options)
            if self.count("open", subject):
                raise self.error()
            return io.BufferedWriter(CountingFile(self, file, mode.replace("b", "")))

        builtins.open = counting_open

    def count(self, name: str, subject: str) -> bool:
        """Count a call, and return whether it is the one to break; die here with all processes if it is to die."""
        number = int.from_bytes(self._count[:], "little")
        self._count[:] = (number + 1).to_bytes(8, "little")
        os.write(self._log, f"{name} {subject}\n".encode())
        if self.fault == "none" or number != self.number:
            return False
        if self.fault == "kill":
            os.killpg(0, signal.SIGKILL)
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

    def __init__(self, injector: Injector, file: Any, mode: str = "r+") -> None:
        super().__init__(file, mode)
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


def run(template: str, fault: str, number: int, words: list[str], again: bool) -> dict[str, Any]:
    """Run a command in a copy of a folder with one fault, and after a kill, or if ``again``, once more without it.

    Returns:
        Its exit code, its calls and the files, after each of both runs.
    """
    parent = os.path.join(tempfile.gettempdir(), f"injection-{os.getpid()}")  # archives hold the paths of sources
    os.mkdir(parent)
    try:
        folder = os.path.join(parent, "work")
        shutil.copytree(template, folder)
        outcome = _forked(folder, fault, number, words)
        outcome.update(fault=fault, number=number, files=digests(folder), folders=os.listdir(folder))
        outcome["sets"] = set_content(folder)
        if fault == "kill" or again:
            after = _forked(folder, "none", 0, words)
            outcome.update(after_code=after["code"], after=digests(folder))
        return outcome
    finally:
        shutil.rmtree(parent)


def _forked(folder: str, fault: str, number: int, words: list[str]) -> dict[str, Any]:
    log = folder + ".log"
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setpgid(0, 0)
            os.chdir(folder)
            with open(log, "w", encoding="utf-8") as stream:
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
                injector = Injector(fault, number, folder, log + ".calls")
                from neutral.cli import main as neutral

                injector.install()
                code = neutral(words)
                Path(log + ".modules").write_text(json.dumps([*sys.modules]))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    calls = Path(log + ".calls").read_text().splitlines()
    modules = json.loads(Path(log + ".modules").read_text()) if os.path.exists(log + ".modules") else []
    return {"code": code, "text": Path(log).read_text(encoding="utf-8"), "calls": calls, "modules": modules}


def main() -> None:
    again = sys.argv[1] == "--again"
    template, faults, *words = sys.argv[1 + again :]
    multiprocessing.set_start_method("fork")  # worker processes share the injector
    clean = run(template, "none", 0, words, again)
    for module in clean.pop("modules"):
        with suppress(Exception):
            importlib.import_module(module)
    outcomes = [clean]
    for fault in faults.split(","):
        outcomes += [run(template, fault, number, words, again) for number in range(len(clean["calls"]))]
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
