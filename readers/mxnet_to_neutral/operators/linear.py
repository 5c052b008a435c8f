"""Rules for linear layers and embeddings: src/operator/nn/fully_connected.cc, tensor/indexing_op.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("FullyConnected")
def fully_connected(context: NodeContext) -> Operand:
    """Convert ``FullyConnected``: a linear layer, over all axes but the first if ``flatten`` is set."""
    features = context.attributes.int("num_hidden")
    roles = {"weight": context.role(1, shape=(features, None)), "bias": None}
    if not context.attributes.bool("no_bias", False):
        roles["bias"] = context.role(2, shape=(features,))
    return context.node(
        "linear", context.input(0), roles=roles, out_features=features, flatten=context.attributes.bool("flatten", True)
    )


@rule("Embedding", "_contrib_SparseEmbedding")
def embedding(context: NodeContext) -> Operand:
    """Convert ``Embedding``."""
    rows, length = context.attributes.int("input_dim"), context.attributes.int("output_dim")
    context.attributes.ignore("dtype", "sparse_grad", "deterministic")
    roles = {"weight": context.role(1, shape=(rows, length))}
    return context.node("embedding", context.input(0), roles=roles, num_embeddings=rows, embedding_dim=length)
