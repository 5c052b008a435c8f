"""Join recurrent weights that were saved gate by gate by ``mx.rnn.save_rnn_checkpoint``.

It stores ``lstm_i2h_weight`` as ``lstm_i2h_i_weight``, ``lstm_i2h_f_weight`` and so on, and a fused cell's vector
``lstm_parameters`` likewise for each layer and direction: ``lstm_l0_i2h_i_weight`` (python/mxnet/rnn/rnn_cell.py).
"""

from __future__ import annotations

import re
from typing import Mapping

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.layers.canonical import Recipe, concatenate, identity

_GATES = (("i", "f", "c", "o"), ("r", "z", "o"))
_MATRIX = re.compile(r"^(?P<stem>.*[ih]2h)_(?P<role>weight|bias)$")
_GATE = re.compile(r"^(?P<stem>.*[ih]2h)_[ifcorz]_(?P<role>weight|bias)$")
_FUSED = re.compile(r"[lr]\d+_[ih]2h_(?:weight|bias)$")


def join_gates(name: str, arrays: Mapping[str, Array]) -> Recipe | None:
    """Return the tensor of a recurrent layer's matrix or bias.

    Args:
        name: The variable, such as ``lstm_i2h_weight``.
        arrays: The checkpoint's arrays by name.

    Returns:
        The array of this name, or its gates concatenated along axis 0; None if neither is in the checkpoint.
    """
    if name in arrays:
        return identity(arrays[name])
    match = _MATRIX.match(name)
    for gates in _GATES if match else ():
        names = [match.expand(rf"\g<stem>_{gate}_\g<role>") for gate in gates] if match else []
        parts = [arrays[part] for part in names if part in arrays]
        if len(parts) == len(gates):
            return concatenate(tuple(parts))
    return None


def names_of_whole(name: str) -> tuple[str, ...]:
    """Return the variables that an array may be a part of.

    Args:
        name: The name of a stored array, without ``arg:`` or ``aux:``.

    Returns:
        The matrix or bias that the gate is a part of, and the fused operator's packed vector.

    Example:
        >>> names_of_whole("lstm_l0_i2h_f_weight")
        ('lstm_l0_i2h_weight', 'lstm_parameters')
    """
    joined = _GATE.sub(r"\g<stem>_\g<role>", name)
    return (joined, _FUSED.sub("parameters", joined))
