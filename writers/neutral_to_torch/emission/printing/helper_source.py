"""The helpers that emitted files may contain: real code of ``emission/helpers``, copied with short docstrings."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterable, Mapping

from neutral.errors import NeutralError
from neutral_to_torch.emission.printing.helper_docstrings import with_short_docstrings


@dataclass(frozen=True)
class Helper:
    """A function or class that emitted files may contain.

    Attributes:
        name: Its name.
        source: Its source, with a short docstring.
        uses: The names of the helpers that it uses.
        imports: The import statements that it needs.
        module: The name of the module of ``emission/helpers`` that defines it.
    """

    name: str
    source: str
    uses: frozenset[str]
    imports: frozenset[str]
    module: str


@lru_cache(maxsize=None)
def helpers() -> Mapping[str, Helper]:
    """Return every helper by name.

    Returns:
        The source and the imports of each helper; read once.

    Raises:
        NeutralError: Two helper modules define the same name.
    """
    by_name: dict[str, Helper] = {}
    for path in sorted((Path(__file__).parents[1] / "helpers").glob("*.py")):
        for helper in _parse(path.stem, path.read_text(encoding="utf-8")):
            if helper.name in by_name:
                raise NeutralError(f"helper {helper.name!r} is defined twice, the second time in {path.name}.")
            by_name[helper.name] = helper
    return by_name


def require(name: str) -> Helper:
    """Return the helper of that name; a name that no helper module defines is an error.

    Args:
        name: The helper's name.

    Returns:
        The helper's source, imports and the helpers that it uses.

    Raises:
        NeutralError: No helper module defines the name.
    """
    try:
        return helpers()[name]
    except KeyError:
        raise NeutralError(f"emission/helpers defines no helper {name!r}.") from None


def closure(names: Iterable[str]) -> list[Helper]:
    """Return the helpers and all that they use, each after its dependencies.

    Args:
        names: Names of helpers.

    Returns:
        Each helper once, in the order in which they can be defined.
    """
    ordered: dict[str, Helper] = {}

    def visit(name: str) -> None:
        if name not in ordered:
            helper = require(name)
            for used in sorted(helper.uses):
                visit(used)
            ordered[name] = helper

    for name in sorted(names):
        visit(name)
    return list(ordered.values())


def _parse(module: str, source: str) -> list[Helper]:
    tree = ast.parse(source)
    imported: dict[str, str] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                bound = alias.asname or alias.name.partition(".")[0]
                imported[bound] = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
        elif isinstance(statement, ast.ImportFrom) and statement.module != "__future__":
            for alias in statement.names:
                name = alias.name + (f" as {alias.asname}" if alias.asname else "")
                imported[alias.asname or alias.name] = f"from {statement.module} import {name}"
    definitions = [item for item in tree.body if isinstance(item, (ast.FunctionDef, ast.ClassDef))]
    local = {item.name for item in definitions} | {
        name for name, line in imported.items() if line.startswith("from neutral_to_torch.emission.helpers")
    }
    lines = source.splitlines()
    result = []
    for item in definitions:
        names = {node.id for node in ast.walk(item) if isinstance(node, ast.Name)}
        start = min([item.lineno, *(decorator.lineno for decorator in item.decorator_list)])
        result.append(
            Helper(
                item.name,
                "\n".join(with_short_docstrings(lines, start, item)),
                frozenset((names & local) - {item.name}),
                frozenset(imported[name] for name in names if name in imported and name not in local),
                module,
            )
        )
    return result
