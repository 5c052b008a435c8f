"""What the command line says: the report on stdout, everything else on stderr.

Names come from files and are data. Every line passes :func:`printable`, so that none can move the cursor, start a
line of its own or change the terminal.
"""

from __future__ import annotations

import json
import math
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Mapping

from neutral.errors import NeutralError
from neutral.text import printable


@dataclass(frozen=True)
class Report:
    """What a command found: ``document`` for ``--json``, ``lines`` for people, and the exit code."""

    document: Mapping[str, Any]
    lines: Iterable[str] = ()
    exit_code: int = 0


@dataclass(frozen=True)
class Console:
    json: bool = False
    quiet: bool = False
    debug: bool = False

    def report(self, report: Report) -> None:
        if self.json:
            self._write_json(report.document)
        elif not self.quiet:
            for line in report.lines:
                sys.stdout.write(printable(line) + "\n")

    def error(self, error: BaseException, message: str, exit_code: int) -> int:
        """One line on stderr, problems below it; with ``--json`` a document on stdout. Returns ``exit_code``."""
        _say("error", message)
        if self.debug:
            traceback.print_exception(type(error), error, error.__traceback__)
        if self.json:
            self._write_json({"error": _error_document(error, message, exit_code)})
            sys.stdout.flush()
        return exit_code

    def warning(self, message: Warning | str, *_: Any) -> None:
        """In the place of :func:`warnings.showwarning`."""
        if not self.quiet:
            _say("warning", str(message))

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None] | None]:
        """A callback for bytes done and bytes in all, or None where no bar can or should be drawn."""
        bars = None if self.quiet or not sys.stderr.isatty() else _bars()
        if bars is None:
            yield None
            return
        with bars(desc=label, unit="B", unit_scale=True, leave=False, file=sys.stderr) as bar:

            def update(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            yield update

    def _write_json(self, document: Mapping[str, Any]) -> None:
        # ASCII alone, so that names are as harmless here as in the text.
        json.dump(_finite(document), sys.stdout, indent=2, allow_nan=False, default=_brief)
        sys.stdout.write("\n")


def byte_size(count: int) -> str:
    """A number of bytes for people, in decimal units."""
    for power, unit in ((9, "GB"), (6, "MB"), (3, "kB")):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count} bytes"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _say(what: str, message: str) -> None:
    """The first line is ours; lines below it are indented, so that none can look like one."""
    head, *rest = (printable(line) for line in message.splitlines() or [""])
    sys.stderr.write("".join((f"neutral: {what}: {head}\n", *(f"  {line.strip()}\n" for line in rest))))


def _bars() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:  # it is optional
        return None
    return tqdm


def _error_document(error: BaseException, message: str, exit_code: int) -> dict[str, Any]:
    document = {"kind": type(error).__name__, "message": message, "exit_code": exit_code}
    if isinstance(error, NeutralError):
        document.update((key, getattr(error, key)) for key in ("file", "offset", "problems") if hasattr(error, key))
    return document


def _finite(value: Any) -> Any:
    """JSON has no infinities and no NaN: they are written as text, as in the manifest."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _brief(value: Any) -> str:
    return f"<{type(value).__name__}>"
