"""Arguments of the model's class: the number of classes of a classifier."""

from __future__ import annotations

from typing import Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.rebuilding import rebuild
from neutral_to_torch.emission.expression.terms import Call, Literal, Name, Term
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.block_facts import POOLS
from neutral_to_torch.emission.structure.module_ir import Parameter, has_weights, owned

_AFTER = frozenset((*POOLS, "flatten", "reshape", "softmax", "log_softmax", "squeeze", "relu", "dropout"))
"""Kinds that may follow the last layer of a classifier."""

_ENDINGS = frozenset((*POOLS, "flatten", "reshape", "squeeze"))
"""Kinds of which one must follow a convolution, whose result has pixels."""


def classifier_argument(
    statements: Sequence[Statement], outputs: Sequence[Value], attributes: Sequence[tuple[str, Term]]
) -> tuple[list[Parameter], list[tuple[str, Term]]]:
    """Make the outputs of a classifier's last layer an argument, ``num_classes``.

    A classifier has convolutions, one output, and ends with a linear layer or a 1x1 convolution whose result is then
    only pooled, flattened or normalized.

    Args:
        statements: The statements of the model before they are gathered into sequences.
        outputs: The model's outputs.
        attributes: The names and constructors of the model's attributes.

    Returns:
        The argument, and the attributes that use it; none and the same attributes for other models.
    """
    weighted = [k for k, s in enumerate(statements) if any(has_weights(item) for item in owned([s]))]
    constructor = _last_layer(statements[weighted[-1]]) if weighted and len(outputs) == 1 else None
    after = statements[weighted[-1] + 1 :] if weighted else ()
    if constructor is None or not all(s.kind in _AFTER and len(s.operands) == 1 for s in after):
        return [], list(attributes)
    if statements[weighted[-1]].kind == "convolution" and not any(s.kind in _ENDINGS for s in after):
        return [], list(attributes)
    count = constructor.args[1]
    if not isinstance(count, Literal) or count.value < 2:
        return [], list(attributes)
    replaced = Call(constructor.callee, (constructor.args[0], Name("num_classes")), constructor.kwargs)
    changed = [(n, rebuild(t, lambda part: replaced if part is constructor else None)) for n, t in attributes]
    if changed == list(attributes):
        return [], changed
    return [Parameter("num_classes", "int", count)], changed


def _last_layer(statement: Statement) -> Call | None:
    """Return the constructor of a linear layer, or of a 1x1 convolution, that a statement applies."""
    own = applied(statement.term)
    constructor = None if own is None else own.declaration.constructor
    if not isinstance(constructor, Call) or len(constructor.args) != 2:
        return None
    kernel = dict(constructor.kwargs).get("kernel_size")
    pointwise = statement.kind == "convolution" and kernel == Literal(1)
    return constructor if statement.kind == "linear" or pointwise else None
