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

Neutral's own readers and writers are of the same form (:data:`OWN`) and are asked first: to look for others takes as
long as all the rest of the command line.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping, Protocol

from neutral.errors import NeutralError, UsageError

if TYPE_CHECKING:
    from neutral.store import Store

READERS = "neutral.readers"
WRITERS = "neutral.writers"
COMMANDS = "neutral.commands"

OWN: Mapping[str, Mapping[str, str]] = {
    READERS: {"mxnet": "mxnet_to_neutral.plugin:reader", "torch": "torch_to_neutral.plugin:reader"},
    WRITERS: {"mxnet": "neutral_to_mxnet.plugin:writer", "torch": "neutral_to_torch.plugin:writer"},
}
"""What Neutral brings along: by group, the names and their objects as entry points write them."""


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
    """The names registered in ``group``, Neutral's own first; nothing is imported."""
    return list(_registered(group))


def load(group: str, name: str) -> Any:
    """The object registered as ``name``.

    Raises UsageError where nothing has this name and PluginError where it cannot be imported.
    """
    points = OWN.get(group, {})
    if name not in points:
        points = _registered(group)
    if name not in points:
        known = ", ".join(points) or "none"
        raise UsageError(f"nothing is registered as {name!r} in {group} (there are: {known}).")
    value = points[name]
    module, _, attribute = value.partition(":")
    try:
        found = import_module(module)
        return attrgetter(attribute)(found) if attribute else found
    except Exception as error:
        raise PluginError(
            f"the plug-in {name!r} of {group} ({value}) cannot be imported: {type(error).__name__}: {error}"
        ) from error


def load_all(group: str) -> Iterator[Any]:
    """Every object of the group, Neutral's own first; others are looked for when those have been taken.

    One that cannot be imported is left out with a warning.
    """
    own = OWN.get(group, {})
    yield from _loadable(group, own)
    yield from _loadable(group, [name for name in names(group) if name not in own])


def _loadable(group: str, names: Iterable[str]) -> Iterator[Any]:
    for name in names:
        try:
            yield load(group, name)
        except PluginError as error:
            warnings.warn(str(error), RuntimeWarning, stacklevel=3)


def _registered(group: str) -> dict[str, str]:
    """Objects by name, as entry points write them: Neutral's own, then those of other packages by name."""
    from importlib import metadata

    if sys.version_info >= (3, 10):
        points = tuple(metadata.entry_points(group=group))
    else:
        points = metadata.entry_points().get(group, ())
    found = dict(OWN.get(group, {}))
    # One distribution may be found twice, when two folders of the path describe it.
    for point in sorted(points, key=attrgetter("name")):
        first = found.setdefault(point.name, point.value)
        if first != point.value:
            warnings.warn(
                f"two plug-ins are called {point.name!r} in {group}: {first} is used, {point.value} is not.",
                RuntimeWarning,
                stacklevel=3,
            )
    return found
