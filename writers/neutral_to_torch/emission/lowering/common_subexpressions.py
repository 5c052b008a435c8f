"""Expressions that a program computes more than once, computed once."""

from __future__ import annotations

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import Control, Member, Name, walk
from neutral_to_torch.emission.lowering.lower import Op, Program, resolve, substitute

CHANCE = (
    "dropout",
    "rand",
    "normal",
    "bernoulli",
    "multinomial",
    "poisson",
    "sample",
    "uniform",
    "exponential",
    "gamma",
)
"""Words in the names of functions that give something else each time."""


def shared(program: Program) -> Program:
    """The program without ops that repeat an earlier one. What a module is applied to, or chance is in, stays."""
    seen: dict[str, Value] = {}
    aliases = dict(program.aliases)
    kept = []
    for op in program.ops:
        op = Op(op.name, substitute(op.term, aliases), op.results) if aliases else op
        if not isinstance(op.results, Value) or not _is_pure(op):
            kept.append(op)
            continue
        key = repr(op.term)
        if key in seen:
            aliases[op.results] = seen[key]
        else:
            seen[key] = op.results
            kept.append(op)
    return Program(program.inputs, tuple(kept), tuple(resolve(v, aliases) for v in program.outputs), aliases)


def _is_pure(op: Op) -> bool:
    if op.declarations or isinstance(op.term, Control):
        return False
    parts = list(walk(op.term))
    words = [part.text for part in parts if isinstance(part, Name)] + [p.name for p in parts if isinstance(p, Member)]
    return not any(word in name.lower() for name in words for word in CHANCE)
