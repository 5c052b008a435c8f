"""Console output: the report on stdout, everything else on stderr.

Names come from files and are data. Every line passes :func:`neutral.text.printable`: no name can move the cursor, begin
a line or change the terminal.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Mapping

from neutral.cli.streams import written_out
from neutral.cli.terminal import coloured, columns_of, has_colours, progress_bar
from neutral.errors import MatchError, NeutralError, TargetError
from neutral.text import printable


@dataclass(frozen=True)
class Report:
    """The result of a command.

    Args:
        document: The document that ``--json`` prints. Its values may be
            :class:`~neutral.cli.documents.LazyList`.
        lines: The lines that are printed without ``--json``.
        exit_code: The exit code of the program.
    """

    document: Mapping[str, Any]
    lines: Iterable[str] = ()
    exit_code: int = 0


@dataclass(frozen=True)
class Console:
    """The output of one command.

    Args:
        json: Print one JSON document instead of lines of text, for errors too.
        quiet: Print errors only.
        debug: Print the traceback of an error.
        verbose: Print every problem of a refusal, not only the first of them.
    """

    json: bool = False
    quiet: bool = False
    debug: bool = False
    verbose: bool = False

    def report(self, report: Report) -> None:
        """Print a report on stdout.

        Args:
            report: The report; with ``quiet``, its lines are dropped.
        """
        if self.json:
            self._write_json(report.document)
        elif not self.quiet:
            style = coloured if has_colours(sys.stdout) else str
            for line in report.lines:
                sys.stdout.write(style(printable(line)) + "\n")

    def error(self, error: BaseException, message: str, exit_code: int) -> int:
        """Print an error on stderr, with ``--json`` also as a document on stdout, and return ``exit_code``.

        Args:
            error: The exception.
            message: The first line, and below it lines for single problems.
            exit_code: The exit code of the program.

        Returns:
            ``exit_code``.
        """
        _print_message("error", message)
        if self.verbose and isinstance(error, MatchError):
            sys.stderr.write("".join(f"  {printable(problem)}\n" for problem in error.problems))
        if self.debug:
            import traceback

            traceback.print_exception(type(error), error, error.__traceback__)
        if self.json:
            with suppress(TargetError), written_out():  # the first error counts
                self._write_json({"error": _error_document(error, message, exit_code)})
        return exit_code

    def warning(self, message: Warning | str, *_: Any) -> None:
        """Print a warning on stderr; replaces :func:`warnings.showwarning`.

        Args:
            message: The warning; control characters are escaped.
        """
        if not self.quiet:
            _print_message("warning", str(message))

    @contextmanager
    def progress(self, label: str, unit: str = "B") -> Iterator[Callable[[int, int], None] | None]:
        """Draw a progress bar on stderr while the block runs.

        Args:
            label: The text before the bar.
            unit: The unit that is counted; bytes by default.

        Returns:
            A function to call with the units done and the units in all; None without a terminal, or with ``quiet``.
        """
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        with progress_bar(sys.stderr, label, unit) as update:
            yield update

    @property
    def width(self) -> int | None:
        """The characters that a line of the report may have; None where it goes to no terminal."""
        return None if self.json else columns_of(sys.stdout)

    def _write_json(self, document: Mapping[str, Any]) -> None:
        from neutral.cli.documents import json_texts

        for text in json_texts(document):
            sys.stdout.write(text)


def byte_size(count: int) -> str:
    """Return a number of bytes in decimal units.

    Args:
        count: The number.

    Returns:
        One decimal from 1 kB up.

    Example:
        >>> byte_size(999), byte_size(1_500_000)
        ('999 bytes', '1.5 MB')
    """
    for power, unit in ((9, "GB"), (6, "MB"), (3, "kB")):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count} bytes"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    Args:
        count: The count.
        noun: The noun in the singular, whose plural ends in s.

    Returns:
        The count with separators of thousands, and the noun.

    Example:
        >>> plural(1, "layer"), plural(1200, "tensor")
        ('1 layer', '1,200 tensors')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def indented(message: str) -> list[str]:
    """Return the lines of a message, all but the first indented.

    Args:
        message: The message, with any indentation.

    Returns:
        One line at least.

    Example:
        >>> indented("2 problems:\\n- a\\n- b")
        ['2 problems:', '  - a', '  - b']
    """
    head, *rest = message.splitlines() or [""]
    return [head, *(f"  {line.strip()}" for line in rest)]


def _print_message(severity: str, message: str) -> None:
    """Print the first line of a message with its severity, and the other lines indented below it."""
    head, *rest = (printable(line) for line in indented(message))
    style = coloured if has_colours(sys.stderr) else str
    sys.stderr.write("".join((style(f"neutral: {severity}: {head}") + "\n", *(f"{line}\n" for line in rest))))


def _error_document(error: BaseException, message: str, exit_code: int) -> dict[str, Any]:
    document = {"kind": type(error).__name__, "message": message, "exit_code": exit_code}
    if isinstance(error, NeutralError):
        document.update((key, getattr(error, key)) for key in ("file", "offset", "problems") if hasattr(error, key))
    return document
