"""The command line: ``neutral VERB …``. ``docs/cli.md`` documents the verbs, their JSON and the exit codes.

A verb is a module of this package that implements :class:`neutral.plugins.Command`; it is imported when it is used.
Other packages add verbs in the entry-point group ``neutral.commands``.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any, NoReturn, Sequence

from neutral import __version__
from neutral.cli.console import Console
from neutral.cli.help_examples import examples_text
from neutral.cli.outputs import replacing
from neutral.cli.pipes import piped
from neutral.cli.streams import discard, standard_streams, written_out
from neutral.errors import NeutralError, UsageError
from neutral.text import suggestion

VERBS = {
    "migrate": "convert a checkpoint into a verified folder: store, source and weights",
    "export": "write a checkpoint as a neutral store",
    "inspect": "show the layers and tensors of a store or a checkpoint",
    "check": "check the structure, and the digests, of stores",
    "convert": "write a store in another container",
    "diff": "compare two models: layers, attributes and values",
    "hash": "print the SHA-256 of every tensor",
    "cast": "write a store in another floating dtype and report the errors",
    "slice": "write some layers of a store",
    "merge": "write the layers of several stores as one",
    "archive": "convert every checkpoint of a tree, with a catalogue",
    "restore": "restore the original files of a store, byte for byte",
    "write": "write weights as a checkpoint of the framework that a store was exported from",
    "load": "load a store into a module that you wrote and save its weights",
    "verify": "run a module on a golden file and compare every layer",
    "emit": "write a store as source code and weights",
    "run": "evaluate a store's graph in NumPy alone and write its outputs",
    "golden": "evaluate a store's graph in NumPy and record every value in a golden file",
    "doctor": "check the installation: versions, optional packages, plug-ins, temporary files",
    "completion": "print a script that completes commands in a shell",
}

INTERNAL_ERROR = 70
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: The words of the command line without the program's name; ``sys.argv`` by default.

    Returns:
        The exit code: 0 on success; ``docs/cli.md`` lists the others.

    Example:
        >>> main(["restore", "no-such-file.safetensors", "-o", "folder", "--quiet"])
        3
    """
    words = list(sys.argv[1:] if argv is None else argv)
    console = Console(**{name: f"--{name}" in words for name in ("json", "quiet", "verbose", "debug")})
    with standard_streams():
        try:
            return _guarded(words, console)
        except BrokenPipeError:  # whoever read stdout has closed it
            discard(sys.stdout)
            return BROKEN_PIPE


def _guarded(words: list[str], console: Console) -> int:
    """Run one command and turn every error into one message and an exit code."""
    try:
        return _run(words, console)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt as error:
        return console.error(error, "interrupted.", INTERRUPTED)
    except NeutralError as error:
        return console.error(error, str(error), error.exit_code)
    except MemoryError as error:
        return console.error(error, "not enough memory.", NeutralError.exit_code)
    except OSError as error:
        file = f"{error.filename}: " if error.filename else ""
        return console.error(error, f"{file}{error.strerror or error}.", NeutralError.exit_code)
    except Exception as error:
        from neutral.plugins.blame import plugin_that_raised

        plugin = plugin_that_raised(error)
        if plugin is not None:
            message = f"{plugin} raised {type(error).__name__}: {error}. Report it to the author, with --debug."
            return console.error(error, message, NeutralError.exit_code)
        message = (
            f"unexpected {type(error).__name__}: {error}. This is a bug in Neutral: please report it with the "
            "output of the same command and --debug."
        )
        return console.error(error, message, INTERNAL_ERROR)


