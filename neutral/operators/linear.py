"""Linear layers and embeddings."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator, Role

OPERATORS = (
    Operator(
        "linear",
        "output = input weight^T + bias, over the input's last axis. If flatten, the input is reshaped to (N, "
        "in_features) first; a 1-D input to (N, 1).",
        attributes=(
            Attribute("out_features", "int", "The extent of the output's last axis.", minimum=1),
            Attribute("flatten", "bool", "True if the input is reshaped to (N, in_features) first."),
        ),
        roles=(
            Role("weight", "(out_features, in_features)", "The matrix."),
            Role("bias", "(out_features,)", "The vector added to every row.", required=False),
        ),
        family="linear",
        rank_rule=lambda node: 2 if node["flatten"] else node.rank(),
        dtype_rule="same",
    ),
    Operator(
        "embedding",
        "output[..., :] = weight[index[...], :]. An index of a floating dtype is truncated towards zero; an index "
        "out of range is clamped.",
        inputs=("index",),
        attributes=(
            Attribute("num_embeddings", "int", "The number of rows of the table.", minimum=0),
            Attribute("embedding_dim", "int", "The length of a row.", minimum=0),
        ),
        roles=(Role("weight", "(num_embeddings, embedding_dim)", "The table of vectors."),),
        family="linear",
        rank_rule=lambda node: node.changed(1),
    ),
)
