"""Loops and branches as statements of a ``forward``."""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.identifiers import identifier
from neutral_to_torch.emission.expression.layout import INDENT
from neutral_to_torch.emission.expression.terms import Body, Call, Control, ListOrTuple, Name, Operation, Ref, Term
from neutral_to_torch.emission.expression.text import text
from neutral_to_torch.emission.expression.traversal import values
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.printing.block_context import BlockContext, BlockPrinter, Line

Choose = Callable[[Value, "set[str]"], str]
"""Names a value that outlives the statement, given the names that are taken."""


def is_inlined_well(control: Control) -> bool:
    """Return whether the loop or branch can be written: its constants must be variables.

    Args:
        control: The loop or branch, after operands were written inside it.

    Returns:
        False where an operand other than a sequence, an initial state or the condition is an expression.
    """
    begin = control.counts.get("sequences", 0) + control.counts.get("states", 0)
    if control.kind == "branch":
        begin = 1
    return all(isinstance(operand, Ref) for operand in control.operands[begin:])


def constants_of_steps(control: Control) -> Sequence[Term]:
    """Return the operands that a loop over a range uses in every step, and that so deserve names of their own.

    Args:
        control: A loop or branch.

    Returns:
        The terms; none for other kinds.
    """
    return control.operands[control.counts["states"] :] if control.kind == "steps" else ()


