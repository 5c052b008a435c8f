"""Check that a writer has the methods and the options that a command needs."""

from __future__ import annotations

from typing import Any, Mapping

from neutral.errors import UsageError


def check_options(writer: str, options: Mapping[str, Any], *known: str) -> None:
    """Check that a writer knows the options that a command passes on.

    Args:
        writer: The name of the writer.
        options: The options by name.
        known: The names of the options that the writer has.

    Raises:
        UsageError: An option is unknown to the writer.

    Example:
        >>> check_options("onnx", {"class_name": "Net"}, "opset", "until")
        Traceback (most recent call last):
        neutral.errors.UsageError: the writer 'onnx' has no option --class-name.
    """
    unknown = [
        f"--{name.rstrip('s') if name == 'shapes' else name}".replace("_", "-") for name in options if name not in known
    ]
    if unknown:
        raise UsageError(f"the writer {writer!r} has no option {', '.join(unknown)}.")


def require(writer: Any, *methods: str) -> None:
    """Check that a writer has the methods that a command needs.

    Args:
        writer: A registered writer.
        methods: Names of methods of :class:`Writer`.

    Raises:
        UsageError: A method is absent.

    Example:
        >>> class Summary:
        ...     name = "summary"
        ...     def emit(self, store, path, **options): ...
        >>> require(Summary(), "emit")
        >>> require(Summary(), "emit", "verify")
        Traceback (most recent call last):
        neutral.errors.UsageError: the writer 'summary' does not support this command: it has no method 'verify'.
    """
    for method in methods:
        if not callable(getattr(writer, method, None)):
            raise UsageError(f"the writer {writer.name!r} does not support this command: it has no method {method!r}.")
