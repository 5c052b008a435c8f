"""Find the values whose batch extent may be 1 although MXNet infers another from the operators that use them."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.symbol.model import Entry, Symbol

SAME_SHAPE_OPERATORS = frozenset(
    {"elemwise_add", "elemwise_sub", "elemwise_mul", "elemwise_div", "_grad_add", "add_n", "where"}
)
"""Operators whose inputs all have the output's shape, so that an extent of 1 broadcasts to the inferred one."""

PER_SAMPLE_OPERATORS = frozenset(
    {
        *("FullyConnected", "Convolution", "Deconvolution", "Pooling", "SliceChannel"),
        *("Activation", "LeakyReLU", "sigmoid", "tanh", "relu", "_copy"),
    }
)
"""Operators that compute every sample of a batch independently."""

KEEPING_OPERATORS = frozenset({"ones_like", "zeros_like", "Dropout"})
"""Further operators whose output has the shape of their input."""

MOST_DESCENDANTS = 64
"""The nodes among which the partner of a batch is searched: many nodes of long chains would take quadratic time."""


def find_broadcasting_nodes(symbol: Symbol) -> Sequence[bool]:
    """Return for each node whether extent 1 of its outputs' batch gives the same result as the inferred extent.

    Args:
        symbol: The symbol.

    Returns:
        A boolean for each of the symbol's nodes, in their order; False for outputs of the graph.
    """
    heads = {head.node for head in symbol.heads}
    broadcasts = [index not in heads for index in range(len(symbol.nodes))]
    for index in reversed(range(len(symbol.nodes))):  # users come after the nodes that they use
        for user, _ in symbol.consumers[index] if broadcasts[index] else ():
            operator = symbol.nodes[user].operator
            if operator not in SAME_SHAPE_OPERATORS and not (operator in PER_SAMPLE_OPERATORS and broadcasts[user]):
                broadcasts[index] = False
    return broadcasts


def find_batch_partner(symbol: Symbol, node: int) -> Entry | None:
    """Return an earlier value that has the batch of a node's output, by the operators of equal shapes that use it.

    Args:
        symbol: The symbol.
        node: The number of the node.

    Returns:
        The value; None where there is none among the nearest users.
    """
    descendants = [node]
    for index in descendants:  # grows
        if len(descendants) > MOST_DESCENDANTS:
            break
        for user, _ in symbol.consumers[index]:
            operator = symbol.nodes[user].operator
            if operator in SAME_SHAPE_OPERATORS:
                others = (entry for entry in symbol.nodes[user].inputs if entry.node < node)
                partner = next((entry for entry in others if not symbol.nodes[entry.node].is_variable), None)
                if partner is not None:
                    return partner
            is_passed = operator in SAME_SHAPE_OPERATORS | PER_SAMPLE_OPERATORS | KEEPING_OPERATORS
            if is_passed and user not in descendants:
                descendants.append(user)
    return None
