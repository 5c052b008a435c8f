"""Matrices that were saved gate by gate: what ``mx.rnn.save_rnn_checkpoint`` makes of a cell's parameters.

``lstm_i2h_weight`` becomes ``lstm_i2h_i_weight``, ``lstm_i2h_f_weight`` and so on, and a fused cell's vector
``lstm_parameters`` the same for each layer and direction: ``lstm_l0_i2h_i_weight`` (python/mxnet/rnn/rnn_cell.py).
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


def matrix(name: str, arrays: Mapping[str, Array]) -> Recipe | None:
    """The matrix or bias that a variable of this name stands for: an array, or its gates one after the other."""
    if name in arrays:
        return identity(arrays[name])
    match = _MATRIX.match(name)
    for gates in _GATES if match else ():
        parts = [arrays.get(match.expand(rf"\g<stem>_{gate}_\g<role>")) for gate in gates] if match else []
        found = [part for part in parts if part is not None]
        if found and len(found) == len(gates):
            return concatenate(tuple(found))
    return None


def whole_names(name: str) -> tuple[str, ...]:
    """The variables that an array of this name may be a part of."""
    joined = _GATE.sub(r"\g<stem>_\g<role>", name)
    return (joined, _FUSED.sub("parameters", joined))