def _run(words: list[str], console: Console) -> int:
    verb = next((word for word in words if not word.startswith("-")), None)
    top = parser((verb,) if verb else ())
    if not words:
        top.print_help(sys.stderr)
        return UsageError.exit_code
    arguments = top.parse_args(words)
    if arguments.plugin:
        from neutral import extensions

        for path in arguments.plugin:
            extensions.add_file(path)
    with piped(arguments) as pipes:
        with replacing(arguments), warnings.catch_warnings(), redirect_stdout(sys.stderr):  # keep users' prints out
            warnings.showwarning = console.warning  # type: ignore[assignment]
            report = pipes.report(arguments.run(arguments, console))
        pipes.deliver()
        with redirect_stdout(sys.stderr if pipes.stdout_is_taken else sys.stdout), written_out():
            console.report(report)
    return int(report.exit_code)


def parser(verbs: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of the whole command line.

    Args:
        verbs: The verbs whose modules are imported to declare their arguments; the others have a line of help only.

    Returns:
        A parser that raises UsageError instead of ending the program.

    Raises:
        UsageError: A verb is unknown.

    Example:
        >>> parser(["inspect"]).parse_args(["inspect", "model.safetensors"]).source
        ['model.safetensors']
    """
    common = _Parser(add_help=False)
    group = common.add_argument_group("output")
    for option, text in (
        ("--json", "print one JSON document"),
        ("--quiet", "print errors only"),
        ("--verbose", "print every problem of a refusal"),
        ("--debug", "print the traceback of an error"),
    ):
        group.add_argument(option, action="store_true", default=argparse.SUPPRESS, help=text)
    top = _Parser(
        prog="neutral",
        description="Convert MXNet checkpoints exactly to a framework-neutral store, and into PyTorch.",
        epilog="`neutral VERB --help` describes one verb.",
        parents=[common],
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"neutral {__version__}")
    choices = top.add_subparsers(dest="verb", metavar="VERB", required=True, title="verbs", prog=top.prog)
    for verb, text in {**VERBS, **dict.fromkeys(verbs, "")}.items():
        if verb not in verbs:
            choices.add_parser(verb, help=text, add_help=False)
            continue
        module = _command(verb)
        child = choices.add_parser(
            verb,
            help=text,
            description=module.__doc__,
            epilog=examples_text(verb),
            formatter_class=_Formatter,
            parents=[common],
            allow_abbrev=False,
        )
        child.add_argument(
            "--plugin", action="append", default=[], metavar="FILE", help="run a Python file that defines operators"
        )
        module.add_arguments(child)
        child.set_defaults(run=module.run)
    return top


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Wrap the paragraphs of descriptions; examples and other lines with columns stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        from textwrap import fill

        paragraphs = text.strip("\n").split("\n\n")
        return "\n\n".join(each if "  " in each else fill(each, width, break_on_hyphens=False) for each in paragraphs)

    def _split_lines(self, text: str, width: int) -> list[str]:
        from textwrap import wrap

        return wrap(" ".join(text.split()), width, break_on_hyphens=False)


class _Parser(argparse.ArgumentParser):
    """A parser that raises UsageError instead of leaving the program, and suggests options."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See `{self.prog} --help`.")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or the version; argparse itself ignores errors of the stream."""
        with written_out():
            (file or sys.stdout).write(message)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse an unknown option of a verb, with the most similar known one, before a missing one is reported."""
        options = self._option_string_actions
        for word in args or () if self._subparsers is None else ():
            if word == "--":
                break
            name = word.partition("=")[0]
            if name.startswith("--") and name not in options:
                raise UsageError(f"unknown option {name}.{suggestion(name, options)} See `{self.prog} --help`.")
        return super().parse_known_args(args, namespace)


def _command(verb: str) -> Any:
    if verb in VERBS:
        return import_module(f"neutral.cli.{verb}")
    from neutral import plugins

    installed = plugins.names(plugins.COMMANDS)
    if verb not in installed:
        verbs = (*VERBS, *installed)
        raise UsageError(f"unknown verb {verb!r}; expected one of {', '.join(verbs)}.{suggestion(verb, verbs)}")
    return plugins.load(plugins.COMMANDS, verb)
