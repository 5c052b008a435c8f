"""Adapters of linear layers, embeddings and PReLU."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping

from torch import nn

from neutral.matching.layouts import TensorLayout
from neutral_to_torch.adapters.registry import Adapter, adapts, adapts_named


@adapts(nn.Linear)
class Linear(Adapter):
    """Adapter of linear layers."""

    kind = "linear"

    def attributes(self, module: Any) -> dict[str, Any]:
        return {"out_features": module.out_features}


@adapts_named("transformers.pytorch_utils.Conv1D")
class Conv1D(Adapter):
    """Adapter of the linear layers of GPT-2, whose matrices are (in, out)."""

    kind = "linear"

    def attributes(self, module: Any) -> dict[str, Any]:
        return {"out_features": module.weight.shape[1]}

    def layouts(self, module: Any) -> dict[str, TensorLayout]:
        rows, columns = module.weight.shape
        return {"weight": TensorLayout((columns, rows), (rows, columns), 0, (columns, rows), (1, columns))}


@adapts(nn.Embedding)
class Embedding(Adapter):
    """Adapter of embeddings."""

    kind = "embedding"
    tensors = ("weight",)
    implied: ClassVar[Mapping[str, Any]] = {"max_norm": None}

    def attributes(self, module: Any) -> dict[str, Any]:
        return {
            "num_embeddings": module.num_embeddings,
            "embedding_dim": module.embedding_dim,
            "max_norm": module.max_norm,
        }


@adapts(nn.PReLU)
class PReLU(Adapter):
    """Adapter of activations with learned slopes."""

    kind = "prelu"
    tensors = ("weight",)
