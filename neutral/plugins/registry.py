"""Look up registered objects by entry-point group and name."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from operator import attrgetter
from typing import Any, Iterable, Iterator, Mapping

from neutral.errors import NeutralError, UsageError
from neutral.text import suggestion

READERS = "neutral.readers"
WRITERS = "neutral.writers"
COMMANDS = "neutral.commands"
OPERATORS = "neutral.operators"

BUILTIN: Mapping[str, Mapping[str, str]] = {
    READERS: {"mxnet": "mxnet_to_neutral.plugin:reader", "torch": "torch_to_neutral.plugin:reader"},
    WRITERS: {
        "mxnet": "neutral_to_mxnet.plugin:writer",
        "onnx": "neutral_to_onnx.plugin:writer",
        "torch": "neutral_to_torch.plugin:writer",
    },
}
"""Neutral's own readers and writers: group, name, and ``module:attribute`` as in an entry point."""


class PluginError(NeutralError):
    """A plug-in that is needed and cannot be imported.

    Example:
        >>> PluginError("the plug-in 'caffe' cannot be imported").exit_code
        1
    """


def names(group: str) -> list[str]:
    """Return the names registered in a group, built-in ones first; import nothing.

    Args:
        group: The entry-point group, such as ``neutral.readers``.

    Returns:
        The names, those of installed packages in alphabetical order.

    Example:
        >>> names(WRITERS)[:2]
        ['mxnet', 'onnx']
    """
    return list(registered(group))


def load(group: str, name: str) -> Any:
    """Import and return a registered object.

    Args:
        group: The entry-point group, such as ``neutral.readers``.
        name: The name in the group.

    Returns:
        The registered object: a reader, a writer, or a command.

    Raises:
        UsageError: The name is not registered.
        PluginError: The object cannot be imported.

    Example:
        >>> load(WRITERS, "torch").name
        'torch'
        >>> load(WRITERS, "caffe")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        neutral.errors.UsageError: unknown name 'caffe' in neutral.writers; expected one of mxnet, onnx, torch...
    """
    targets = BUILTIN.get(group, {})
    if name not in targets:
        targets = registered(group)
    if name not in targets:
        known = ", ".join(targets) or "none, because nothing is registered"
        raise UsageError(f"unknown name {name!r} in {group}; expected one of {known}.{suggestion(name, targets)}")
    target = targets[name]
    module_name, _, attribute = target.partition(":")
    try:
        module = import_module(module_name)
        return attrgetter(attribute)(module) if attribute else module
    except Exception as error:
        raise PluginError(
            f"the plug-in {name!r} of {group} ({target}) cannot be imported: {type(error).__name__}: {error}"
        ) from error


def load_all(group: str) -> Iterator[Any]:
    """Import and yield every object of a group, built-in ones first; look up installed ones only after those.

    An object that cannot be imported is skipped with a RuntimeWarning.

    Args:
        group: The entry-point group, such as ``neutral.readers``.

    Returns:
        An iterator over the objects.

    Example:
        >>> [reader.name for reader in load_all(READERS)][:2]
        ['mxnet', 'torch']
    """
    builtin = BUILTIN.get(group, {})
    yield from _importable(group, builtin)
    yield from _importable(group, [name for name in names(group) if name not in builtin])


def _importable(group: str, names: Iterable[str]) -> Iterator[Any]:
    for name in names:
        try:
            yield load(group, name)
        except PluginError as error:
            warnings.warn(str(error), RuntimeWarning, stacklevel=3)


def registered(group: str) -> dict[str, str]:
    """Return ``module:attribute`` by name: built-in names, then those of installed packages in alphabetical order.

    Args:
        group: ``READERS``, ``WRITERS`` or another group of entry points.

    Returns:
        The targets by name. A package cannot replace a built-in name.

    Example:
        >>> registered(WRITERS)["torch"]
        'neutral_to_torch.plugin:writer'
    """
    from importlib import metadata

    if sys.version_info >= (3, 10):
        points = tuple(metadata.entry_points(group=group))
    else:
        points = metadata.entry_points().get(group, ())
    targets = dict(BUILTIN.get(group, {}))
    # A distribution is listed twice when two folders of sys.path describe it.
    for point in sorted(points, key=attrgetter("name")):
        first = targets.setdefault(point.name, point.value)
        if first != point.value:
            warnings.warn(
                f"two plug-ins are named {point.name!r} in {group}: using {first}, ignoring {point.value}.",
                RuntimeWarning,
                stacklevel=3,
            )
    return targets