class ControlText:
    """Write one loop or branch, and enter the names of its results into ``names``.

    Args:
        forward: Writes the blocks inside.
        results: The outputs in order, None for those that nothing uses.
        control: The loop or branch.
        names: The variable of each value; the results are added.
        live: Names of variables that later lines use.
        given: Names of arguments; only a state that begins with one may be assigned to it.
        indent: The indentation, in steps of four columns.
    """

    def __init__(
        self,
        forward: BlockPrinter,
        results: Sequence[Value | None],
        control: Control,
        names: dict[Value, str],
        live: set[str],
        given: set[str],
        indent: int,
    ) -> None:
        self._forward = forward
        self._control = control
        self._names = names
        self._indent = indent
        self._live = live
        self._busy = live | given | {names[value] for value in values(control)}
        self._operands = [forward.named(operand, names) for operand in control.operands]
        outputs = len(control.bodies[-1].outputs)
        self._results = [*results, *[None] * (outputs - len(results))]

    def lines(self, choose: Choose) -> list[str]:
        """Return the lines of the loop or branch.

        Args:
            choose: Names a result.

        Returns:
            Lines of source.
        """
        if self._control.kind == "branch":
            return self._branch(choose)
        return self._loop(choose)

    def _loop(self, choose: Choose) -> list[str]:
        counts, body = self._control.counts, self._control.bodies[-1]
        sequences, limit = counts.get("sequences", 0), counts.get("limit")
        is_counted = self._control.kind == "steps"
        begin, end = sequences, sequences + counts["states"]
        outputs = len(body.outputs) - counts["states"]
        given = self._operands[:sequences]
        inputs = body.inputs[is_counted:]
        states, lines = self._states(inputs[begin:end], self._operands[begin:end], self._operands[end:])
        lists = {k: self._unique("outputs") for k in range(outputs) if self._results[k] is not None}
        lines += [f"{name} = []" for name in lists.values()]
        items = [self._unique(f"{_stem(operand, value)}_t") for operand, value in zip(given, inputs)]
        constants = [operand.text for operand in self._operands[end:] if isinstance(operand, Name)]
        counter = [self._counter(body)] if is_counted else []
        names = [*counter, *items, *states, *constants]
        finals = [("", Call(Name(f"{name}.append"), (Ref(body.outputs[k]),)), "") for k, name in lists.items()]
        inside = []
        if is_counted:
            lines.append(f"for {counter[0]} in {_range(counts)}:")
        elif limit is None:
            source = text(given[0]) if len(given) == 1 else f"zip({', '.join(map(text, given))})"
            lines.append(f"for {', '.join(items)} in {source}:")
        else:
            condition = self._control.bodies[0]
            lines.append(f"for _ in range({limit}):")
            test = Operation("not", (Ref(condition.outputs[0]),))
            inside += self._body(condition, names, [("if ", test, ":")], [], [])
            inside.append(f"{INDENT * (self._indent + 2)}break")
        inside += self._body(body, names, finals, states, body.outputs[outputs:], inputs[begin:end])
        lines = [*self._indented(lines), *inside]
        for k, name in lists.items():
            value = self._results[k]
            assert value is not None
            self._names[value] = name if is_counted else choose(value, self._busy)
            self._busy.add(self._names[value])
            if not is_counted:
                stacked = f"torch.stack({name})" if limit is None else f"stack_padded({name}, {limit})"
                lines += self._indented([f"{self._names[value]} = {stacked}"])
        for value, name in zip(self._results[outputs:], states):
            if value is not None:
                self._names[value] = name
        return lines

    def _counter(self, body: Body) -> str:
        """Return the variable that counts the steps, ``_`` where the body does not use it."""
        used = {value for statement in body.statements for value in values(statement.term)}
        return self._unique("t") if body.inputs[0] in used else "_"

    def _states(
        self, inside: Sequence[Value], operands: Sequence[Term], constants: Sequence[Term]
    ) -> tuple[list[str], list[str]]:
        """Return the state variables and the lines that initialize them; reuse a variable that is not used later."""
        states: list[str] = []
        lines = []
        used = {*self._live, *(item.text for item in constants if isinstance(item, Name))}
        for value, operand in zip(inside, operands):
            if isinstance(operand, Name) and operand.text not in (*used, *states) and operand.text.isidentifier():
                states.append(operand.text)
                continue
            states.append(self._unique(_stem(Name("state"), value)))
            lines.append(f"{states[-1]} = {text(operand)}")
        return states, lines

    def _branch(self, choose: Choose) -> list[str]:
        then, otherwise = self._control.bodies
        constants = [operand.text for operand in self._operands[1:] if isinstance(operand, Name)]
        targets: dict[int, str] = {}
        for k, value in enumerate(self._results):
            if value is not None:
                targets[k] = self._names[value] = choose(value, self._busy)
                self._busy.add(targets[k])
        lines = self._indented([f"if {text(self._operands[0])}:"])
        for body, between in ((then, [f"{INDENT * self._indent}else:"]), (otherwise, [])):
            lines += self._body(body, constants, [], list(targets.values()), [body.outputs[k] for k in targets])
            lines += between
        return lines

    def _body(
        self,
        body: Body,
        names: Sequence[str],
        finals: Sequence[tuple[str, Term, str]],
        targets: Sequence[str],
        results: Sequence[Value],
        states: Sequence[Value] = (),
    ) -> list[str]:
        """Return the lines of a body that ends with ``finals`` and gives ``results`` to the variables ``targets``."""
        last = [Line(None, term, before=before, after=after) for before, term, after in finals]
        if results:
            terms = tuple(map(Ref, results))
            last.append(Line(None, terms[0] if len(terms) == 1 else ListOrTuple(terms, "()"), targets=tuple(targets)))
        statements = _needed(body.statements, [value for line in last for value in values(line.term)])
        computed = {value for statement in statements for value in statement.values}
        carried: dict[Value, Any] = {}
        for k, value in enumerate(results):
            if value in computed and value not in carried:
                carried[value] = (states[k] if states else None, targets[k])
        scope = BlockContext(self._indent + 1, frozenset(self._busy), carried)
        return self._forward.block(list(zip(body.inputs, names)), statements, last, scope)

    def _unique(self, name: str) -> str:
        candidate, number = name, 2
        while candidate in self._busy:
            candidate, number = f"{name}_{number}", number + 1
        self._busy.add(candidate)
        return candidate

    def _indented(self, lines: Sequence[str]) -> list[str]:
        return [INDENT * self._indent + line for line in lines]


def _range(counts: Mapping[str, int]) -> str:
    """Return the range of a counter."""
    start, stop, step = counts["start"], counts["stop"], counts["step"]
    bounds = (start, stop, step) if step != 1 else (start, stop) if start else (stop,)
    return f"range({', '.join(map(str, bounds))})"


def _stem(operand: Term, value: Value) -> str:
    """Return the name of an item or a state: the sequence's, else the body's."""
    if isinstance(operand, Name) and operand.text.isidentifier() and operand.text != "state":
        return operand.text
    return identifier(re.sub(r"-\d+$", "", value.node.rpartition("/")[2])).lower()


def _needed(statements: Sequence[Statement], wanted: Sequence[Value]) -> list[Statement]:
    """Return the statements that the values depend on."""
    needed, kept = set(wanted), []
    for statement in reversed(statements):
        if any(value in needed for value in statement.values):
            kept.append(statement)
            needed.update(values(statement.term))
    return kept[::-1]
