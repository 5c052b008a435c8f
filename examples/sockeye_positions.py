"""A plug-in for ``positional_encodings``, an operator that Sockeye 1 defines in Python for MXNet.

``neutral export MODEL -o model.safetensors --plugin sockeye_positions.py``, and the same option with ``emit``.
"""

from neutral.operators import Attribute, Operator

OPERATORS = (
    Operator(
        kind="sockeye_positional_encodings",
        meaning="Float32 of shape (1, length, size). With a = p / 10000^(2 c / size) for position p and channel c of "
        "the first half of the channels, the first half is sin(a) and the second cos(a).",
        inputs=(),
        attributes=(
            Attribute("length", "int", "the number of positions"),
            Attribute("size", "int", "the number of channels, even"),
        ),
        rank_rule=3,
    ),
)


def mxnet(rule):
    @rule("Custom:positional_encodings")
    def positional_encodings(context):
        size = context.attributes.int("emb")
        if size % 2:
            context.refuse("positional encodings have an even number of channels")
        return context.node("sockeye_positional_encodings", length=context.attributes.int("length"), size=size)


def torch(rule):
    import numpy as np

    from neutral.tensor import from_numpy
    from neutral_to_torch.emission.expression.symbols import torch

    @rule("sockeye_positional_encodings")
    def positional_encodings(node):
        length, size = node["length"], node["size"]
        channels = torch.arange(size // 2, dtype=torch.float64)
        angles = torch.outer(torch.arange(length, dtype=torch.float64), torch.pow(10000, channels * (-2 / size)))
        encodings = torch.cat((angles.sin(), angles.cos()), dim=1).unsqueeze(0).float()
        numbers = np.outer(np.arange(length), 10000.0 ** (-2 * np.arange(size // 2) / size))
        values = np.hstack([np.sin(numbers), np.cos(numbers)])[None].astype("float32")
        return node.constant(encodings, from_numpy(values))
