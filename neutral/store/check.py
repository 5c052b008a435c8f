"""Whether a stored model is what its manifest says: by structure, or with every byte."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterator

from neutral.errors import NeutralError, SourceError
from neutral.store.digests import Digests, sha256
from neutral.store.opening import open_store
from neutral.store.progress import ByteCounter, Progress
from neutral.store.source_files import restored_chunks
from neutral.store.store import Store
from neutral.store.structure import file_problems, structure_problems


@dataclass(frozen=True)
class CheckReport:
    """What was looked at, and what is wrong, one line each. ``nbytes`` are the tensors'; ``data``: they were read."""

    path: str
    data: bool
    problems: tuple[str, ...]
    layers: int = 0
    tensors: int = 0
    files: int = 0
    nbytes: int = 0

    @property
    def ok(self) -> bool:
        return not self.problems


def check(path: str | os.PathLike[str], data: bool = False, progress: Progress | None = None) -> CheckReport:
    """Check the store in ``path``: its structure and, with ``data``, every digest and every source file's.

    What is wrong with the store is in the report. Raises :class:`SourceError` where the file cannot be read at all.
    """
    path = os.fspath(path)
    try:
        store = open_store(path)
    except SourceError:
        raise
    except NeutralError as error:
        return CheckReport(path, data, (str(error),))
    with store:
        problems = list(structure_problems(store))
        if data:
            problems += _data_problems(store, progress)
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
    """Digests of the tensors on this thread, of the files that they restore on another."""
    if store.tensors and not store.digests:
        yield "it was written without digests, so its data cannot be checked. Save it again with digests."
        return
    files = () if store.source is None else store.source.files
    files = tuple(file for file in files if not any(file_problems(file, store.tensors)))
    total = store.nbytes + sum(file.size for file in files)
    counter = ByteCounter(total, progress)
    with Digests({}) as restored:
        for file in files:
            restored.add(file.name, counter.pass_through(restored_chunks(store, file)))
        for key, tensor in store.tensors.items():
            yield from _difference(
                f"tensor {key!r}", sha256(counter.pass_through(tensor.chunks())), store.digests.get(key)
            )
        restored.finish()
    for file in files:
        yield from _difference(f"restored source file {file.name!r}", restored[file.name], file.sha256)


def _difference(what: str, found: str, expected: str | None) -> Iterator[str]:
    if expected is None:
        yield f"{what}: the manifest has no digest of it"
    elif found != expected:
        yield f"{what}: its SHA-256 is {found} and the manifest says {expected}"
