"""Messages between the tests and the MXNet process.

Pickles, but arrays travel as (dtype, shape, bytes): the two sides have NumPy versions that do not read each other's.
"""

from __future__ import annotations

import pickle
import struct
from typing import Any, BinaryIO

import numpy as np

_ARRAY = "ndarray"


def send(stream: BinaryIO, message: Any) -> None:
    data = pickle.dumps(_pack(message), protocol=4)
    stream.write(struct.pack("<Q", len(data)) + data)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError("the other process ended")
    return _unpack(pickle.loads(stream.read(struct.unpack("<Q", head)[0])))


def _pack(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return (_ARRAY, value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: _pack(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_pack(item) for item in value)
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 4 and isinstance(value[0], str) and value[0] == _ARRAY:
        return np.frombuffer(bytearray(value[3]), value[1]).reshape(value[2])
    if isinstance(value, dict):
        return {key: _unpack(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_unpack(item) for item in value)
    return value
