"""Look-ups with indices out of range or with fractions."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def take_rows(weight: Tensor, index: Tensor) -> Tensor:
    """Look up rows; an index out of range is clamped, a fraction is cut off.

    Args:
        weight: A matrix (rows, features).
        index: Numbers of rows, of any dtype and shape.

    Returns:
        Rows (*shape of index, features).
    """
    return F.embedding(index.long().clamp(0, weight.shape[0] - 1), weight)


class ClampedEmbedding(nn.Embedding):
    """An embedding that clamps indices out of range and cuts off fractions."""

    def forward(self, input: Tensor) -> Tensor:
        """Look up rows of the weight.

        Args:
            input: Numbers of rows, of any dtype and shape.

        Returns:
            Rows (*shape of input, embedding_dim).
        """
        return F.embedding(input.long().clamp(0, self.num_embeddings - 1), self.weight)
