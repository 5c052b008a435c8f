"""Print a script that completes neutral's verbs, options and files in a shell.

Where shells look for it:
  bash   ~/.local/share/bash-completion/completions/neutral
  zsh    "${fpath[1]}/_neutral"
  fish   ~/.config/fish/completions/neutral.fish
"""

from __future__ import annotations

import argparse
from typing import Any

from neutral.cli.console import Console, Report
from neutral.errors import UnsupportedError

SHELLS = ("bash", "fish", "zsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral completion``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("shell", choices=SHELLS)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Generate the completion script.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The script.

    Raises:
        UnsupportedError: If shtab is missing, or does not support the shell.
    """
    from neutral.cli import VERBS, parser

    try:
        import shtab
    except ImportError:
        raise UnsupportedError("shell completion needs shtab: pip install shtab.") from None
    if arguments.shell not in shtab.SUPPORTED_SHELLS:
        raise UnsupportedError(
            f"shtab {shtab.__version__} does not support {arguments.shell}: pip install --upgrade shtab."
        )
    script: str = shtab.complete(_complete_files(parser(tuple(VERBS)), shtab.FILE), arguments.shell)
    return Report({"shell": arguments.shell, "script": script}, script.rstrip("\n").split("\n"))


def _complete_files(parser: argparse.ArgumentParser, file: Any) -> argparse.ArgumentParser:
    """Mark arguments without choices as file names, in a parser and its subparsers; return the parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                _complete_files(child, file)
        elif action.nargs != 0 and action.choices is None and action.type is None:
            action.complete = file  # type: ignore[attr-defined]
    return parser
