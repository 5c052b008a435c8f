"""Run tasks for checkpoints on an executor, and survive workers that die."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from typing import Callable, Iterable, Mapping

from neutral.fleet.discovery import Checkpoint
from neutral.fleet.entry import Entry

Task = Callable[..., Entry]


class TaskRunner:
    """Runs tasks on an executor; on processes of its own, tasks of a broken pool are retried one by one.

    Args:
        executor: An executor of :mod:`concurrent.futures`, or None for processes.
        workers: The number of processes; None for one per core.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with ThreadPoolExecutor(1) as executor:
        ...     entries = TaskRunner(executor, None).run(lambda name: Entry(name, ()), {"net": ("net",)}, {})
        ...     [entry.name for entry in entries]
        ['net']
    """

    def __init__(self, executor: Executor | None, workers: int | None) -> None:
        self._given = executor
        self._workers = workers
        self._pool = executor or ProcessPoolExecutor(workers)

    def run(
        self, task: Task, arguments: Mapping[str, tuple[object, ...]], checkpoints: Mapping[str, Checkpoint]
    ) -> Iterable[Entry]:
        """Yield the entry of each checkpoint as its task is done.

        Args:
            task: A function that can be pickled.
            arguments: The arguments of the task by the checkpoint's name.
            checkpoints: The checkpoints by name, for the entries of tasks that are lost.

        Yields:
            Entries in the order in which tasks end; of a lost task, one of status ``failed``.
        """
        futures: dict[Future[Entry], str] = {}
        unfinished: list[str] = []
        for name, values in arguments.items():
            try:
                futures[self._pool.submit(task, *values)] = name
            except BrokenExecutor:
                unfinished.append(name)
        for future in as_completed(futures):
            error = future.exception()
            if error is None:
                yield future.result()
            elif isinstance(error, BrokenExecutor) and self._given is None:
                unfinished.append(futures[future])
            else:
                yield _lost(checkpoints[futures[future]], error)
        for name in sorted(unfinished):
            with ProcessPoolExecutor(1) as single:
                future = single.submit(task, *arguments[name])
                error = future.exception()
                yield future.result() if error is None else _lost(checkpoints[name], error)
        if unfinished and self._given is None:
            self._pool.shutdown()
            self._pool = ProcessPoolExecutor(self._workers)

    def close(self) -> None:
        """Shut down processes that this object started."""
        if self._given is None:
            self._pool.shutdown()


def _lost(checkpoint: Checkpoint, error: BaseException) -> Entry:
    return Entry(checkpoint.name, checkpoint.paths, error=f"its worker was lost ({type(error).__name__}: {error})")
