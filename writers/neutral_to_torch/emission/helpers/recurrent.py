"""Recurrent layers of sequences of given lengths."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def run_to_length(rnn: nn.RNNBase, x: Tensor, lengths: Tensor, state: Any = None) -> Any:
    """Run each sample of (time, batch, features) to its own length; the rest of the output is 0.

    Args:
        rnn: The layer, with time first.
        x: Sequences (time, batch, features).
        lengths: The number of steps of each sample, at least 1.
        state: The initial state, as the layer takes it; None for zeros.

    Returns:
        The output (time, batch, directions * hidden size), and the state after the last step of
        each sample.
    """
    packed = pack_padded_sequence(x, lengths.long().cpu(), enforce_sorted=False)
    output, state = rnn(packed, state)
    return pad_packed_sequence(output, total_length=x.shape[0])[0], state
