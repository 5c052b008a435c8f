"""The subgraph whose outputs are those of a control flow operator, and the inputs that are bound to its arguments."""

from __future__ import annotations

from typing import NamedTuple, Sequence

from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.model import SymbolNode

CONTROL_FLOW = {
    "_foreach": (0, ("in_data_locs", "in_state_locs", "remain_locs")),
    "_while_loop": (1, ("func_input_locs",)),
    "_cond": (1, ("then_input_locs",)),
}
"""By operator: the number of the subgraph, and the attributes that bind its arguments."""


class BoundInputs(NamedTuple):
    """A subgraph and what is bound to it.

    Attributes:
        subgraph: Its number among the node's subgraphs.
        positions: For each argument of the subgraph the position of the node's input.
    """

    subgraph: int
    positions: Sequence[int]


def bound_inputs(node: SymbolNode, file: str) -> BoundInputs | None:
    """Return the subgraph whose outputs a node has, and what is bound to its arguments.

    Args:
        node: The node.
        file: The symbol's file, for messages.

    Returns:
        None if the node is no loop and no branch, or if the binding is not in the file or is invalid.

    Raises:
        InvalidAttribute: An attribute is not a list of integers.
    """
    number, names = CONTROL_FLOW.get(node.operator.replace("_npx_", "_"), (0, ()))
    if not names or number >= len(node.subgraphs):
        return None
    attributes = Attributes(node, file)
    positions: Sequence[int] = [k for name in names for k in attributes.ints(name, ())]
    count = len(node.subgraphs[number].arguments)
    if node.operator.endswith("foreach"):
        positions = sorted(range(len(positions)), key=positions.__getitem__)  # they are positions of arguments
    is_valid = len(positions) == count and all(0 <= k < len(node.inputs) for k in positions)
    return BoundInputs(number, positions) if is_valid else None
