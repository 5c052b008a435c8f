"""Find the labels of a training graph whose shapes MXNet cannot infer from the other inputs."""

from __future__ import annotations

from mxnet_to_neutral.symbol.model import Symbol

LABEL_POSITIONS = {"_contrib_MultiBoxTarget": 1}
"""The operand of each operator that is such labels: any number of objects per image."""

OBJECT = (1, 6)
"""One object per image: class, four corners and a further number, as SageMaker and MXNet's example have it."""


def uninferred_labels(symbol: Symbol) -> dict[str, tuple[int, ...]]:
    """Return the inputs that are labels of objects, for which MXNet wants a shape.

    Args:
        symbol: The symbol.

    Returns:
        The shape of one sample of each label by name, without the batch.

    Example:
        >>> from mxnet_to_neutral.symbol.model import Entry, SymbolNode
        >>> names = ("anchors", "label", "scores")
        >>> variables = [SymbolNode(name, "null", {}, {}, (), ()) for name in names]
        >>> inputs = (Entry(0, 0), Entry(1, 0), Entry(2, 0))
        >>> target = SymbolNode("target", "_contrib_MultiBoxTarget", {}, {}, inputs, ())
        >>> uninferred_labels(Symbol((*variables, target), (0, 1, 2), (Entry(3, 0),), None, False, ()))
        {'label': (1, 6)}
    """
    users = (node for node in symbol.nodes if node.operator in LABEL_POSITIONS)
    operands = (symbol.nodes[node.inputs[LABEL_POSITIONS[node.operator]].node] for node in users)
    return {operand.name: OBJECT for operand in operands if operand.is_variable}
