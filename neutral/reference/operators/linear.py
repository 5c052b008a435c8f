"""Linear layers and embeddings."""

from __future__ import annotations

import math

import numpy as np

from neutral.reference.registry import Array, reference


@reference("linear")
def linear(input: Array, weight: Array, bias: Array | None = None, *, out_features: int, flatten: bool) -> Array:
    if flatten:
        input = input.reshape(len(input), math.prod(input.shape[1:]))
    output = input @ weight.T
    return output if bias is None else output + bias


@reference("embedding")
def embedding(index: Array, weight: Array, num_embeddings: int, embedding_dim: int) -> Array:
    return weight[np.clip(index.astype(np.int64), 0, num_embeddings - 1)]
