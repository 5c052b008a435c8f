"""Lay out a ``forward``: which operands are inlined, and the names of variables."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Container, Iterable, Iterator, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.layout import INDENT, WIDTH, layout
from neutral_to_torch.emission.expression.rebuilding import rebuild
from neutral_to_torch.emission.expression.terms import (
    Call,
    Conditional,
    Control,
    ForEachModule,
    ListOrTuple,
    Name,
    Operation,
    Ref,
    SelfAttribute,
    Term,
)
from neutral_to_torch.emission.expression.text import text
from neutral_to_torch.emission.expression.traversal import children, values, walk
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement, flatten
from neutral_to_torch.emission.printing.block_context import BlockContext, Line
from neutral_to_torch.emission.printing.control import ControlText, is_inlined_well
from neutral_to_torch.emission.printing.live_names import LiveNames, TakenNames
from neutral_to_torch.emission.printing.signatures import without_defaults


class Forward:
    """Writes the body of one ``forward``.

    ``own`` gives the text of what the module owns (``self.conv1``), ``has_own_line`` says which of it deserves a line
    of its own, ``hint`` proposes a variable's name for a statement, ``reserved`` are names no variable may have,
    and ``nouns`` are names of values after their use.
    """

    def __init__(
        self,
        own: Callable[[Any], str],
        has_own_line: Callable[[Any], bool],
        hint: Callable[[Statement], str],
        reserved: frozenset[str],
        flow: str,
        nouns: Mapping[Value, str],
    ) -> None:
        self._own, self._has_own_line, self._hint, self._nouns = own, has_own_line, hint, nouns
        self._reserved, self._flow = reserved, flow

    def lines(
        self, inputs: Sequence[tuple[Value, str]], statements: Sequence[Statement], outputs: Sequence[Value]
    ) -> list[str]:
        """Return the statements, indented as a method's body."""
        items = tuple(Ref(value) for value in outputs)
        final = Line(None, items[0] if len(items) == 1 else ListOrTuple(items, "()"))
        return self.block(inputs, statements, [final], BlockContext(2, self._reserved))

    def block(
        self,
        inputs: Sequence[tuple[Value, str]],
        statements: Sequence[Statement],
        finals: Sequence[Line],
        scope: BlockContext,
    ) -> list[str]:
        """Return the statements of a block that ends with ``finals``."""
        whole: set[object] = set()
        while True:
            endings = [replace(line) for line in finals]
            keys: dict[Line, object] = dict(zip(endings, finals))
            lines = self._statements(statements, endings, keys, whole)
            output, too_long = self._render(inputs, lines, scope)
            crowded = {keys[line] for line in too_long if line.holds}
            if not crowded:
                return output
            whole |= crowded

    def _statements(
        self, statements: Sequence[Statement], finals: Sequence[Line], keys: dict[Line, object], whole: set[object]
    ) -> list[Line]:
        """Return a line for each statement that is not written inside another; nothing is inlined into ``whole`` ones.

        ``keys`` is given what each statement is made of.
        """
        uses = Counter(value for statement in statements for value in values(statement.term))
        uses.update(value for line in finals for value in values(line.term))
        pending: dict[Value, Line] = {}
        order: list[Line] = []
        for statement in statements:
            line = Line(statement.results, statement.term, self._hint(statement))
            keys[line] = statement
            if statement not in whole:
                self._absorb(line, pending)
            if isinstance(statement.results, Value) and uses[statement.results] == 1:
                pending[statement.results] = line
            order.append(line)
        for final in finals:
            if keys[final] not in whole:
                self._absorb(final, pending)
        return [*(line for line in order if not line.inlined), *finals]

    def _absorb(self, line: Line, pending: dict[Value, Line]) -> None:
        """Write operands that are used only here inside the line, as far as it stays readable."""
        operands = dict.fromkeys(values(line.term))
        if len(operands) > 2 and not isinstance(line.term, (Control, ForEachModule)) and _joins_many(line.term):
            self._absorb_many(line, operands, pending)
        else:
            self._absorb_each(line, operands, pending)

    def _absorb_each(self, line: Line, operands: Iterable[Value], pending: dict[Value, Line]) -> None:
        for value in operands:
            producer = pending.pop(value, None)
            if producer is None:
                continue
            merged = _replace(line.term, {value: producer.term})
            if self._reads_well(line.term, producer.term, merged):
                line.term = merged
                line.holds = producer.inlined = True

    def _absorb_many(self, line: Line, operands: Iterable[Value], pending: dict[Value, Line]) -> None:
        """Do as :meth:`_absorb` for a term with a list of more than two items, in time linear in the operands."""
        depths = dict(_depths_of_values(line.term))
        depth, weight = self._depth(line.term), self._weight(line.term)
        replaced: dict[Value, Term] = {}
        used = set(operands)
        for value in operands:
            if len(used) < 2:
                break
            producer = pending.pop(value, None)
            if producer is None or isinstance(producer.term, (ForEachModule, Conditional)):
                continue
            own, heavy = self._depth(producer.term), self._weight(producer.term)
            if own > 1 or (heavy and weight and self._applies_weights(line.term)):
                continue
            if max(depth, depths[value] + own) > HEURISTICS.deepest_expression:
                continue
            replaced[value] = producer.term
            used.remove(value)
            used.update(values(producer.term))
            depth, weight = max(depth, depths[value] + own), weight + heavy
            line.holds = producer.inlined = True
        line.term = _replace(line.term, replaced) if replaced else line.term
        if len(used) < 2:
            self._absorb_each(line, [value for value in operands if value in pending], pending)

    def _reads_well(self, consumer: Term, producer: Term, merged: Term) -> bool:
        if isinstance(consumer, ForEachModule) or isinstance(producer, ForEachModule):
            return False
        if isinstance(merged, Control):
            return is_inlined_well(merged) and self._depth(producer) < HEURISTICS.deepest_expression
        if isinstance(consumer, Ref):
            return True
        if isinstance(producer, Conditional):
            return False
        merging = len(set(values(consumer))) > 1 or isinstance(consumer, ListOrTuple)
        if merging and self._depth(producer) > 1:
            return False
        if not merging and self._weight(producer) + self._weight(consumer) > 1:
            return False
        if merging and self._weight(producer) and self._weight(consumer) and self._applies_weights(consumer):
            return False
        if merging and any(isinstance(item, ListOrTuple) and len(item.items) > 2 for item in walk(consumer)):
            return self._depth(merged) <= HEURISTICS.deepest_expression
        return (
            self._depth(merged) <= HEURISTICS.deepest_expression
            and len(text(self.named(merged, {}))) + 8 + 4 <= HEURISTICS.comfortable_width
        )

    def _applies_weights(self, term: Term) -> bool:
        return (
            isinstance(term, Call)
            and isinstance(term.callee, SelfAttribute)
            and self._has_own_line(term.callee.declaration)
        )

    def _weight(self, term: Term) -> int:
        return sum(self._applies_weights(item) for item in walk(term))

    def _depth(self, term: Term) -> int:
        inner = max((self._depth(child) for child in children(term)), default=0)
        return inner + isinstance(term, (Call, Operation))

    def named(self, term: Term, names: Mapping[Value, str]) -> Term:
        """Return the term with variables' names for values, and attributes of ``self`` for what the module owns."""

        def name(leaf: Term) -> Term | None:
            if isinstance(leaf, Ref):
                return Name(names.get(leaf.value, "x"))
            return Name(self._own(leaf.declaration)) if isinstance(leaf, SelfAttribute) else None

        return without_defaults(rebuild(term, name))

    def _render(
        self, inputs: Sequence[tuple[Value, str]], lines: Sequence[Line], scope: BlockContext
    ) -> tuple[list[str], list[Line]]:
        """Return the text, and the lines that do not fit the width."""
        last: dict[Value, int] = {}
        for position, line in enumerate(lines):
            last.update(dict.fromkeys(values(line.term), position))
        loops = [line.term for line in lines if isinstance(line.term, ForEachModule)]
        beside = {value for each in loops for item in each.others for value in values(item)}
        names = dict(inputs)
        given = frozenset(name for _, name in inputs) - {self._flow}
        live = LiveNames(last, scope.reserved | given)
        for value, name in inputs:
            live.hold(value, name, -1)
        output: list[str] = []
        too_long: list[Line] = []
        for position, line in enumerate(lines):
            used = list(dict.fromkeys(values(line.term)))
            live.advance(position)
            taken = TakenNames(live, live.permanent)
            defined = list(flatten(line.results))
            lasting = {value: value in beside or last.get(value, position) > position + 1 for value in defined}
            if isinstance(line.term, Control):
                busy = {*live, *scope.reserved}
                control = ControlText(self, line.results, line.term, names, busy, set(given), scope.indent)
                output += control.lines(partial(self._choose_outliving, line, lasting, live))
                live.hold_all(defined, names, position)
                continue
            if isinstance(line.term, ForEachModule):
                value = values(line.term.value)[0]
                for other in (other for item in line.term.others for other in values(item)):
                    taken.add(names[other])
                free = names[value] not in taken
                name = names[value] if free else self._choose(line, line.results, None, taken, live, False, 1)
                output += self._each(line.term, name, names, taken, scope.indent)
                names[line.results] = name
                live.hold_all(defined, names, position)
                continue
            term = self.named(line.term, names)
            if line.results is None:
                written = _final(line, term, scope.indent)
                output += written
                too_long += [line] if _is_too_long(written) else []
                continue
            first = next((names[v] for v in used if names[v] not in live and names[v] not in given), None)
            if _is_long(line.results) and not scope.carried:
                whole = self._choose(line, defined[0], None, taken, live, True, 1)
                names.update((value, f"{whole}[{k}]") for k, value in enumerate(line.results) if value is not None)
                live.hold_all(defined, names, position)
                output += _statement(f"{whole} = ", term, scope.indent)
                continue
            for value in defined:
                state, name = scope.carried.get(value, (None, ""))
                if name and (state is None or last.get(state, -1) <= position):
                    names[value] = name
                else:
                    names[value] = self._choose(line, value, first, taken, live, lasting[value], len(defined))
                taken.add(names[value])
            live.hold_all(defined, names, position)
            for value in used:
                if last[value] == position and value not in defined:
                    names.pop(value, None)
            target = _target(line.results, names, self._reserved, nested=False)
            written = _statement(f"{target} = ", term, scope.indent)
            output += written
            too_long += [line] if _is_too_long(written) else []
        return output, too_long

    def _each(
        self, each: ForEachModule, name: str, names: Mapping[Value, str], taken: Container[str], indent: int
    ) -> list[str]:
        """Return the lines that apply every module of a list; ``name`` is the variable that goes through them."""
        begin = text(self.named(each.value, names))
        item = next(word for word in ("layer", "block", "module") if word not in taken)
        others = [text(self.named(other, names)) for other in each.others]
        space = INDENT * indent
        lines = [] if begin == name else [f"{space}{name} = {begin}"]
        lines.append(f"{space}for {item} in {text(self.named(each.modules, names))}:")
        others.insert(each.position, name)
        return [*lines, f"{space}{INDENT}{name} = {item}({', '.join(others)})"]

    def _choose_outliving(
        self, line: Line, lasting: Mapping[Value, bool], live: LiveNames, value: Value, taken: set[str]
    ) -> str:
        return self._choose(line, value, None, taken, live, lasting[value], len(lasting))

    def _choose(
        self,
        line: Line,
        value: Value,
        first: str | None,
        taken: Container[str],
        live: LiveNames,
        lasting: bool,
        count: int,
    ) -> str:
        noun = self._nouns.get(value)
        hint = noun or (f"{line.hint}_{value.output}" if count > 1 and value.output else line.hint)
        candidates: list[str | None] = [hint]
        if count == 1 and not lasting and not isinstance(line.term, Conditional):
            flows = (self._flow, "out", "y")
            candidates = [noun, first, *flows] if first in flows else [noun, *flows]
        for candidate in candidates:
            if candidate is not None and candidate not in taken:
                return candidate
        return live.numbered(hint, taken) if hint in taken else hint


