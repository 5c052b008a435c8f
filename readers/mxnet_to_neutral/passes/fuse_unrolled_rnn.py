"""Fuse recurrent cells that are unrolled over the steps of a sequence into layers over the sequence.

A sequence is known by its steps: the outputs of an ``unbind``, and the results of drafts that act on all steps alike.
Where a cell runs over all steps, forwards or backwards, the steps become one ``lstm``, ``gru`` or ``rnn``; drafts that
act on each of its outputs act on the sequence instead, and a ``stack`` of all steps becomes the sequence itself.
"""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.drafts import Conversion, Draft
from mxnet_to_neutral.passes.patterns import producer, use_def
from mxnet_to_neutral.passes.stacked_steps import replace_stacks, replace_steps
from mxnet_to_neutral.passes.step_sequences import Steps, StepSequences, acts_on_each_step
from neutral.graph import Operand, Value

_LAYER_OF_CELL = {"lstm_cell": "lstm", "gru_cell": "gru", "rnn_cell": "rnn"}


def fuse_unrolled_rnn(conversion: Conversion) -> Conversion:
    """Replace cells over all steps of a sequence by layers.

    Args:
        conversion: The converted symbol; it is changed in place.

    Returns:
        The same conversion.
    """
    if not any(draft.kind in _LAYER_OF_CELL for draft in conversion.drafts):
        return conversion
    _merge_equal_flattens(conversion)
    sequences = StepSequences(conversion)
    for draft in conversion.drafts:
        if draft.kind == "unbind" and draft.attributes["parts"] > 1:
            _register_unbind(sequences, draft)
    while sequences.pending:
        steps = sequences.pending.pop(0)
        for user in sequences.graph.users.get(steps[0], ()):
            if user.name not in sequences.removed:
                _follow(sequences, steps, user)
    if sequences.fused:
        replace_stacks(sequences)
        replace_steps(sequences)
        sequences.apply()
    return conversion


def _merge_equal_flattens(conversion: Conversion) -> None:
    """Merge equal ``flatten`` drafts of one step, which bidirectional networks have for either direction."""
    graph = use_def(conversion)
    first: dict[Operand, Draft] = {}
    values: dict[Value, Value] = {}
    for draft in conversion.drafts:
        if draft.kind == "flatten" and producer(graph, draft.inputs[0], "unbind"):
            kept = first.setdefault(draft.inputs[0], draft)
            if kept is not draft:
                values[Value(draft.name)] = Value(kept.name)
    if values:
        conversion.replace([], {value.node for value in values}, values)


def _register_unbind(sequences: StepSequences, unbind: Draft) -> None:
    """Register the outputs of an ``unbind`` as a sequence."""
    source, axis = unbind.inputs[0], unbind.attributes["axis"]

    def make() -> Value:
        if axis == 1:
            return sequences.add(unbind, "swap_axes", source, axis=0, other_axis=1)
        if axis:
            return sequences.add(unbind, "move_axis", source, source=axis, destination=0)
        assert isinstance(source, Value)
        return source

    sequences.register(tuple(Value(unbind.name, k) for k in range(unbind.attributes["parts"])), make)


def _follow(sequences: StepSequences, steps: Steps, user: Draft) -> None:
    """Fuse a user of the first step with the equal users of all other steps, if there are such."""
    position = user.inputs.index(steps[0])
    users = [_equal_user(sequences, user, value, position) for value in steps]
    group = [draft for draft in users if draft is not None]
    if len({id(draft) for draft in group}) < len(steps):
        return
    if user.kind in _LAYER_OF_CELL and position == 0:
        _fuse_cells(sequences, steps, group)
    elif acts_on_each_step(user.kind):
        _fuse_stepwise(sequences, group)


def _equal_user(sequences: StepSequences, first: Draft, value: Value, position: int) -> Draft | None:
    """Return the user of a value that equals ``first``: kind, attributes, tensors and position of the value."""
    for user in sequences.graph.users.get(value, ()):
        same_kind = user.kind == first.kind and user.attributes == first.attributes
        same_place = len(user.inputs) == len(first.inputs) and user.inputs[position] == value
        if same_kind and same_place and user.name not in sequences.removed and _tensors(user) == _tensors(first):
            return user
    return None


