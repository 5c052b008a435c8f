"""What a training graph has that inference has not: outputs that are made from labels."""

from __future__ import annotations

from mxnet_to_neutral.context import Conversion
from neutral.graph import Value

TARGETS = frozenset({"_contrib_MultiBoxTarget"})
"""Operators that make targets of training from labels."""


def drop_training_outputs(conversion: Conversion) -> None:
    """Forget the outputs that depend on targets of training, such as losses, where there are others."""
    tainted: set[str] = set()
    for draft in conversion.drafts:
        operands = [*draft.inputs, *draft.roles.values()]
        depends = any(isinstance(operand, Value) and operand.node in tainted for operand in operands)
        if depends or draft.origin.operator in TARGETS:
            tainted.add(draft.name)
    kept = [output for output in conversion.outputs if output.node not in tainted]
    dropped = sorted({output.node for output in conversion.outputs if output.node in tainted})
    if kept and dropped:
        conversion.outputs = kept
        conversion.notes.append(f"outputs that are for training alone are left out: {', '.join(dropped)}")
