"""The interface of a verb of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import argparse

    from neutral.cli.console import Console, Report


class Command(Protocol):
    """One verb: a module, or any object, with a docstring (the text of ``neutral VERB --help``) and two functions.

    Example:
        >>> from types import SimpleNamespace
        >>> from neutral.cli.console import Report
        >>> hello = SimpleNamespace(
        ...     __doc__="Say hello.",
        ...     add_arguments=lambda parser: parser.add_argument("name"),
        ...     run=lambda arguments, console: Report({"hello": arguments.name}, [f"hello {arguments.name}"]),
        ... )
        >>> list(hello.run(SimpleNamespace(name="you"), None).lines)
        ['hello you']
    """

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments and options of the verb on ``parser``; called before any other work, so keep it light.

        Args:
            parser: The parser of this verb. ``--json``, ``--quiet``, ``--debug`` and ``--plugin`` are already declared.
        """
        ...

    def run(self, arguments: argparse.Namespace, console: Console) -> Report:
        """Do the work and return a report; print nothing.

        Args:
            arguments: The parsed arguments.
            console: Draws progress bars on stderr.

        Returns:
            The JSON document, the lines of text and the exit code.

        Raises:
            NeutralError: On any failure; its subclass decides the exit code.
        """
        ...
