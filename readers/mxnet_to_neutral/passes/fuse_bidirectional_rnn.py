"""Fuse a forward and a backward recurrent layer over one sequence into a bidirectional layer."""

from __future__ import annotations

from dataclasses import dataclass

from mxnet_to_neutral.drafts import Conversion, Draft
from mxnet_to_neutral.passes.patterns import DraftGraph, producer, use_def
from neutral.graph import Operand, Value
from neutral.operators.recurrent import GATES


@dataclass
class _Direction:
    """One operand of the concatenation.

    Attributes:
        layer: The recurrent layer from which it is computed.
        transforms: The swaps of axes and flips between layer and concatenation.
        reversed: Whether they reverse the axis of time.
        batch_first: Whether they swap the axes of time and batch.
    """

    layer: Draft
    transforms: list[Draft]
    reversed: bool
    batch_first: bool


def fuse_bidirectional_rnn(conversion: Conversion) -> Conversion:
    """Replace concatenations of a forward and a backward layer's outputs by bidirectional layers.

    Args:
        conversion: The converted symbol; it is changed in place.

    Returns:
        The same conversion.
    """
    for draft in list(conversion.drafts):
        if draft.kind == "concatenate" and len(draft.inputs) == 2 and draft.attributes["axis"] in (2, -1):
            graph = use_def(conversion)
            forward, backward = (_direction(graph, operand, draft) for operand in draft.inputs)
            if forward is not None and backward is not None and _is_pair(graph, forward, backward):
                _fuse(conversion, draft, forward, backward)
    return conversion


def _direction(graph: DraftGraph, operand: Operand, user: Draft) -> _Direction | None:
    """Follow an operand of the concatenation back to a recurrent layer, through values that nothing else uses."""
    transforms: list[Draft] = []
    while isinstance(operand, Value) and graph.is_private(operand, [user]):
        user = graph.definitions.get(operand.node, user)
        if user.kind in GATES and operand.output == 0:
            return _with_time_axis(user, transforms)
        if user.kind not in ("swap_axes", "flip"):
            return None
        transforms.append(user)
        operand = user.inputs[0]
    return None


def _with_time_axis(layer: Draft, transforms: list[Draft]) -> _Direction | None:
    """Track the axis of time from the layer to the concatenation."""
    time, flipped = 0, False
    for transform in reversed(transforms):
        if transform.kind == "swap_axes" and set(transform.attributes.values()) == {0, 1}:
            time = 1 - time
        elif transform.kind == "flip" and transform.attributes["axes"] == (time,):
            flipped = not flipped
        else:
            return None
    return _Direction(layer, transforms, flipped, time == 1)


def _is_pair(graph: DraftGraph, forward: _Direction, backward: _Direction) -> bool:
    """Return whether two directions are equal single layers over one sequence, whose final states are unused."""
    first, second = forward.layer, backward.layer
    if first.kind != second.kind or first.attributes != second.attributes or set(first.roles) != set(second.roles):
        return False
    if first.attributes["bidirectional"] or first.attributes["num_layers"] != 1:
        return False
    if any(first.inputs[1:]) or any(second.inputs[1:]):  # initial states
        return False
    flip = producer(graph, second.inputs[0], "flip")
    if flip is None or flip.inputs[0] != first.inputs[0] or flip.attributes["axes"] != (0,):
        return False
    if forward.reversed or not backward.reversed or forward.batch_first != backward.batch_first:
        return False
    return all(graph.is_private(Value(layer.name, state), ()) for layer in (first, second) for state in (1, 2))


def _fuse(conversion: Conversion, concatenation: Draft, forward: _Direction, backward: _Direction) -> None:
    first, second = forward.layer, backward.layer
    name = f"{concatenation.name}.{first.kind}" if forward.batch_first else concatenation.name
    fused = Draft(
        name,
        first.kind,
        first.inputs,
        {**first.attributes, "bidirectional": True},
        first.origin,
        {**first.roles, **{f"{role}_reverse": tensor for role, tensor in second.roles.items()}},
        first.layer if first.layer == second.layer else None,
    )
    new = [fused]
    if forward.batch_first:
        axes = {"axis": 0, "other_axis": 1}
        new.append(Draft(concatenation.name, "swap_axes", [Value(name)], axes, concatenation.origin))
    replaced = (concatenation, first, second, *forward.transforms, *backward.transforms)
    conversion.replace(new, {draft.name for draft in replaced}, {})
