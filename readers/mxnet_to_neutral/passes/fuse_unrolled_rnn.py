"""Recurrent cells that a symbol applies step after step, recognised as one layer over the sequence.

A sequence is known by its steps: the outputs of an ``unbind``, and after it whatever is done to every step alike.
Where a cell runs over such steps, forwards or backwards, the steps become one ``lstm``, ``gru`` or ``rnn``, what is
done to each of its outputs is done to all at once, and a ``stack`` of all steps is the sequence itself.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence, Tuple

from mxnet_to_neutral.context import Conversion, Draft
from mxnet_to_neutral.passes.dataflow import Flow
from neutral.graph import Operand, Value

Steps = Tuple[Value, ...]

CELLS = {"lstm_cell": "lstm", "gru_cell": "gru", "rnn_cell": "rnn"}
ALIKE = frozenset(
    {
        "dropout", "relu", "sigmoid", "tanh", "softplus", "softsign", "leaky_relu", "identity",
        "add", "subtract", "multiply", "divide", "concatenate", "linear", "flatten",
    }
)  # fmt: skip
"""Kinds that do to a sequence what they do to each step: their axis of features comes last."""


def fold_unrolled(conversion: Conversion) -> None:
    """Replace cells over all steps of a sequence by layers."""
    if any(draft.kind in CELLS for draft in conversion.drafts):
        Roll(Flow(conversion)).run()


class Roll:
    """Follows sequences from step to step. Those in ``recurrent`` are replaced by the value that is all of them."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.whole: dict[Steps, Value] = {}
        self.new: list[Draft] = []
        self.gone: dict[str, Draft] = {}
        self.values: dict[Value, Value] = {}
        self.recurrent: set[Steps] = set()
        self._makers: dict[Steps, Callable[[], Value]] = {}
        self._queue: list[Steps] = []

    def run(self) -> None:
        self._merge_equal()
        for draft in self.flow.conversion.drafts:
            if draft.kind == "unbind" and draft.attributes["parts"] > 1:
                self._begin(draft)
        while self._queue:
            steps = self._queue.pop(0)
            for user in self.flow.users.get(steps[0], ()):
                if user.name not in self.gone:
                    self._apply(steps, user)
        if self.recurrent:
            self._finish()

    def _merge_equal(self) -> None:
        """What is done twice to one step, for either direction, is done once."""
        first: dict[tuple[Value, ...], Draft] = {}
        values: dict[Value, Value] = {}
        for draft in self.flow.conversion.drafts:
            if draft.kind == "flatten" and self.flow.made(draft.inputs[0], "unbind"):
                known = first.setdefault(tuple(v for v in draft.inputs if isinstance(v, Value)), draft)
                if known is not draft:
                    values[Value(draft.name)] = Value(known.name)
        if values:
            self.flow.replace([], {value.node for value in values}, values)
            self.flow = Flow(self.flow.conversion)

    def _begin(self, unbind: Draft) -> None:
        steps = tuple(Value(unbind.name, k) for k in range(unbind.attributes["parts"]))
        source = unbind.inputs[0]

        def make() -> Value:
            axis = unbind.attributes["axis"]
            if axis == 1:
                return self._add(unbind, "swap_axes", source, axis=0, other_axis=1)
            if axis:
                return self._add(unbind, "move_axis", source, source=axis, destination=0)
            assert isinstance(source, Value)
            return source

        self._know(steps, make)

    def _know(self, steps: Steps, make: Callable[[], Value]) -> None:
        """Another sequence; it is made when a layer needs it."""
        self._makers[steps] = make
        self._queue.append(steps)

    def _all(self, steps: Steps) -> Value:
        """The sequence as one value."""
        if steps not in self.whole:
            self.whole[steps] = self._makers[steps]()
        return self.whole[steps]

    def _apply(self, steps: Steps, user: Draft) -> None:
        """What is done to the first step: is it done to all?"""
        position = user.inputs.index(steps[0])
        group = [self._alike(user, value, position) for value in steps]
        members = [draft for draft in group if draft is not None]
        if len({id(draft) for draft in members}) < len(steps):
            return
        if user.kind in CELLS and position == 0:
            self._layer(steps, members)
        elif user.kind in ALIKE:
            self._all_at_once(members)

    def _alike(self, first: Draft, value: Value, position: int) -> Draft | None:
        for user in self.flow.users.get(value, ()):
            same = user.kind == first.kind and user.attributes == first.attributes and user.name not in self.gone
            placed = len(user.inputs) == len(first.inputs) and user.inputs[position] == value
            if same and placed and _tensors(user) == _tensors(first):
                return user
        return None

    def _layer(self, steps: Steps, cells: Sequence[Draft]) -> None:
        for backwards, ordered in ((False, list(cells)), (True, list(cells)[::-1])):
            states = [[Value(cell.name, k) for k in range(len(cell.inputs) - 1)] for cell in ordered]
            follow = all(cell.inputs[1:] == before for cell, before in zip(ordered[1:], states))
            inner = all(
                self.flow.is_private(state, [after])
                for before, after in zip(states, ordered[1:])
                for state in before[1:]
            )
            if follow and inner:
                self._run_layer(steps, ordered, backwards)
                return

    def _run_layer(self, steps: Steps, cells: Sequence[Draft], backwards: bool) -> None:
        first, last = cells[0], cells[-1]
        kind = CELLS[first.kind]
        attributes: dict[str, Any] = {"num_layers": 1, "bidirectional": False, "dropout": 0.0, **first.attributes}
        if kind == "lstm":
            attributes.update(projection_size=0, clip_min=None, clip_max=None, clip_nan=False)
        given: Operand = self._all(steps)
        if backwards:
            given = self._reversed(first, self._all(steps))
        states = [None if state is None else self._add(first, "unsqueeze", state, axis=0) for state in first.inputs[1:]]
        layer = self._add(first, kind, given, *states, **attributes)
        made = self.new[-1]
        made.layer = first.layer
        made.roles = {f"{role}_l0": tensor for role, tensor in first.roles.items()}
        whole = layer
        if backwards:
            whole = self._add(first, "flip", layer, axes=(0,))
        self.gone.update((cell.name, cell) for cell in cells)
        ordered = cells[::-1] if backwards else cells
        outputs = tuple(Value(cell.name) for cell in ordered)
        self.recurrent.add(outputs)
        self._know(outputs, lambda: whole)
        for k in range(len(first.inputs) - 1):
            final = Value(last.name, k)
            if k and (final in self.flow.outputs or self.flow.users.get(final)):
                state = Value(layer.node, 1 + k)
                self.values[final] = self._add(last, "squeeze", state, axes=(0,), at_least_1d=False)

    def _all_at_once(self, group: Sequence[Draft]) -> None:
        """Something that is done to every step, where its other operands are sequences or numbers too."""
        columns: list[Steps | Operand] = []
        for column in zip(*(draft.inputs for draft in group)):
            values = tuple(value for value in column if isinstance(value, Value))
            if values in self._makers:
                columns.append(values)
            elif not values and len(set(column)) == 1:
                columns.append(column[0])
            else:
                return
        first, kind, attributes = group[0], group[0].kind, dict(group[0].attributes)
        if first.kind == "concatenate":
            if attributes["axis"] not in (1, -1):
                return
            attributes["axis"] = 2 if attributes["axis"] == 1 else -1
        elif first.kind == "linear":
            attributes["flatten"] = False
        elif first.kind == "flatten":
            kind, attributes = "reshape", {"shape": (0, 0, -1), "from_end": False}
        elif attributes.get("shared_axes"):
            return
        outputs = tuple(Value(draft.name) for draft in group)

        def make() -> Value:
            operands = [self._all(column) if isinstance(column, tuple) else column for column in columns]
            whole = self._add(first, kind, *operands, **attributes)
            self.new[-1].layer = first.layer
            self.new[-1].roles = dict(first.roles)
            self.gone.update((draft.name, draft) for draft in group)
            self.recurrent.add(outputs)
            return whole

        self._know(outputs, make)
        if any(column in self.recurrent for column in columns):
            self._all(outputs)

    def _finish(self) -> None:
        """Whole sequences for stacks of all steps, and single steps where they are used by themselves."""
        for draft in self.flow.conversion.drafts:
            steps, axis, between = self._stacked(draft)
            if not steps:
                continue
            backwards = steps not in self.recurrent
            whole = self._all(steps[::-1] if backwards else steps)
            if backwards:
                whole = self._reversed(draft, whole)
            if draft.kind == "concatenate" and not between:
                whole = self._add(draft, "merge_axes", whole, axis=0, count=2)
            elif axis == 1:
                whole = self._add(draft, "swap_axes", whole, axis=0, other_axis=1)
            elif axis:
                whole = self._add(draft, "move_axis", whole, source=0, destination=axis)
            self.gone.update((item.name, item) for item in (draft, *between))
            self.values[Value(draft.name)] = whole
        for steps in sorted(self.recurrent, key=lambda steps: steps[0].node):
            self._single_steps(steps)
        self._rename()
        self.flow.replace(self.new, set(self.gone), self.values)

    def _reversed(self, draft: Draft, whole: Value) -> Value:
        """The sequence in reverse order: what was reversed before is used as it was."""
        before = next((item for item in self.new if item.name == whole.node and item.kind == "flip"), None)
        if before is not None and isinstance(before.inputs[0], Value):
            return before.inputs[0]
        return self._add(draft, "flip", whole, axes=(0,))

    def _stacked(self, draft: Draft) -> tuple[Steps, int, list[Draft]]:
        """The steps that a draft stacks in either order, the axis, and what it stacks them by."""
        steps = tuple(value for value in draft.inputs if isinstance(value, Value))
        between: list[Draft] = []
        if draft.kind == "concatenate" and (steps in self.recurrent or steps[::-1] in self.recurrent):
            return (steps, 0, []) if draft.attributes["axis"] == 0 else ((), 0, [])
        if draft.kind == "concatenate":
            axis = draft.attributes["axis"]
            made = [self.flow.made(value, "unsqueeze") for value in steps]
            between = [d for d in made if d is not None and d.attributes["axis"] == axis]
            private = all(self.flow.is_private(Value(d.name), [draft]) for d in between)
            if len(between) < len(steps) or not private:
                return (), 0, []
            steps = tuple(value for d in between for value in d.inputs if isinstance(value, Value))
        elif draft.kind == "stack":
            axis = draft.attributes["axis"]
        else:
            return (), 0, []
        known = steps in self.recurrent or steps[::-1] in self.recurrent
        return (steps, axis, between) if known and axis >= 0 else ((), 0, [])

    def _single_steps(self, steps: Steps) -> None:
        """Steps that something uses by itself: the last, or any of them."""
        used = [k for k, value in enumerate(steps) if self._is_used(value)]
        whole = self._all(steps)
        if used == [len(steps) - 1]:
            value = self._add(self.gone[steps[-1].node], "sequence_last", whole, None, axis=0)
            self.values[steps[-1]] = value
        elif used:
            parts = self._add(self.gone[steps[0].node], "unbind", whole, axis=0, parts=len(steps))
            self.values.update((value, Value(parts.node, k)) for k, value in enumerate(steps))

    def _is_used(self, value: Value) -> bool:
        users = [*(user for user in self.flow.users.get(value, ()) if user.name not in self.gone), *self.new]
        return value in self.flow.outputs or any(value in user.inputs for user in users)

    def _rename(self) -> None:
        """Let what takes the place of a draft, with the same value, have its name."""
        named: dict[str, str] = {}
        made = {draft.name for draft in self.new}
        for old, value in self.values.items():
            if old.output == 0 and value.output == 0 and value.node in made:
                named.setdefault(value.node, old.node)
        for draft in self.new:
            draft.name = named.get(draft.name, draft.name)
            draft.inputs = [_named(operand, named) for operand in draft.inputs]
        self.values = {old: _named(value, named) for old, value in self.values.items()}

    def _add(self, like: Draft, kind: str, *inputs: Operand, **attributes: Any) -> Value:
        taken = {draft.name for draft in self.new} | set(self.flow.makers)
        name = stem = like.name.rstrip("0123456789") if kind in ALIKE else f"{like.name}.{kind}"
        number = 1
        while not name or name in taken:
            number += 1
            name = f"{stem}#{number}"
        self.new.append(Draft(name, kind, list(inputs), attributes, like.origin))
        return Value(name)


def _named(operand: Operand, names: dict[str, str]) -> Any:
    return Value(names.get(operand.node, operand.node), operand.output) if isinstance(operand, Value) else operand


def _tensors(draft: Draft) -> dict[str, object]:
    """What tells the tensors of a draft from those of another."""
    return {role: getattr(tensor, "identity", tensor) for role, tensor in draft.roles.items()}
