"""Faults that conversions of networks have: changes of a node, of the tensors of its layer, or of an input."""

from __future__ import annotations

from itertools import chain
from typing import Iterator, Mapping

from neutral.graph import Node
from neutral.reference.faults.change import Change
from neutral.reference.faults.heads import sample_softmax_changes
from neutral.reference.faults.inputs import input_changes
from neutral.reference.faults.normalization import batch_norm_changes, eps_changes
from neutral.reference.faults.recurrent import gate_changes, length_changes
from neutral.reference.faults.transposed import dilated_changes
from neutral.reference.faults.weights import kernel_changes, linear_changes, rounded_changes
from neutral.reference.faults.windows import average_changes, window_changes
from neutral.reference.registry import Array

__all__ = ["Change", "input_changes", "node_changes"]

_BY_KIND = {
    "batch_norm": (eps_changes, batch_norm_changes),
    "instance_norm": (eps_changes,),
    "layer_norm": (eps_changes,),
    "group_norm": (eps_changes,),
    "l2_normalize": (eps_changes,),
    "convolution": (kernel_changes, rounded_changes),
    "transposed_convolution": (dilated_changes, kernel_changes, rounded_changes),
    "linear": (linear_changes, rounded_changes),
    "max_pool": (window_changes,),
    "average_pool": (window_changes, average_changes),
    "sum_pool": (window_changes,),
    **dict.fromkeys(("lstm", "gru"), (length_changes, gate_changes)),
    **dict.fromkeys(("lstm_cell", "gru_cell"), (gate_changes,)),
    "rnn": (length_changes,),
    "softmax_of_sample": (sample_softmax_changes,),
}


def node_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield the faults that a node may have.

    Args:
        node: The node.
        tensors: The tensors of its layer by role.
        operand: The values of its first operand.

    Yields:
        Changes, each of which is to be evaluated: not all of them fit, or change anything.

    Example:
        >>> import numpy as np
        >>> node = Node("norm", "l2_normalize", (), {"eps": 1e-5, "over": "channel"})
        >>> next(node_changes(node, {}, np.ones((1, 2)))).words
        'eps 0.001 in the place of 1e-05'
    """
    return chain.from_iterable(changes(node, tensors, operand) for changes in _BY_KIND.get(node.kind, ()))