def _tensors(draft: Draft) -> dict[str, object]:
    """Return values that are equal for drafts with equal tensors."""
    return {role: getattr(tensor, "identity", tensor) for role, tensor in draft.roles.items()}


def _fuse_cells(sequences: StepSequences, steps: Steps, cells: Sequence[Draft]) -> None:
    """Replace cells by a layer if each takes its states from the step before, or each from the step after."""
    for backwards in (False, True):
        ordered = list(cells)[::-1] if backwards else list(cells)
        states = [[Value(cell.name, k) for k in range(len(cell.inputs) - 1)] for cell in ordered]
        is_chain = all(cell.inputs[1:] == before for cell, before in zip(ordered[1:], states))
        is_private = all(
            sequences.graph.is_private(state, [after])
            for before, after in zip(states, ordered[1:])
            for state in before[1:]
        )
        if is_chain and is_private:
            _add_layer(sequences, steps, ordered, backwards)
            return


def _add_layer(sequences: StepSequences, steps: Steps, cells: Sequence[Draft], backwards: bool) -> None:
    """Replace cells, in the order in which they run, by a layer, its final states and its outputs."""
    first, last = cells[0], cells[-1]
    kind = _LAYER_OF_CELL[first.kind]
    attributes: dict[str, Any] = {"num_layers": 1, "bidirectional": False, "dropout": 0.0, **first.attributes}
    if kind == "lstm":
        attributes.update(projection_size=0, clip_min=None, clip_max=None, clip_nan=False)
    source = sequences.whole(steps)
    if backwards:
        source = sequences.reversed(first, source)
    states = [None if state is None else sequences.add(first, "unsqueeze", state, axis=0) for state in first.inputs[1:]]
    layer = sequences.add(first, kind, source, *states, **attributes)
    draft = sequences.new[-1]
    draft.layer = first.layer
    draft.roles = {f"{role}_l0": tensor for role, tensor in first.roles.items()}
    result = sequences.add(first, "flip", layer, axes=(0,)) if backwards else layer
    sequences.remove(*cells)
    outputs = tuple(Value(cell.name) for cell in (cells[::-1] if backwards else cells))
    sequences.fused.add(outputs)
    sequences.register(outputs, lambda: result)
    for k in range(1, len(first.inputs) - 1):
        final = Value(last.name, k)
        if final in sequences.graph.outputs or sequences.graph.users.get(final):
            state = Value(layer.node, 1 + k)
            sequences.values[final] = sequences.add(last, "squeeze", state, axes=(0,), at_least_1d=False)


def _fuse_stepwise(sequences: StepSequences, group: Sequence[Draft]) -> None:
    """Register the results of drafts that act on every step, if their other operands are sequences or numbers too."""
    columns: list[Steps | Operand] = []
    for column in zip(*(draft.inputs for draft in group)):
        values = tuple(value for value in column if isinstance(value, Value))
        if values in sequences:
            columns.append(values)
        elif not values and len(set(column)) == 1:
            columns.append(column[0])
        else:
            return
    first = group[0]
    on_sequence = _on_sequence(first)
    if on_sequence is None:
        return
    kind, attributes = on_sequence
    outputs = tuple(Value(draft.name) for draft in group)

    def make() -> Value:
        operands = [sequences.whole(column) if isinstance(column, tuple) else column for column in columns]
        whole = sequences.add(first, kind, *operands, **attributes)
        sequences.new[-1].layer = first.layer
        sequences.new[-1].roles = dict(first.roles)
        sequences.remove(*group)
        sequences.fused.add(outputs)
        return whole

    sequences.register(outputs, make)
    if any(column in sequences.fused for column in columns):
        sequences.whole(outputs)


def _on_sequence(draft: Draft) -> tuple[str, dict[str, Any]] | None:
    """Return kind and attributes with which a draft of one step acts on all steps; None if it cannot."""
    attributes = dict(draft.attributes)
    if draft.kind == "concatenate":
        if attributes["axis"] not in (1, -1):
            return None
        attributes["axis"] = 2 if attributes["axis"] == 1 else -1
    elif draft.kind == "linear":
        attributes["flatten"] = False
    elif draft.kind == "flatten":
        return "reshape", {"shape": (0, 0, -1), "from_end": False}
    elif attributes.get("shared_axes"):
        return None
    return draft.kind, attributes
