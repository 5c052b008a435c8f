"""Write ``operators.md``: the catalogue, and which MXNet operators the reader translates or refuses.

    python docs/make_operators.py [--check]

With ``--check`` nothing is written, and the exit code is 1 where the document is not what the code says.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import Iterator

from mxnet_to_neutral.operators import REFUSED, RULES
from mxnet_to_neutral.symbol.aliases import CANONICAL
from neutral.operators import Operator, catalogue

TARGET = Path(__file__).with_name("operators.md")

HEAD = """# Operators

This file is made by `python docs/make_operators.py` from the catalogue (`neutral/operators/`) and the reader's rules
(`readers/mxnet_to_neutral/operators/`).

## The catalogue

A store's layers and nodes are of these kinds. Every attribute is always written out. `*name` stands for any number of
inputs, `name?` for an optional one, and `{k}` in a role for a number. An input of a node may be a literal number.
"""


def kind(operator: Operator) -> Iterator[str]:
    yield f"#### `{operator.kind}`\n"
    yield f"{operator.meaning}\n"
    inputs = ", ".join(f"`{name}`" for name in operator.inputs) or "none"
    outputs = ", ".join(f"`{name}`" for name in operator.outputs)
    yield f"Inputs: {inputs}. Outputs: {outputs}.\n"
    if operator.attributes:
        yield "| attribute | type | |\n|---|---|---|"
        for attribute in operator.attributes:
            type_name = attribute.type + (" or None" if attribute.optional else "")
            choices = (
                f" One of {', '.join(f'`{choice}`' for choice in attribute.choices)}." if attribute.choices else ""
            )
            yield f"| `{attribute.name}` | {type_name} | {attribute.doc}{choices} |".replace("\\n", " ")
        yield ""
    if operator.roles:
        yield "| tensor | shape | |\n|---|---|---|"
        for role in operator.roles:
            marks = "".join((" Optional." if not role.required else "", " A buffer." if role.buffer else ""))
            yield f"| `{role.name}` | {role.shape} | {role.doc}{marks} |"
        yield ""


def document() -> str:
    lines = [HEAD]
    families = sorted(catalogue, key=lambda operator: operator.family)
    for family, operators in groupby(families, key=lambda operator: operator.family):
        lines.append(f"### {family.capitalize()}\n")
        for operator in operators:
            lines += kind(operator)
    lines.append("## MXNet's operators\n")
    lines.append(
        f"The reader has rules for these {len(RULES)} operators, under the names that MXNet 1.9.1 calls canonical; "
        "aliases and older names are translated before. An attribute value that cannot be expressed exactly makes the "
        "node opaque, with the reason.\n"
    )
    for module, names in groupby(sorted(RULES, key=lambda name: (RULES[name].__module__, name)), key=_module):
        lines.append(f"- **{module}**: {', '.join(f'`{name}`' for name in names)}")
    lines += other_names()
    lines += refused()
    return "\n".join(lines) + "\n"


FUNCTIONS = {
    "cumsum": "_np_cumsum",
    "einsum": "_npi_einsum",
    "eye": "_eye",
    "full_like": "_npi_full_like",
    "isnan": "_npi_isnan",
    "matmul": "_npi_matmul",
}
"""Functions of MXNet's Python packages, and the operator that they write into a symbol."""


def other_names() -> Iterator[str]:
    yield "\n### Other names\n"
    yield "Aliases and names of older releases, and Python functions that write an operator of another name.\n"
    yield "| name | operator |\n|---|---|"
    for name, operator in sorted({**CANONICAL, **FUNCTIONS}.items()):
        yield f"| `{name}` | `{operator}` |"


def refused() -> Iterator[str]:
    yield "\n### Refused\n"
    yield "A node of one of these operators stays in the graph as opaque, with this reason.\n"
    yield "| reason | operators |\n|---|---|"
    for reason in dict.fromkeys(REFUSED.values()):
        names = (name for name in REFUSED if REFUSED[name] == reason)
        yield f"| {reason} | {', '.join(f'`{name}`' for name in names)} |"


def _module(name: str) -> str:
    return RULES[name].__module__.rpartition(".")[2]


def main() -> None:
    text = document()
    if "--check" in sys.argv:
        sys.exit(0 if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text else f"{TARGET} is out of date")
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
