"""The code blocks of Markdown documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

READ_IN_ORDER = sorted([DOCS / "index.md", *(DOCS / "tutorials").glob("*.md"), *(DOCS / "help").glob("*.md")])
"""Documents whose commands a reader runs from the first to the last; those of the others stand for themselves."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: The word after the fence: ``sh``, ``console``, ``python`` …
        text: The lines.
    """

    language: str
    text: str

    def commands(self) -> Iterator[tuple[str, str | None]]:
        """Yield the commands of the block, each with its output; None where the block shows none."""
        if self.language == "sh":
            for line in self.text.replace("\\\n", " ").splitlines():
                yield line, None
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:] if self.language == "console" else ():
            command, _, output = part.partition("\n")
            yield command, output


def blocks(path: Path, heading: str) -> Iterator[Block]:
    """Yield the fenced blocks of a section: from a heading to the next one of its level."""
    text = path.read_text(encoding="utf-8")
    level = heading.split()[0]
    _, _, section = text.partition(f"\n{heading}\n")
    assert section, f"{path.name} has no section {heading!r}"
    yield from blocks_of(re.split(rf"^{level} ", section, maxsplit=1, flags=re.MULTILINE)[0])


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a text."""
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(match.group(1), match.group(2))


def matches_output(output: str, expected: str) -> bool:
    """Return whether an output is the expected one, in which ``...`` stands for any text."""
    pattern = ".*".join(map(re.escape, expected.strip().split("...")))
    return re.fullmatch(pattern, output.strip(), re.DOTALL) is not None
