"""Replace the uses of a fused sequence's steps: stacks of all steps, and single steps."""

from __future__ import annotations

from dataclasses import dataclass

from mxnet_to_neutral.drafts import Draft
from mxnet_to_neutral.passes.step_sequences import Steps, StepSequences
from neutral.graph import Value


@dataclass
class _Stack:
    """A draft that joins all steps of a sequence.

    Attributes:
        steps: The steps in the order in which they are joined.
        axis: The axis of time in the result.
        unsqueezes: The drafts that give each step its axis of time before a concatenation.
        is_flat: Whether steps are joined along the axis of the batch, without an axis of time.
    """

    steps: Steps
    axis: int
    unsqueezes: list[Draft]
    is_flat: bool = False


def replace_stacks(sequences: StepSequences) -> None:
    """Replace stacks of all steps, in either order, by the sequence as one value.

    Args:
        sequences: The sequences of the conversion; the drafts are changed in place.
    """
    for draft in sequences.conversion.drafts:
        stack = _match_stack(sequences, draft)
        if stack is None:
            continue
        if stack.steps in sequences.fused:
            whole = sequences.whole(stack.steps)
        else:
            whole = sequences.reversed(draft, sequences.whole(stack.steps[::-1]))
        if stack.is_flat:
            whole = sequences.add(draft, "merge_axes", whole, axis=0, count=2)
        elif stack.axis == 1:
            whole = sequences.add(draft, "swap_axes", whole, axis=0, other_axis=1)
        elif stack.axis:
            whole = sequences.add(draft, "move_axis", whole, source=0, destination=stack.axis)
        sequences.remove(draft, *stack.unsqueezes)
        sequences.values[Value(draft.name)] = whole


def replace_steps(sequences: StepSequences) -> None:
    """Take the single steps that are still used from the sequence: the last one, or any of them.

    Args:
        sequences: The sequences of the conversion; the drafts are changed in place.
    """
    for steps in sorted(sequences.fused, key=lambda steps: steps[0].node):
        used = [k for k, value in enumerate(steps) if sequences.is_used(value)]
        whole = sequences.whole(steps)
        if used == [len(steps) - 1]:
            last = sequences.removed[steps[-1].node]
            sequences.values[steps[-1]] = sequences.add(last, "sequence_last", whole, None, axis=0)
        elif used:
            first = sequences.removed[steps[0].node]
            parts = sequences.add(first, "unbind", whole, axis=0, parts=len(steps))
            sequences.values.update((value, Value(parts.node, k)) for k, value in enumerate(steps))


def _match_stack(sequences: StepSequences, draft: Draft) -> _Stack | None:
    steps = tuple(value for value in draft.inputs if isinstance(value, Value))
    if draft.kind == "concatenate":
        axis = draft.attributes["axis"]
        if _is_fused(sequences, steps):
            return _Stack(steps, 0, [], is_flat=True) if axis == 0 else None
        producers = [sequences.producer(value, "unsqueeze") for value in steps]
        unsqueezes = [item for item in producers if item is not None and item.attributes["axis"] == axis]
        is_private = all(sequences.graph.is_private(Value(item.name), [draft]) for item in unsqueezes)
        if len(unsqueezes) < len(steps) or not is_private:
            return None
        steps = tuple(value for item in unsqueezes for value in item.inputs if isinstance(value, Value))
        stack = _Stack(steps, axis, unsqueezes)
    elif draft.kind == "stack":
        stack = _Stack(steps, draft.attributes["axis"], [])
    else:
        return None
    return stack if _is_fused(sequences, stack.steps) and stack.axis >= 0 else None


def _is_fused(sequences: StepSequences, steps: Steps) -> bool:
    """Return whether the steps are all of a fused sequence, in either order."""
    return steps in sequences.fused or steps[::-1] in sequences.fused
