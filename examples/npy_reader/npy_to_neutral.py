"""A reader for Neutral, as a package of its own: arrays that ``numpy.save`` wrote, each a parameter.

With this installed, ``neutral export weight.npy bias.npy -o layer.safetensors`` and all other verbs accept such files.
"""

from __future__ import annotations

import os
from typing import Any, Iterator, Sequence

import numpy as np

from neutral.dtypes import CODE_OF_NUMPY
from neutral.errors import FormatError, UnsupportedError, UsageError
from neutral.graph import Layer, LayerSource, Origin
from neutral.store import Store, StoreSource
from neutral.tensor import Tensor, from_numpy


class NpyReader:
    name = "npy"

    def can_read(self, path: str) -> bool:
        return path.lower().endswith(".npy") and os.path.isfile(path)

    def find(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield every file as a checkpoint of its own, for ``neutral archive``."""
        return ((name[: -len(".npy")], (name,)) for name in names if name.lower().endswith(".npy"))

    def read(self, *paths: str, **options: Any) -> Store:
        if options:
            raise UsageError(f"the reader 'npy' has no option {', '.join(options)}.")
        layers, tensors = {}, {}
        for path in paths:
            name = os.path.splitext(os.path.basename(path))[0]
            key = f"{name}.value"
            source = LayerSource(origins={"value": Origin((os.path.basename(path),))})
            layers[name] = Layer(name, "parameter", {}, {"value": key}, source, typed_by="user")
            tensors[key] = _tensor(path)
        return Store(layers, tensors, source=StoreSource("numpy", None))


def _tensor(path: str) -> Tensor:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise FormatError(path, 0, f"not an array in NumPy's format ({error})") from None
    if array.dtype.newbyteorder("<").str not in CODE_OF_NUMPY:
        raise UnsupportedError(f"{path}: no dtype of a store holds {array.dtype}.")
    return from_numpy(array)


reader = NpyReader()
