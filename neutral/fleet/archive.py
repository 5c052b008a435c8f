"""``archive``: convert every checkpoint of some trees, once, whatever stops it on the way.

``journal.jsonl`` in the destination is the truth: a line is appended when a checkpoint is done, and a later run leaves
out what it finds there. At the end the journal is written anew in the order of names, so that the result does not
depend on the order of work nor on where it was interrupted.
"""

from __future__ import annotations

import os
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Callable, Iterable, Mapping, Sequence

from neutral.errors import TargetError
from neutral.fleet import catalogue
from neutral.fleet.discovery import Checkpoint, discover
from neutral.fleet.entry import Entry, convert, identify

_Work = Callable[..., Entry]

NO_TABLE = f"{catalogue.PARQUET} was left out, since pyarrow is not installed: pip install 'neutral-weights[catalogue]'"


@dataclass(frozen=True)
class Summary:
    """The catalogue's entries by name, how many of them an earlier run had done, and what was left out."""

    entries: tuple[Entry, ...]
    resumed: int
    notes: tuple[str, ...] = ()

    def count(self, status: str) -> int:
        return sum(entry.status == status for entry in self.entries)


def archive(
    sources: Sequence[str],
    destination: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Convert every checkpoint below ``sources`` into ``destination``, and write its catalogue.

    ``executor`` is any of ``concurrent.futures``, or what a Dask client's ``get_executor()`` gives, whose machines see
    the same folders; by default processes, ``workers`` of them (one for each core). Identical inputs are converted
    once. A checkpoint that cannot be converted, or that kills its process, is an entry that says so. Raises
    SourceError where a source does not exist and TargetError where the destination cannot be written.
    """
    destination = os.fspath(destination)
    found = discover(sources)
    try:
        os.makedirs(destination, exist_ok=True)
    except OSError as error:
        raise TargetError(f"{destination}: cannot be made: {error.strerror}.") from None
    by_name = {checkpoint.name: checkpoint for checkpoint in found}
    runner = _Runner(executor, workers)
    try:
        entries = {e.name: e for e in runner.run(identify, {c.name: (c,) for c in found}, by_name)}
        done = catalogue.finished(destination)
        first: dict[str, str] = {}
        for name in sorted(entries):
            digest = entries[name].digest
            if digest is not None:
                first.setdefault(digest, name)
        kept = {name: done[name] for name in first.values() if _is_done(done.get(name), entries[name], destination)}
        wanted = {name: (by_name[name], entries[name], destination) for name in first.values() if name not in kept}
        entries.update(kept)
        with catalogue.Journal(destination) as journal:
            for number, entry in enumerate(runner.run(convert, wanted, by_name), 1):
                entries[entry.name] = entry
                journal.add(entry)
                if progress is not None:
                    progress(number, len(wanted))
    finally:
        runner.close()
    for name, entry in entries.items():
        if entry.digest is not None and first[entry.digest] != name:
            original = entries[first[entry.digest]]
            status = "duplicate" if original.status == "converted" else original.status
            entries[name] = replace(original, name=name, sources=entry.sources, status=status)
    result = tuple(entries[name] for name in sorted(entries))
    notes = () if catalogue.write(destination, result) else (NO_TABLE,)
    return Summary(result, len(kept), notes)


def _is_done(old: Entry | None, entry: Entry, destination: str) -> bool:
    """Whether the journal has this very input converted, and its store is still there."""
    return (
        old is not None
        and old.status == "converted"
        and old.digest == entry.digest
        and os.path.isfile(os.path.join(destination, old.store or ""))
    )


class _Runner:
    """Runs work on an executor; on processes of its own, what a dying worker leaves undone is tried again alone."""

    def __init__(self, executor: Executor | None, workers: int | None) -> None:
        self._given = executor
        self._workers = workers
        self._pool = executor or ProcessPoolExecutor(workers)

    def run(
        self, work: _Work, arguments: Mapping[str, tuple[object, ...]], checkpoints: Mapping[str, Checkpoint]
    ) -> Iterable[Entry]:
        futures: dict[Future[Entry], str] = {}
        undone: list[str] = []
        for name, values in arguments.items():
            try:
                futures[self._pool.submit(work, *values)] = name
            except BrokenExecutor:
                undone.append(name)
        for future in as_completed(futures):
            error = future.exception()
            if error is None:
                yield future.result()
            elif isinstance(error, BrokenExecutor) and self._given is None:
                undone.append(futures[future])
            else:
                yield _lost(checkpoints[futures[future]], error)
        for name in sorted(undone):
            with ProcessPoolExecutor(1) as alone:
                future = alone.submit(work, *arguments[name])
                error = future.exception()
                yield future.result() if error is None else _lost(checkpoints[name], error)
        if undone and self._given is None:
            self._pool.shutdown()
            self._pool = ProcessPoolExecutor(self._workers)

    def close(self) -> None:
        if self._given is None:
            self._pool.shutdown()


def _lost(checkpoint: Checkpoint, error: BaseException) -> Entry:
    return Entry(checkpoint.name, checkpoint.paths, error=f"its worker was lost ({type(error).__name__}: {error})")
