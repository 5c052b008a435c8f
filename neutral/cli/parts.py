"""Run verbs as parts of another verb, with outputs in a folder that is renamed at the end."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from neutral.cli.console import Report
from neutral.cli.documents import LazyList
from neutral.cli.pipes import mapped
from neutral.errors import NeutralError

if TYPE_CHECKING:
    from neutral.cli.console import Console


@dataclass(frozen=True)
class Parts:
    """The verbs that a command consists of.

    Args:
        console: The output of the whole command.
        names: Folders to replace by others in every report, error and command line.
        commands: The command lines that have run.
        lines: The lines that they reported.

    Example:
        >>> from neutral.cli.console import Console
        >>> Parts(Console(), {"/tmp/x": "net"}).named("/tmp/x/model.py")
        'net/model.py'
    """

    console: Console
    names: Mapping[str, str]
    commands: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def run(self, verb: str, *words: str) -> Report:
        """Run one verb as if its words had been typed.

        Args:
            verb: The verb.
            words: Its arguments and options.

        Returns:
            Its report; folders are named as ``names`` has it.

        Raises:
            NeutralError: The verb fails; the message has the same names.
        """
        from neutral.cli import parser

        arguments = parser((verb,)).parse_args([verb, *words])
        try:
            report: Report = arguments.run(arguments, self.console)
            lines = [self.named(line) for line in report.lines]
            document = mapped(_listed(report.document), self.named)
        except NeutralError as error:
            error.args = mapped(error.args, self.named)
            raise
        self.commands.append(self.line(verb, *words))
        self.lines.extend(lines)
        return Report(document, lines, report.exit_code)

    def line(self, *words: str) -> str:
        """Return the command line of a verb.

        Args:
            words: The verb, its arguments and options.

        Returns:
            The line, quoted for a shell.

        Example:
            >>> from neutral.cli.console import Console
            >>> Parts(Console(), {}).line("check", "my store.safetensors")
            "neutral check 'my store.safetensors'"
        """
        return " ".join(map(shlex.quote, ("neutral", *map(self.named, words))))

    def named(self, text: str) -> str:
        """Return a text in which each folder has the name that users know.

        Args:
            text: A path, a message or a line.

        Returns:
            The text.
        """
        for folder, name in self.names.items():
            text = text.replace(folder + os.sep, name + os.sep if name else "").replace(folder, name or os.curdir)
        return text


def _listed(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(_items(value)) if isinstance(value, LazyList) else value for key, value in document.items()}


def _items(values: LazyList) -> Iterator[Any]:
    yield from values
