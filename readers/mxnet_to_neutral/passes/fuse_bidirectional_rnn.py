"""Two recurrent layers over one sequence, forwards and backwards, as one layer that runs both ways."""

from __future__ import annotations

from dataclasses import dataclass

from mxnet_to_neutral.context import Conversion, Draft
from mxnet_to_neutral.passes.dataflow import Flow
from neutral.graph import Operand, Value
from neutral.operators.recurrent import GATES


@dataclass
class Way:
    """One direction as it goes into the concatenation: its layer, and how the output is turned on the way there."""

    layer: Draft
    turns: list[Draft]
    flipped: bool
    batch_first: bool


def fold_bidirectional(conversion: Conversion) -> None:
    """Replace concatenations of both directions' outputs by layers that run both ways."""
    for draft in list(conversion.drafts):
        if draft.kind == "concatenate" and len(draft.inputs) == 2 and draft.attributes["axis"] in (2, -1):
            flow = Flow(conversion)
            ways = [_way(flow, operand, draft) for operand in draft.inputs]
            if ways[0] is not None and ways[1] is not None and _belong_together(flow, ways[0], ways[1]):
                _merge(flow, draft, ways[0], ways[1])


def _way(flow: Flow, operand: Operand, user: Draft) -> Way | None:
    turns: list[Draft] = []
    while isinstance(operand, Value) and flow.is_private(operand, [user]):
        user = flow.makers.get(operand.node, user)
        if user.kind in GATES and operand.output == 0:
            return _turned(user, turns)
        if user.kind not in ("swap_axes", "flip"):
            return None
        turns.append(user)
        operand = user.inputs[0]
    return None


def _turned(layer: Draft, turns: list[Draft]) -> Way | None:
    """Follow the axis of time from the layer on."""
    time, flipped = 0, False
    for turn in reversed(turns):
        if turn.kind == "swap_axes" and set(turn.attributes.values()) == {0, 1}:
            time = 1 - time
        elif turn.kind == "flip" and turn.attributes["axes"] == (time,):
            flipped = not flipped
        else:
            return None
    return Way(layer, turns, flipped, time == 1)


def _belong_together(flow: Flow, forward: Way, backward: Way) -> bool:
    one, other = forward.layer, backward.layer
    alike = one.kind == other.kind and one.attributes == other.attributes and not one.attributes["bidirectional"]
    simple = one.attributes["num_layers"] == 1 and not any(other.inputs[1:]) and not any(one.inputs[1:])
    turned = flow.made(other.inputs[0], "flip")
    same = turned is not None and turned.inputs[0] == one.inputs[0] and turned.attributes["axes"] == (0,)
    states = [Value(layer.name, k) for layer in (one, other) for k in (1, 2)]
    unused = all(flow.is_private(state, ()) for state in states)
    directed = backward.flipped and not forward.flipped and forward.batch_first == backward.batch_first
    return alike and simple and same and unused and directed and set(one.roles) == set(other.roles)


def _merge(flow: Flow, draft: Draft, forward: Way, backward: Way) -> None:
    one, other = forward.layer, backward.layer
    roles = {**one.roles, **{f"{role}_reverse": tensor for role, tensor in other.roles.items()}}
    name = f"{draft.name}.{one.kind}" if forward.batch_first else draft.name
    stem = one.layer if one.layer == other.layer else None
    layer = Draft(name, one.kind, one.inputs, {**one.attributes, "bidirectional": True}, one.origin, roles, stem)
    new = [layer]
    if forward.batch_first:
        new.append(Draft(draft.name, "swap_axes", [Value(name)], {"axis": 0, "other_axis": 1}, draft.origin))
    gone = {item.name for item in (draft, one, other, *forward.turns, *backward.turns)}
    flow.replace(new, gone, {})
