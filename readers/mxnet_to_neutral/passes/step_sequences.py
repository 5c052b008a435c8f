"""Drafts of an unrolled sequence: the steps that are known to form a sequence, and drafts that act on all of them."""

from __future__ import annotations

from typing import Any, Callable, Tuple

from mxnet_to_neutral.drafts import Conversion, Draft
from mxnet_to_neutral.passes.patterns import DraftGraph, producer, use_def
from neutral.graph import Operand, Value
from neutral.operators import catalogue
from neutral.rewriting import UniqueNames

Steps = Tuple[Value, ...]
"""The values of a sequence, one for each time step."""


def acts_on_each_step(kind: str) -> bool:
    """Return whether a kind applied to a sequence of shape (steps, batch, features) acts on every step independently.

    Args:
        kind: A kind of the catalogue.

    Returns:
        True if the kind may be applied once to the sequence instead of once to each step.

    Example:
        >>> acts_on_each_step("tanh"), acts_on_each_step("linear"), acts_on_each_step("transpose")
        (True, True, False)
    """
    operator = catalogue.get(kind)
    is_elementwise = operator is not None and operator.elementwise
    return is_elementwise or kind in (
        "concatenate",
        "linear",
        "flatten",
    )  # on features only


class StepSequences:
    """The sequences of a conversion, and the drafts that replace their steps.

    Attributes:
        conversion: The conversion that is rewritten.
        graph: Its use-def chains.
        fused: The sequences whose steps are replaced by one value.
        new: The drafts to insert.
        removed: The drafts to remove, by name.
        values: The replacements of values.
        pending: Sequences whose users have not been looked at yet.
    """

    def __init__(self, conversion: Conversion) -> None:
        self.conversion = conversion
        self.graph: DraftGraph = use_def(conversion)
        self.fused: set[Steps] = set()
        self.new: list[Draft] = []
        self.removed: dict[str, Draft] = {}
        self.values: dict[Value, Value] = {}
        self.pending: list[Steps] = []
        self._whole: dict[Steps, Value] = {}
        self._makers: dict[Steps, Callable[[], Value]] = {}
        self._unique = UniqueNames({"", *self.graph.definitions})

    def __contains__(self, steps: object) -> bool:
        return steps in self._makers

    def register(self, steps: Steps, make: Callable[[], Value]) -> None:
        """Add a sequence; ``make`` adds the drafts that compute it as one value, when that is needed.

        Args:
            steps: The values of the sequence, one for each step, first to last.
            make: Adds the drafts, and returns the value of shape (steps, batch, ...).
        """
        self._makers[steps] = make
        self.pending.append(steps)

    def whole(self, steps: Steps) -> Value:
        """Return the sequence as one value of shape (steps, batch, ...).

        Args:
            steps: A sequence that was registered.

        Returns:
            The value; its drafts are added on the first call.
        """
        if steps not in self._whole:
            self._whole[steps] = self._makers[steps]()
        return self._whole[steps]

    def add(self, like: Draft, kind: str, *inputs: Operand, **attributes: Any) -> Value:
        """Add a draft named after ``like``; return its first output.

        Args:
            like: The draft that gives the name and the origin.
            kind: The kind of the new draft.
            *inputs: Its operands.
            **attributes: Its attributes.

        Returns:
            The new draft's output 0.
        """
        name = like.name.rstrip("0123456789") if acts_on_each_step(kind) else f"{like.name}.{kind}"
        draft = Draft(self._unique(name), kind, list(inputs), attributes, like.origin)
        self.new.append(draft)
        return Value(draft.name)

    def remove(self, *drafts: Draft) -> None:
        """Mark drafts as replaced.

        Args:
            *drafts: Drafts of the conversion; they stay available in :attr:`removed`.
        """
        self.removed.update((draft.name, draft) for draft in drafts)

    def reversed(self, like: Draft, whole: Value) -> Value:
        """Return a sequence in reverse order of steps; the flip of a flipped sequence is the sequence before it.

        Args:
            like: The draft that gives the name of a new flip.
            whole: A sequence of shape (steps, batch, ...).

        Returns:
            A value of the same shape.
        """
        flip = next((draft for draft in self.new if draft.name == whole.node and draft.kind == "flip"), None)
        if flip is not None and isinstance(flip.inputs[0], Value):
            return flip.inputs[0]
        return self.add(like, "flip", whole, axes=(0,))

    def is_used(self, value: Value) -> bool:
        """Return whether an output of the graph or a draft that is not replaced uses a value.

        Args:
            value: An output of a draft.

        Returns:
            True if the value is still needed.
        """
        users = [draft for draft in self.graph.users.get(value, ()) if draft.name not in self.removed]
        return value in self.graph.outputs or any(value in draft.inputs for draft in (*users, *self.new))

    def producer(self, operand: Operand, *kinds: str) -> Draft | None:
        """Return the draft that defines an operand if it is of one of these kinds, else None.

        Args:
            operand: A value, a number or None.
            *kinds: Kinds of the catalogue.

        Returns:
            The draft, from the conversion as it was when the sequences were made.
        """
        return producer(self.graph, operand, *kinds)

    def apply(self) -> None:
        """Rewrite the conversion. A draft that replaces another one's first output takes over its name."""
        old_names: dict[str, str] = {}
        new_names = {draft.name for draft in self.new}
        for old, value in self.values.items():
            if old.output == 0 and value.output == 0 and value.node in new_names:
                old_names.setdefault(value.node, old.node)

        def renamed(value: Value) -> Value:
            return Value(old_names.get(value.node, value.node), value.output)

        for draft in self.new:
            draft.name = old_names.get(draft.name, draft.name)
            draft.map_values(renamed)
        values = {old: renamed(value) for old, value in self.values.items()}
        self.conversion.replace(self.new, set(self.removed), values)
