"""Remove the outputs of a training graph that are computed from labels."""

from __future__ import annotations

from mxnet_to_neutral.drafts import Conversion

TARGET_OPERATORS = frozenset({"_contrib_MultiBoxTarget"})
"""MXNet's operators that make training targets from labels."""


def drop_training_outputs(conversion: Conversion) -> Conversion:
    """Remove outputs that depend on training targets, such as losses, unless all outputs do.

    Args:
        conversion: The converted symbol; it is changed in place.

    Returns:
        The same conversion.
    """
    dependent: set[str] = set()
    for draft in conversion.drafts:
        if draft.origin.operator in TARGET_OPERATORS or any(value.node in dependent for value in draft.operands):
            dependent.add(draft.name)
    kept = [output for output in conversion.outputs if output.node not in dependent]
    dropped = sorted({output.node for output in conversion.outputs if output.node in dependent})
    if kept and dropped:
        conversion.outputs = kept
        conversion.notes.append(f"outputs that are for training alone are left out: {', '.join(dropped)}")
    return conversion
