"""The help of every verb shows command lines that its parser accepts."""

from __future__ import annotations

import shlex

import pytest

from neutral.cli import VERBS, main, parser
from neutral.cli.help_examples import EXAMPLES


def test_every_verb_has_two_or_three_examples() -> None:
    assert set(EXAMPLES) == set(VERBS)
    assert all(2 <= len(examples) <= 3 and len(set(examples)) == len(examples) for examples in EXAMPLES.values())


@pytest.mark.parametrize("verb", EXAMPLES)
def test_examples_are_accepted(verb: str) -> None:
    accepted = parser((verb,))
    for example in EXAMPLES[verb]:
        words = shlex.split(example)
        assert words[0] == verb and accepted.parse_args(words).verb == verb


def test_the_help_ends_with_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["emit", "--help"])
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert lines[-4:] == ["examples:", *(f"  neutral {example}" for example in EXAMPLES["emit"])]
