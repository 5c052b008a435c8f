"""Look-ups that accept what PyTorch's embedding refuses."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def take_rows(weight: Tensor, index: Tensor) -> Tensor:
    """Rows of a table; an index outside is clamped to the nearest end, a fraction is cut off."""
    return F.embedding(index.long().clamp(0, weight.shape[0] - 1), weight)


class ClampedEmbedding(nn.Embedding):
    """An embedding that cuts off an index's fraction and clamps it to the table."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.long().clamp(0, self.num_embeddings - 1))
