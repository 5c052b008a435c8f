"""The door for readers, writers and commands of other packages: entry points, looked up when they are needed.

==================  ================================  =========================================================
group               name                              object
==================  ================================  =========================================================
neutral.readers     the framework (``mxnet``)         a :class:`Reader`
neutral.writers     the framework (``torch``)         an object with what it can do of ``restore``, ``load_into``,
                                                      ``verify``, ``emit``, ``build``
neutral.commands    the verb (``neutral VERB``)       a module, or any object, with ``add_arguments(parser)`` and
                                                      ``run(arguments, console) -> Report``, as in :mod:`neutral.cli`
==================  ================================  =========================================================

Neutral's own readers and writers come in by the same door.
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, Iterator, Protocol

from neutral.errors import NeutralError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from neutral.store import Store

READERS = "neutral.readers"
WRITERS = "neutral.writers"
COMMANDS = "neutral.commands"


class Reader(Protocol):
    """What makes stores of one framework's checkpoints."""

    name: str

    def can_read(self, path: str) -> bool:
        """Whether ``path`` (a file, a folder, or a prefix of files) looks like this reader's. Cheap, never raises."""
        ...

    def read(self, *paths: str, **options: Any) -> Store:
        """The store of a checkpoint. ``options`` are the command line's that were given: ``epoch``."""
        ...


class PluginError(NeutralError):
    """A plug-in that is needed and cannot be imported."""


def names(group: str) -> list[str]:
    """The names registered in ``group``; nothing is imported."""
    return sorted(_entry_points(group))


def load(group: str, name: str) -> Any:
    """The object registered as ``name``.

    Raises UsageError where nothing has this name and PluginError where it cannot be imported.
    """
    points = _entry_points(group)
    if name not in points:
        known = ", ".join(sorted(points)) or "none; is Neutral installed?"
        raise UsageError(f"nothing is registered as {name!r} in {group} (there are: {known}).")
    try:
        return points[name].load()
    except Exception as error:
        raise PluginError(
            f"the plug-in {name!r} of {group} ({points[name].value}) cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error


def load_all(group: str) -> Iterator[Any]:
    """Every object of the group, by name. One that cannot be imported is left out with a warning."""
    for name in names(group):
        try:
            yield load(group, name)
        except PluginError as error:
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)


def _entry_points(group: str) -> dict[str, EntryPoint]:
    from importlib import metadata  # as slow as all the rest of the command line together

    if sys.version_info >= (3, 10):
        found = tuple(metadata.entry_points(group=group))
    else:
        found = metadata.entry_points().get(group, ())
    points: dict[str, EntryPoint] = {}
    for point in found:  # one distribution may be found twice, when two folders of the path describe it
        first = points.setdefault(point.name, point)
        if first.value != point.value:
            warnings.warn(
                f"two plug-ins are called {point.name!r} in {group}: {first.value} is used, {point.value} is not.",
                RuntimeWarning,
                stacklevel=3,
            )
    return points
