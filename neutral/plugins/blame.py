"""Find the plug-in whose code raised an exception."""

from __future__ import annotations

from neutral.plugins.registry import BUILTIN, COMMANDS, OPERATORS, READERS, WRITERS, registered

FILE_PREFIX = "neutral_plugin_"
"""The beginning of the names of modules that ``--plugin`` runs."""


def plugin_that_raised(error: BaseException) -> str | None:
    """Return which plug-in raised an exception, from the innermost frame that is Neutral's or a plug-in's.

    Args:
        error: The exception, with its traceback.

    Returns:
        ``the plug-in 'name' (module)`` or ``the plug-in FILE``; None if the exception is Neutral's own.

    Example:
        >>> from neutral.errors import UsageError
        >>> from neutral.limits import parse_size
        >>> try:
        ...     parse_size("large")
        ... except UsageError as error:
        ...     print(plugin_that_raised(error))
        None
    """
    import traceback

    roots = _plugins_by_package()
    own = {"neutral", *(_package(target) for group in BUILTIN.values() for target in group.values())}
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(FILE_PREFIX):
            return f"the plug-in {frame.f_code.co_filename}"
        if _package(module) in own:
            return None
        if _package(module) in roots:
            return f"the plug-in {roots[_package(module)]!r} ({module})"
    return None


def _plugins_by_package() -> dict[str, str]:
    """Return the name of an installed plug-in by its top-level package."""
    groups = (READERS, WRITERS, COMMANDS, OPERATORS)
    return {_package(target): name for group in groups for name, target in registered(group).items()}


def _package(target: str) -> str:
    return target.partition(":")[0].partition(".")[0]
