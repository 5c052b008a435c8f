"""Linear maps and tables of vectors."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator, Role

OPERATORS = (
    Operator(
        "linear",
        "output = input x weight^T + bias over the last axis. With flatten, all axes but the first are made one before, of extent 1 where there are none.",
        attributes=(
            Attribute("out_features", "int", "Size of the output's last axis."),
            Attribute("flatten", "bool", "Whether the input is flattened to (N, in_features) before."),
        ),
        roles=(
            Role("weight", "(out_features, in_features)", "The matrix."),
            Role("bias", "(out_features,)", "Added to every row.", required=False),
        ),
        family="linear",
        rank_rule=lambda node: 2 if node["flatten"] else node.rank(),
        dtype_rule="same",
    ),
    Operator(
        "embedding",
        "output[..., :] = weight[index[...], :]. The index may be of a floating type, then its fraction is cut off; an index "
        "outside the table is clamped to its nearest end.",
        inputs=("index",),
        attributes=(
            Attribute("num_embeddings", "int", "Rows of the table."),
            Attribute("embedding_dim", "int", "Length of a row."),
        ),
        roles=(Role("weight", "(num_embeddings, embedding_dim)", "The table."),),
        family="linear",
        rank_rule=lambda node: node.changed(1),
    ),
)
