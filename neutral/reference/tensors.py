"""The tensors of layers as arrays: mapped if the file holds them as they are, else read."""

from __future__ import annotations

import numpy as np

from neutral.dtypes import NUMPY_DTYPE
from neutral.reference.registry import Array
from neutral.store import Store
from neutral.tensor import Tensor
from neutral.values import numeric_values


def tensor_array(tensor: Tensor) -> Array:
    """Return the values of a tensor.

    Args:
        tensor: The tensor. One that is a single range of a file is mapped: only what is used is read.

    Returns:
        The array, not to be written to; bfloat16 is converted to float32, which is exact.
    """
    content = tensor.content
    if tensor.dtype == "BF16" or not isinstance(content, tuple) or len(content) != 1 or not tensor.nbytes:
        return numeric_values(tensor)
    path, offset, nbytes = content[0]
    tensor.check_content_size(nbytes)
    try:
        return np.memmap(path, NUMPY_DTYPE[tensor.dtype], "r", offset, tensor.shape or (1,)).reshape(tensor.shape)
    except (OSError, ValueError):  # no file system maps everything
        return numeric_values(tensor)


def layer_tensors(store: Store, layer: str | None) -> dict[str, Array]:
    """Return the arrays of a layer by role.

    Args:
        store: The store.
        layer: The name of the layer; None: there is none.

    Returns:
        The arrays.
    """
    if layer is None:
        return {}
    return {role: tensor_array(store.tensors[key]) for role, key in store.layers[layer].tensors.items()}
