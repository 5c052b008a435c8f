"""Names of variables after the use of their values: parameters of helpers, and outputs of the catalogue's kinds."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Iterator, Mapping, Sequence

from neutral.graph import Value
from neutral.operators import catalogue
from neutral_to_torch.emission.expression.terms import Call, Name, Ref, Term
from neutral_to_torch.emission.expression.traversal import values, walk
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.printing.helper_source import helpers
from neutral_to_torch.emission.structure.module_ir import owned
from neutral_to_torch.emission.structure.purposes import purposes

_GENERAL = frozenset(("input", "data", "value", "first", "second", "other", "rows", "condition", "index", "indices"))
"""Names of parameters that say nothing of a value outside of the helper."""

_SHORTEST = 4


def nouns(statements: Sequence[Statement]) -> dict[Value, str]:
    """Return names for values: of the helper's parameter that takes one, else of what they predict or of an output.

    Args:
        statements: The statements of a class, in order.

    Returns:
        Names of the values that are used by one statement, whose layout may change on the way to the helper.
    """
    users: dict[Value, int] = {}
    for statement in statements:
        for value in statement.operands:
            users[value] = users.get(value, 0) + 1
    names: dict[Value, str] = {}
    for statement in reversed(statements):
        for value, name in (*_parameters(statement.term), *_row_parts(statement), *_passed_on(statement, names)):
            if users[value] == 1:
                names.setdefault(value, name)
    for value, name in _joined_predictions(statements):
        names.setdefault(value, name)
    for statement in statements:
        names.update(_final_states(statement))
    return names


def _parameters(term: Term) -> Iterator[tuple[Value, str]]:
    """Yield the values that are arguments of helpers, perhaps in another layout, with the parameters' names."""
    for part in walk(term):
        if isinstance(part, Call) and isinstance(part.callee, Name) and part.callee.text in helpers():
            for name, argument in zip(_tensors(part.callee.text), part.args):
                if isinstance(argument, Ref) and len(name) >= _SHORTEST and name not in _GENERAL:
                    yield argument.value, name


def _row_parts(statement: Statement) -> Iterator[tuple[Value, str]]:
    """Yield the parts of rows of (class, score, box)."""
    operands = values(statement.term)
    if statement.kind == "class_rows" and len(operands) == 3:
        yield from zip(operands, ("ids", "scores", "boxes"))


def _tensors(helper: str) -> Sequence[str]:
    """Return the names of a helper's parameters; "" for those that are not tensors."""
    function = getattr(import_module(f"neutral_to_torch.emission.helpers.{helpers()[helper].module}"), helper)
    if inspect.isclass(function):
        return ()
    parameters = inspect.signature(function).parameters.values()
    return [item.name if "Tensor" in str(item.annotation) else "" for item in parameters]


def _passed_on(statement: Statement, names: Mapping[Value, str]) -> Iterator[tuple[Value, str]]:
    """Yield the operand of a statement that changes the layout only, with the name of its result."""
    kind = catalogue.get(statement.kind)
    operands = values(statement.term)
    if kind is not None and kind.layout_only and len(operands) == 1 and statement.results in names:
        yield operands[0], names[statement.results]


def _joined_predictions(statements: Sequence[Statement]) -> Iterator[tuple[Value, str]]:
    """Yield the predictions of classes that a detector joins over its feature maps."""
    predicted = purposes(statements)
    makers = {value: statement for statement in statements for value in statement.values}
    for statement in statements:
        if statement.kind == "concatenate":
            parts = [owned([makers[value]]) if value in makers else [] for value in statement.operands]
            if all(any(predicted.get(item) == "class" for item in part) for part in parts):
                yield from ((value, "class_scores") for value in statement.values)


def _final_states(statement: Statement) -> Iterator[tuple[Value, str]]:
    """Yield the results of a recurrent layer that gives its states."""
    kind = catalogue.get(statement.kind)
    if kind is None or len(statement.values) < 2:
        return
    if kind.outputs[:2] == ("output", "h_n"):
        yield from ((value, kind.outputs[value.output]) for value in statement.values)
