"""Print a script that completes neutral's verbs, options, files and names in a shell.

Names are those of the nodes, layers and tensors of the store or checkpoint on the line, as after --until.

Where shells look for it:
  bash   ~/.local/share/bash-completion/completions/neutral
  zsh    "${fpath[1]}/_neutral"
  fish   ~/.config/fish/completions/neutral.fish
"""

from __future__ import annotations

import argparse
import os
import re
from contextlib import suppress
from typing import Any, Iterable, Sequence

from neutral.cli.console import Console, Report
from neutral.errors import NeutralError, UnsupportedError

SHELLS = ("bash", "fish", "zsh")

NAMES = ("layers", "nodes", "tensors")
"""What the scripts ask for: the names of these in the stores among the words of the line."""

SAFE = r"[A-Za-z0-9_@%+=:,./][A-Za-z0-9_@%+=:,./-]*"
"""A pattern of the names that are offered, which a shell takes as they are: what comes from a file is never code."""

PREAMBLES = {
    "bash": """
_neutral_names() {
  local IFS=$'\\n'
  compgen -W "$(neutral completion "$1" -- "${COMP_WORDS[@]}" 2>/dev/null)" -- "$2"
}
"""
    + "".join(f'_neutral_{kind}() {{ _neutral_names {kind} "$1"; }}\n' for kind in NAMES),
    "zsh": """
_neutral_names() {
  local -a names
  names=("${(@f)$(neutral completion "$1" -- "${words[@]}" 2>/dev/null)}")
  compadd -a names
}
"""
    + "".join(f"_neutral_{kind}() {{ _neutral_names {kind} }}\n" for kind in NAMES),
}
"""Functions of the scripts by shell."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral completion``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument(
        "shell", choices=(*SHELLS, *NAMES), help="a shell; or what the scripts ask for, of the stores among WORD"
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="the words of a line; for scripts alone")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Generate the completion script, or names.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The script; or the names, one in a line.

    Raises:
        UnsupportedError: If shtab is missing, or does not support the shell.
    """
    from neutral.cli import VERBS, parser

    if arguments.shell in NAMES:
        names = _names(arguments.shell, arguments.words)
        return Report({"kind": arguments.shell, "names": names}, names)
    try:
        import shtab
    except ImportError:
        raise UnsupportedError("shell completion needs shtab: pip install shtab.") from None
    if arguments.shell not in shtab.SUPPORTED_SHELLS:
        raise UnsupportedError(
            f"shtab {shtab.__version__} does not support {arguments.shell}: pip install --upgrade shtab."
        )
    marked = _with_completions(parser(tuple(VERBS)), shtab.FILE)
    script: str = shtab.complete(marked, arguments.shell, preamble=PREAMBLES.get(arguments.shell, ""))
    return Report({"shell": arguments.shell, "script": script}, script.rstrip("\n").split("\n"))


def _names(kind: str, words: Sequence[str]) -> list[str]:
    """Return the names in the first of some words that is a store or a checkpoint; none if no word is."""
    from neutral.cli.sources import open_any

    for word in words:
        if not any(map(os.path.exists, (word, f"{word}-symbol.json"))):
            continue
        with suppress(NeutralError), open_any([word]) as store:
            nodes = () if store.graph is None else store.graph.nodes
            names: Iterable[str] = (node.name for node in nodes) if kind == "nodes" else getattr(store, kind)
            return [name for name in names if re.fullmatch(SAFE, name)]
    return []


def _with_completions(parser: argparse.ArgumentParser, file: Any) -> argparse.ArgumentParser:
    """Mark arguments without choices as names or files, in a parser and its subparsers; return the parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                _with_completions(child, file)
        elif action.nargs != 0 and action.choices is None and action.type is None:
            kind = _kind_of(action)
            action.complete = file if kind is None else _functions(kind)  # type: ignore[attr-defined]
    return parser


def _kind_of(action: argparse.Action) -> str | None:
    """Return what an argument names; None for a file."""
    return "nodes" if action.metavar == "NODE" else {"layers": "layers", "keep": "tensors"}.get(action.dest)


def _functions(kind: str) -> dict[str, str]:
    fish = f"(neutral completion {kind} -- (commandline -opc) 2>/dev/null)"
    return {"bash": f"_neutral_{kind}", "zsh": f"_neutral_{kind}", "fish": fish}
