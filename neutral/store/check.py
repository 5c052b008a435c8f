"""Check a stored model: its structure, or every byte of its data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterator

from neutral.errors import NeutralError, SourceError, StoreError
from neutral.store.digests import Digests, sha256
from neutral.store.opening import open_store
from neutral.store.progress import ByteCounter, Progress
from neutral.store.source_files import restored_chunks
from neutral.store.store import Store
from neutral.store.structure import file_problems, structure_problems


@dataclass(frozen=True)
class CheckReport:
    """The result of :func:`check`.

    Attributes:
        path: The store.
        data: Whether the data was read.
        problems: The problems, one line each.
        layers: The number of layers.
        tensors: The number of tensors.
        files: The number of source files.
        nbytes: Bytes of all tensors.

    Example:
        >>> CheckReport("net.safetensors", True, ("the digest of 'a' differs",)).ok
        False
    """

    path: str
    data: bool
    problems: tuple[str, ...]
    layers: int = 0
    tensors: int = 0
    files: int = 0
    nbytes: int = 0

    @property
    def ok(self) -> bool:
        """Whether there are no problems."""
        return not self.problems


def check(path: str | os.PathLike[str], data: bool = False, progress: Progress | None = None) -> CheckReport:
    """Check a store.

    Args:
        path: A file, or a URL of one.
        data: Compare the digests of all tensors and of all source files as they would be restored, too.
        progress: A callback that gets the bytes done and the bytes in all.

    Returns:
        The report. Everything that is wrong with the store is in it.

    Raises:
        SourceError: If the file cannot be read at all, or is changed meanwhile.

    Example:
        >>> import tempfile
        >>> from neutral.store.store import Store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Store({}, {}).save(os.path.join(folder, "empty.safetensors"))
        ...     check(os.path.join(folder, "empty.safetensors"), data=True).ok
        True
    """
    path = os.fspath(path)
    try:
        store = open_store(path)
    except SourceError:
        raise
    except NeutralError as error:
        return CheckReport(path, data, (str(error),))
    with store:
        versions = store.source_versions()
        problems = list(structure_problems(store))
        try:
            problems += store.container_problems()
            if data:
                problems += _data_problems(store, progress)
        except StoreError as error:
            problems.append(str(error))
        versions.check()
        return CheckReport(
            path=path,
            data=data,
            problems=tuple(problems),
            layers=len(store.layers),
            tensors=len(store.tensors),
            files=0 if store.source is None else len(store.source.files),
            nbytes=store.nbytes,
        )


def _data_problems(store: Store, progress: Progress | None) -> Iterator[str]:
    """Compare digests: those of the tensors on this thread, those of the restored files on another."""
    if store.tensors and not store.digests:
        yield "it was written without digests, so its data cannot be checked. Save it again with digests."
        return
    files = () if store.source is None else store.source.files
    files = tuple(file for file in files if not any(file_problems(file, store.tensors)))
    counter = ByteCounter(store.nbytes + sum(file.size for file in files), progress)
    with Digests({}) as restored:
        for file in files:
            restored.add(file.name, counter.pass_through(restored_chunks(store, file)))
        for key, tensor in store.tensors.items():
            digest = sha256(counter.pass_through(tensor.chunks()))
            yield from _digest_problems(f"tensor {key!r}", digest, store.digests.get(key))
        restored.finish()
    for file in files:
        yield from _digest_problems(f"restored source file {file.name!r}", restored[file.name], file.sha256)


def _digest_problems(name: str, digest: str, expected: str | None) -> Iterator[str]:
    if expected is None:
        yield f"{name}: the manifest has no digest of it"
    elif digest != expected:
        yield f"{name}: its SHA-256 is {digest} and the manifest says {expected}"
