"""Print a script that completes neutral's verbs, options and files.

bash   neutral completion bash > ~/.local/share/bash-completion/completions/neutral
zsh    neutral completion zsh >> ~/.zshrc
fish   neutral completion fish > ~/.config/fish/completions/neutral.fish
"""

from __future__ import annotations

import argparse
from typing import Iterator

from neutral.cli.console import Console, Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=sorted(_SCRIPTS))


def run(arguments: argparse.Namespace, console: Console) -> Report:
    from neutral.cli import VERBS, parser

    top = parser(tuple(VERBS))
    lines = list(_SCRIPTS[arguments.shell](top, VERBS))
    return Report({"shell": arguments.shell, "script": "\n".join(lines) + "\n"}, lines)


def _bash(top: argparse.ArgumentParser, verbs: dict[str, str]) -> Iterator[str]:
    yield "_neutral() {"
    yield '    local current="${COMP_WORDS[COMP_CWORD]}" words=""'
    yield "    if [ $COMP_CWORD -eq 1 ]; then"
    yield f'        words="{" ".join((*verbs, *_options(top)))}"'
    yield "    else"
    yield '        case "${COMP_WORDS[1]}" in'
    for verb in verbs:
        child = _child(top, verb)
        yield f'            {verb}) words="{" ".join((*_choices(child), *_options(child)))}" ;;'
    yield "        esac"
    yield "    fi"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$current"))'
    yield "    if [ $COMP_CWORD -gt 1 ] && [ ${#COMPREPLY[@]} -eq 0 ]; then"
    yield "        local IFS=$'\\n'"
    yield '        COMPREPLY=($(compgen -f -- "$current"))'
    yield "    fi"
    yield "}"
    yield "complete -o filenames -F _neutral neutral"


def _zsh(top: argparse.ArgumentParser, verbs: dict[str, str]) -> Iterator[str]:
    yield "autoload -U +X compinit && compinit"
    yield "autoload -U +X bashcompinit && bashcompinit"
    yield from _bash(top, verbs)


def _fish(top: argparse.ArgumentParser, verbs: dict[str, str]) -> Iterator[str]:
    for verb, text in verbs.items():
        yield f"complete -c neutral -n __fish_use_subcommand -f -a {verb} -d {_quote(text)}"
    for verb in verbs:
        child = _child(top, verb)
        here = f"complete -c neutral -n '__fish_seen_subcommand_from {verb}'"
        if _choices(child):
            yield f"{here} -f -a {_quote(' '.join(_choices(child)))}"
        for action in child._actions:
            names = " ".join(map(_fish_option, action.option_strings))
            if names:
                takes = "" if action.nargs == 0 else " -r"
                yield f"{here} {names}{takes} -d {_quote(action.help or '')}"


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}


def _child(top: argparse.ArgumentParser, verb: str) -> argparse.ArgumentParser:
    action = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    child: argparse.ArgumentParser = action.choices[verb]
    return child


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings]


def _fish_option(option: str) -> str:
    return f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"


def _choices(parser: argparse.ArgumentParser) -> list[str]:
    """The words that positional arguments choose from."""
    return [
        word for action in parser._actions if not action.option_strings and action.choices for word in action.choices
    ]


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
