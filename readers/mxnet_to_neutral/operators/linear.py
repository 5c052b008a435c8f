"""Linear maps and embeddings: src/operator/nn/fully_connected.cc, tensor/indexing_op.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("FullyConnected")
def fully_connected(op: Op) -> Operand:
    features = op.attributes.int("num_hidden")
    roles = {"weight": op.role(1, shape=(features, None)), "bias": None}
    if not op.attributes.bool("no_bias", False):
        roles["bias"] = op.role(2, shape=(features,))
    return op.node(
        "linear", op.input(0), roles=roles, out_features=features, flatten=op.attributes.bool("flatten", True)
    )


@rule("Embedding", "_contrib_SparseEmbedding")
def embedding(op: Op) -> Operand:
    rows, length = op.attributes.int("input_dim"), op.attributes.int("output_dim")
    op.attributes.ignore("dtype", "sparse_grad", "deterministic")
    roles = {"weight": op.role(1, shape=(rows, length))}
    return op.node("embedding", op.input(0), roles=roles, num_embeddings=rows, embedding_dim=length)
