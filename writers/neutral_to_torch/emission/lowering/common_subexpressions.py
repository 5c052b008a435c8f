"""Elimination of common subexpressions: a program computes each expression once."""

from __future__ import annotations

from dataclasses import replace

from neutral.graph import Value
from neutral.operators import catalogue
from neutral.rewriting import resolve, resolve_all
from neutral_to_torch.emission.expression.terms import Control
from neutral_to_torch.emission.lowering.program import Program, Statement, substitute


def eliminate_common_subexpressions(program: Program) -> Program:
    """Drop the statements that repeat an earlier one; applications of submodules and random kinds stay.

    Args:
        program: A lowered program.

    Returns:
        The program with every use of a dropped statement's value replaced by the earlier statement's.
    """
    first_values: dict[str, Value] = {}
    aliases = dict(program.aliases)
    kept = []
    for statement in program.statements:
        if aliases:
            statement = replace(statement, term=substitute(statement.term, aliases))
        if not isinstance(statement.results, Value) or not _is_pure(statement):
            kept.append(statement)
            continue
        key = repr(statement.term)
        if key in first_values:
            aliases[statement.results] = resolve(first_values[key], aliases)
        else:
            first_values[key] = statement.results
            kept.append(statement)
    return Program(program.inputs, tuple(kept), resolve_all(program.outputs, aliases), aliases)


def _is_pure(statement: Statement) -> bool:
    operator = catalogue.get(statement.kind)
    is_random = operator is not None and operator.random
    return not (statement.declarations or isinstance(statement.term, Control) or is_random)
