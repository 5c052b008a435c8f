"""Attributes of a class, their names, and the ``nn.Sequential`` and ``nn.ModuleList`` groups among them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.rebuilding import inline
from neutral_to_torch.emission.expression.terms import Call, ModuleOrFunction, Ref, Term
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.assembly import Assembly
from neutral_to_torch.emission.structure.groups import (
    ModuleListGroup,
    SequentialGroup,
    Siblings,
    block_arguments,
    statements_of,
)
from neutral_to_torch.emission.structure.labels import KIND_WORDS, numbered
from neutral_to_torch.emission.structure.module_ir import Instance, Option, Owned, owned
from neutral_to_torch.emission.structure.naming import UniqueIdentifiers, module_members


@dataclass(frozen=True)
class Tree:
    """``attributes`` in the order of ``__init__``, ``paths`` of all that is owned, and ``statements`` that use them.

    ``names`` gives the attribute that a statement applies. Where ``sequence`` is set, the class is an nn.Sequential.
    """

    attributes: tuple[tuple[str, Term], ...]
    paths: Mapping[Owned, str]
    statements: tuple[Statement, ...]
    names: Mapping[Owned, str]
    sequence: Term | None = None


class TreeBuilder:
    """Name the submodules of statements and gather linear chains."""

    def __init__(
        self, statements: Sequence[Statement], outputs: Sequence[Value], options: Sequence[Option] = ()
    ) -> None:
        self.statements = list(statements)
        self.outputs = set(outputs)
        self.options = options
        self._option_of = {id(statement): option for option in options for statement in option.statements}
        self._uses: dict[Value, int] = {}
        self._appliers: dict[Owned, int] = {}
        for statement in self.statements:
            for value in statement.operands:
                self._uses[value] = self._uses.get(value, 0) + 1
            for item in owned([statement]):
                self._appliers[item] = self._appliers.get(item, 0) + 1
        for option in options:
            self._uses[option.otherwise] = self._uses.get(option.otherwise, 0) + 1

    def runs(self) -> list[list[Statement]]:
        """Return maximal runs of submodules, each applied to the value of the one before, which nothing else uses."""
        maker = {statement.results: statement for statement in self.statements if isinstance(statement.results, Value)}
        runs: dict[int, list[Statement]] = {}
        for statement in self.statements:
            if not self._can_run(statement):
                continue
            before = maker.get(statement.operands[0])
            run = runs.get(id(before)) if before is not None else None
            if before is not None and run is not None and run[-1] is before and self._continues(before, statement):
                run.append(statement)
                runs[id(statement)] = run
            else:
                runs[id(statement)] = [statement]
        return list({id(run): run for run in runs.values()}.values())

    def _can_run(self, statement: Statement) -> bool:
        own = applied(statement.term)
        term = statement.term.module if isinstance(statement.term, ModuleOrFunction) else statement.term
        return (
            own is not None
            and isinstance(term, Call)
            and len(term.args) == 1
            and isinstance(term.args[0], Ref)
            and not term.kwargs
            and isinstance(statement.results, Value)
            and self._appliers[own.declaration] == 1
        )

    def _continues(self, before: Statement, statement: Statement) -> bool:
        if self._uses[before.results] != 1 or before.results in self.outputs:
            return False
        boundary = any(option.value == before.results for option in self.options)
        return not boundary and self._option_of.get(id(before)) is self._option_of.get(id(statement))

    def tree(
        self, nodes: Sequence[SequentialGroup], labels: Mapping[Owned, str], gather_siblings: bool = False
    ) -> Tree:
        """Return the tree with ``nodes`` as sequences, rows as lists and everything else as attributes.

        Args:
            nodes: The sequences.
            labels: The names of all that is owned.
            gather_siblings: Whether blocks of one class whose names differ by a number become entries of a list.
        """
        first = {id(statements_of(node)[0]): node for node in nodes}
        last = {id(row.statements[-1]): row for row in self._module_lists()}
        gathered = {id(statement) for node in nodes for statement in statements_of(node)}
        gathered |= {id(statement) for row in last.values() for statement in row.statements}
        alone = [
            replace(statement, term=inline(statement.term))
            for statement in self.statements
            if id(statement) not in gathered
        ]
        items = owned(alone)
        siblings = self._siblings(alone, labels) if gather_siblings else []
        labels = {**labels, **dict(zip(items, numbered([labels[item] for item in items])))}
        flags = {option.flag for option in self.options if option.is_expression}
        assembly = Assembly(labels, UniqueIdentifiers(module_members() | flags), siblings)
        for statement in self.statements:
            option = self._option_of.get(id(statement))
            if id(statement) in first:
                assembly.add_sequential(first[id(statement)], option)
            elif id(statement) in last:
                assembly.add_module_list(last[id(statement)])
            elif id(statement) not in gathered:
                assembly.add_op(statement, option)
        return Tree(tuple(assembly.attributes), assembly.paths, tuple(assembly.statements), assembly.names)

    def _siblings(self, statements: Sequence[Statement], labels: Mapping[Owned, str]) -> list[Siblings]:
        """Return the blocks of one class whose names differ by a number and whose results are used alike."""
        users = {value: user for user in self.statements for value in user.operands}
        groups: dict[tuple[object, ...], list[Owned]] = {}
        for statement in statements:
            own = applied(statement.term)
            item = None if own is None else own.declaration
            if not isinstance(item, Instance) or self._appliers[item] > 1 or not isinstance(statement.results, Value):
                continue
            stem = re.sub("[0-9]+", "", labels[item])
            user = users.get(statement.results)
            merged = user is not None and self._uses[statement.results] == 1 and len(user.operands) > 2
            groups.setdefault((item.block, stem, id(user) if merged else None), []).append(item)
        return [
            Siblings(_plural(labels[items[0]]), items)
            for items in groups.values()
            if len(items) >= HEURISTICS.fewest_listed and _is_numbered([labels[item] for item in items])
        ]

    def _module_lists(self) -> list[ModuleListGroup]:
        """Return runs of blocks of one class that all take the same values beside the one that goes through them."""
        maker = {statement.results: statement for statement in self.statements if isinstance(statement.results, Value)}
        rows: dict[int, ModuleListGroup] = {}
        for statement in self.statements:
            for position, operand in enumerate(block_arguments(statement)):
                before = maker.get(operand)
                if before is None or not self._follows(before, statement, position):
                    continue
                row = rows.setdefault(id(before), ModuleListGroup([before], position))
                if row.position != position:
                    continue
                row.statements.append(statement)
                rows[id(statement)] = row
                break
        long_rows = {id(row): row for row in rows.values() if len(row.statements) >= HEURISTICS.fewest_listed}
        return list(long_rows.values())

    def _follows(self, before: Statement, statement: Statement, position: int) -> bool:
        """Return whether two blocks differ in nothing but their operands."""
        one, other = applied(before.term), applied(statement.term)
        if one is None or other is None or self._uses[before.results] != 1 or before.results in self.outputs:
            return False
        blocks = [own.declaration.block for own in (one, other) if isinstance(own.declaration, Instance)]
        if len(blocks) < 2 or blocks[0] is not blocks[1] or self._appliers[other.declaration] > 1:
            return False
        first, second = block_arguments(before), block_arguments(statement)
        return len(first) > 1 and _without(first, position) == _without(second, position)


def _is_numbered(names: Sequence[str]) -> bool:
    """Return whether names differ by their numbers, which grow, and say more than a kind."""
    numbers = [[_magnitude(digits) for digits in re.findall("[0-9]+", name)] for name in names]
    is_kind = re.sub("_?[0-9]+", "", names[0]) in KIND_WORDS
    return not is_kind and all(before < after for before, after in zip(numbers, numbers[1:]))


def _magnitude(digits: str) -> tuple[int, str]:
    """Return a key that sorts as the number does; Python refuses to parse thousands of digits."""
    digits = digits.lstrip("0")
    return len(digits), digits


def _plural(name: str) -> str:
    """Return the name of a list of blocks, given that of its first: ``extras`` for ``extra0``."""
    words = [word for word in (part.rstrip("0123456789") for part in name.split("_")) if word]
    if len(words) > 1 and re.search("[0-9]", name.rpartition(words[-1])[0]):
        words = words[-1:]
    stem = "_".join(words)
    return stem if stem.endswith("s") else f"{stem}s"


def _without(values: Sequence[Value], position: int) -> list[Value]:
    return [value for k, value in enumerate(values) if k != position]


def flat_tree(statements: Sequence[Statement], outputs: Sequence[Value], labels: Mapping[Owned, str]) -> Tree:
    """Return every submodule as an attribute of its own.

    Args:
        statements: The statements of the class.
        outputs: The values that it returns.
        labels: The name of each submodule.

    Returns:
        A tree without sequences.
    """
    return TreeBuilder(statements, outputs).tree([], labels)
