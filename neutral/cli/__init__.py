"""The command line: ``neutral VERB …``. ``docs/cli.md`` documents the verbs, their JSON and the exit codes.

A verb is a module of this package with ``add_arguments(parser)`` and ``run(arguments, console) -> Report``; it is
imported when it is used. Other packages add verbs by the entry-point group ``neutral.commands``.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any, NoReturn, Sequence

from neutral import __version__, extensions
from neutral.cli.console import Console
from neutral.cli.pipes import piped
from neutral.errors import NeutralError, UsageError

VERBS = {
    "export": "write a checkpoint as a neutral store",
    "inspect": "show the layers and tensors of a store or a checkpoint",
    "check": "check that stores are sound",
    "convert": "write a store in another container",
    "diff": "compare two models: layers, attributes and values",
    "hash": "print the SHA-256 of every tensor",
    "cast": "write a store in another floating dtype, and what that costs",
    "slice": "write some layers of a store",
    "merge": "write the layers of several stores as one",
    "archive": "convert every checkpoint of a tree, with a catalogue",
    "restore": "give back the original files of a store, byte for byte",
    "write": "write weights as a checkpoint of the framework that a store came from",
    "load": "load a store into a module that you wrote and save its weights",
    "verify": "run a module on a golden file and compare every layer",
    "emit": "write a store as source code and weights",
    "completion": "print a script that completes commands in a shell",
}

INTERNAL_ERROR = 70
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. ``argv`` is without the program's name."""
    words = list(sys.argv[1:] if argv is None else argv)
    console = Console(json="--json" in words, quiet="--quiet" in words, debug="--debug" in words)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal's encoding lacks is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        return _guarded(words, console)
    except BrokenPipeError:
        # The reader has gone. Python would flush stdout at exit and complain again: give it somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE


def _guarded(words: list[str], console: Console) -> int:
    """Every error ends here, as one message and an exit code."""
    try:
        return _run(words, console)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt as error:
        return console.error(error, "interrupted.", INTERRUPTED)
    except NeutralError as error:
        return console.error(error, str(error), error.exit_code)
    except MemoryError as error:
        return console.error(error, "there is not enough memory.", NeutralError.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return console.error(error, f"{where}{error.strerror or error}.", NeutralError.exit_code)
    except Exception as error:
        message = (
            f"unexpected {type(error).__name__}: {error}. This is a fault of Neutral: please report it with what "
            "the same command prints with --debug."
        )
        return console.error(error, message, INTERNAL_ERROR)


def _run(words: list[str], console: Console) -> int:
    verb = next((word for word in words if not word.startswith("-")), None)
    top = parser((verb,) if verb else ())
    if not words:
        top.print_help(sys.stderr)
        return UsageError.exit_code
    arguments = top.parse_args(words)
    for path in arguments.plugin:
        extensions.add_file(path)
    with piped(arguments) as stdout_is_taken:
        with warnings.catch_warnings(), redirect_stdout(sys.stderr):  # what users' modules print is not the report
            warnings.showwarning = console.warning  # type: ignore[assignment]
            report = arguments.run(arguments, console)
        with redirect_stdout(sys.stderr if stdout_is_taken else sys.stdout):
            console.report(report)
    sys.stdout.flush()
    return int(report.exit_code)


def parser(verbs: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the whole command line, in which only ``verbs`` have their arguments."""
    common = _Parser(add_help=False)
    group = common.add_argument_group("output")
    for option, text in (
        ("--json", "print one JSON document"),
        ("--quiet", "print nothing but errors"),
        ("--debug", "print the trace of an error"),
    ):
        group.add_argument(option, action="store_true", default=argparse.SUPPRESS, help=text)
    top = _Parser(
        prog="neutral",
        description="MXNet checkpoints, exactly, through a framework-neutral store, into PyTorch.",
        epilog="`neutral VERB --help` explains a verb.",
        parents=[common],
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"neutral {__version__}")
    choices = top.add_subparsers(dest="verb", metavar="VERB", required=True, title="verbs")
    for verb, text in {**VERBS, **dict.fromkeys(verbs, "")}.items():
        module = _command(verb) if verb in verbs else None
        child = choices.add_parser(
            verb,
            help=text,
            description=module.__doc__ if module else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[common],
            allow_abbrev=False,
        )
        if module is not None:
            child.add_argument(
                "--plugin", action="append", default=[], metavar="FILE", help="a Python file with operators; is run"
            )
            module.add_arguments(child)
            child.set_defaults(run=module.run)
    return top


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See `{self.prog} --help`.")


def _command(verb: str) -> Any:
    if verb in VERBS:
        return import_module(f"neutral.cli.{verb}")
    from neutral import plugins

    others = plugins.names(plugins.COMMANDS)
    if verb not in others:
        raise UsageError(f"there is no verb {verb!r}. The verbs are: {', '.join((*VERBS, *others))}.")
    return plugins.load(plugins.COMMANDS, verb)