def _replace(term: Term, by: Mapping[Value, Term]) -> Term:
    return rebuild(term, lambda leaf: by.get(leaf.value) if isinstance(leaf, Ref) else None)


def _joins_many(term: Term) -> bool:
    """Return whether the term has a list of more than two items, each with a value of its own."""
    return any(
        isinstance(item, ListOrTuple) and len(item.items) > 2 and all(isinstance(part, Ref) for part in item.items)
        for item in walk(term)
    )


def _depths_of_values(term: Term, depth: int = 0) -> Iterator[tuple[Value, int]]:
    """Yield for each value of the term the calls and operations that it stands in."""
    if isinstance(term, Ref):
        yield term.value, depth
    for child in children(term):
        yield from _depths_of_values(child, depth + isinstance(term, (Call, Operation)))


def _target(pattern: Any, names: dict[Value, str], reserved: frozenset[str], nested: bool) -> str:
    if pattern is None:
        return "_"
    if isinstance(pattern, Value):
        return names[pattern]
    items = ", ".join(_target(item, names, reserved, nested=True) for item in pattern)
    items += "," if len(pattern) == 1 else ""
    return f"({items})" if nested else items


def _statement(before: str, term: Term, indent: int, after: str = "") -> list[str]:
    lines = layout(term, indent, before, after)
    if lines is None:
        return [f"{INDENT * indent}{before}{text(term)}{after}"]
    if isinstance(term, ListOrTuple) and term.brackets == "()" and len(lines) == 1 and len(term.items) > 1:
        return [lines[0].replace(f"{before}(", before, 1)[:-1]]
    return lines


def _is_long(pattern: Any) -> bool:
    """Return whether a statement gives so many results that they are items of one variable."""
    if not isinstance(pattern, tuple) or len(pattern) <= HEURISTICS.most_targets:
        return False
    return not any(isinstance(item, tuple) for item in pattern)


def _is_too_long(lines: Sequence[str]) -> bool:
    return any(len(line) > WIDTH for line in lines)


def _final(line: Line, term: Term, indent: int) -> list[str]:
    if not line.targets:
        return _statement(line.before, term, indent, line.after)
    items = term.items if isinstance(term, ListOrTuple) and len(line.targets) > 1 else (term,)
    pairs = [(target, item) for target, item in zip(line.targets, items) if Name(target) != item]
    if not pairs:
        return []
    targets, items = zip(*pairs)
    return _statement(f"{', '.join(targets)} = ", items[0] if len(items) == 1 else ListOrTuple(items, "()"), indent)
