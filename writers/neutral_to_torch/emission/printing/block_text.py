"""The text of one block of statements, and the names of its variables."""

from __future__ import annotations

from functools import partial
from typing import Container, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.layout import INDENT
from neutral_to_torch.emission.expression.terms import Conditional, Control, ForEachModule
from neutral_to_torch.emission.expression.text import text
from neutral_to_torch.emission.expression.traversal import values
from neutral_to_torch.emission.lowering.program import flatten
from neutral_to_torch.emission.printing.assignments import (
    exceeds_width,
    final_lines,
    has_many_results,
    statement_lines,
    target_text,
)
from neutral_to_torch.emission.printing.block_context import BlockContext, BlockPrinter, Line
from neutral_to_torch.emission.printing.control import ControlText, constants_of_steps
from neutral_to_torch.emission.printing.live_names import LiveNames, TakenNames


class BlockText:
    """Write the lines of one block; :meth:`write` may be called once.

    Args:
        printer: Writes the blocks inside loops and branches, and gives terms names.
        inputs: The values that the block begins with, and their names.
        lines: The block's lines.
        context: The block's indentation and the names that it must not use.
        flow: The name of the variable that a chain of statements assigns again and again.
        nouns: Names of values after their use.

    Attributes:
        output: The lines of text.
        too_long: The lines whose text exceeds the width.
    """

    def __init__(
        self,
        printer: BlockPrinter,
        inputs: Sequence[tuple[Value, str]],
        lines: Sequence[Line],
        context: BlockContext,
        flow: str,
        nouns: Mapping[Value, str],
    ) -> None:
        self._printer, self._lines, self._context = printer, lines, context
        self._flow, self._nouns = flow, nouns
        self._last: dict[Value, int] = {}
        for position, line in enumerate(lines):
            self._last.update(dict.fromkeys(values(line.term), position))
        loops = [line.term for line in lines if isinstance(line.term, ForEachModule)]
        beside = [item for each in loops for item in each.others]
        beside += [item for line in lines if isinstance(line.term, Control) for item in constants_of_steps(line.term)]
        self._beside = {value for item in beside for value in values(item)}
        self._names = dict(inputs)
        self._given = frozenset(name for _, name in inputs) - {flow}
        self._live = LiveNames(self._last, context.reserved | self._given)
        for value, name in inputs:
            self._live.hold(value, name, -1)
        self.output: list[str] = []
        self.too_long: list[Line] = []

    def write(self) -> None:
        """Fill :attr:`output` and :attr:`too_long`."""
        for position, line in enumerate(self._lines):
            self._live.advance(position)
            if isinstance(line.term, Control):
                self._write_control(line, line.term, position)
            elif isinstance(line.term, ForEachModule):
                self._write_loop(line, line.term, position)
            elif line.results is None:
                term = self._printer.named(line.term, self._names)
                self._add(line, final_lines(line, term, self._context.indent))
            elif has_many_results(line.results) and not self._context.carried:
                self._write_items(line, position)
            else:
                self._write_assignment(line, position)

    def _add(self, line: Line, written: Sequence[str]) -> None:
        self.output += written
        if exceeds_width(written):
            self.too_long.append(line)

    def _lasts(self, value: Value, position: int) -> bool:
        """Return whether the value is used after the line that follows ``position``, or in a loop."""
        return value in self._beside or self._last.get(value, position) > position + 1

    def _taken(self) -> TakenNames:
        return TakenNames(self._live, self._live.permanent)

    def _write_control(self, line: Line, control: Control, position: int) -> None:
        results = list(flatten(line.results))
        lasting = {value: self._lasts(value, position) for value in results}
        busy = {*self._live, *self._context.reserved}
        printer, given, indent = self._printer, set(self._given), self._context.indent
        writer = ControlText(printer, line.results, control, self._names, busy, given, indent)
        self.output += writer.lines(partial(self._choose_outliving, line, lasting))
        self._live.hold_all(results, self._names, position)

    def _write_loop(self, line: Line, each: ForEachModule, position: int) -> None:
        """Write the loop that applies every module of a list to one variable."""
        taken = self._taken()
        value = values(each.value)[0]
        for other in (other for item in each.others for other in values(item)):
            taken.add(self._names[other])
        free = self._names[value] not in taken
        name = self._names[value] if free else self._choose(line, line.results, None, taken, False, 1)
        self.output += self._loop(each, name, taken)
        self._names[line.results] = name
        self._live.hold_all(flatten(line.results), self._names, position)

    def _loop(self, each: ForEachModule, name: str, taken: Container[str]) -> list[str]:
        named = partial(self._printer.named, names=self._names)
        begin = text(named(each.value))
        item = next(word for word in ("layer", "block", "module") if word not in taken)
        others = [text(named(other)) for other in each.others]
        others.insert(each.position, name)
        space = INDENT * self._context.indent
        lines = [] if begin == name else [f"{space}{name} = {begin}"]
        lines.append(f"{space}for {item} in {text(named(each.modules))}:")
        return [*lines, f"{space}{INDENT}{name} = {item}({', '.join(others)})"]

    def _write_items(self, line: Line, position: int) -> None:
        """Assign many results to one variable, and name each as its item."""
        term = self._printer.named(line.term, self._names)
        results = list(flatten(line.results))
        whole = self._choose(line, results[0], None, self._taken(), True, 1)
        self._names.update((value, f"{whole}[{k}]") for k, value in enumerate(line.results) if value is not None)
        self._live.hold_all(results, self._names, position)
        self.output += statement_lines(f"{whole} = ", term, self._context.indent)

    def _write_assignment(self, line: Line, position: int) -> None:
        names, live = self._names, self._live
        term = self._printer.named(line.term, names)
        used = list(dict.fromkeys(values(line.term)))
        first = next((names[v] for v in used if names[v] not in live and names[v] not in self._given), None)
        taken = self._taken()
        results = list(flatten(line.results))
        for value in results:
            state, name = self._context.carried.get(value, (None, ""))
            if name and (state is None or self._last.get(state, -1) <= position):
                names[value] = name
            else:
                names[value] = self._choose(line, value, first, taken, self._lasts(value, position), len(results))
            taken.add(names[value])
        live.hold_all(results, names, position)
        for value in used:
            if self._last[value] == position and value not in results:
                names.pop(value, None)
        self._add(line, statement_lines(f"{target_text(line.results, names)} = ", term, self._context.indent))

    def _choose_outliving(self, line: Line, lasting: Mapping[Value, bool], value: Value, taken: set[str]) -> str:
        return self._choose(line, value, None, taken, lasting[value], len(lasting))

    def _choose(
        self, line: Line, value: Value, first: str | None, taken: Container[str], lasting: bool, count: int
    ) -> str:
        """Return a name for one of the ``count`` results of a line.

        A result that the next line uses up is named after its noun, the operand's variable ``first`` or the flow;
        others after the noun or the node.
        """
        noun = self._nouns.get(value)
        hint = noun or (f"{line.hint}_{value.output}" if count > 1 and value.output else line.hint)
        candidates: list[str | None] = [hint]
        if count == 1 and not lasting and not isinstance(line.term, Conditional):
            flows = (self._flow, "out", "y")
            candidates = [noun, first, *flows] if first in flows else [noun, *flows]
        for candidate in candidates:
            if candidate is not None and candidate not in taken:
                return candidate
        return self._live.numbered(hint, taken) if hint in taken else hint
