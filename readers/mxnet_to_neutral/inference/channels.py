"""Infer numbers of channels from convolutions, linear layers and declared shapes."""

from __future__ import annotations

from mxnet_to_neutral.symbol.attribute_texts import InvalidAttribute
from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.declarations import declared_shape
from mxnet_to_neutral.symbol.model import Symbol, SymbolNode

CHANNEL_PRESERVING = frozenset(
    {
        "Activation", "LeakyReLU", "Dropout", "Pooling", "Pooling_v1", "relu", "sigmoid", "tanh", "clip", "BlockGrad",
        "_copy", "BatchNorm", "BatchNorm_v1", "_contrib_SyncBatchNorm", "InstanceNorm", "GroupNorm", "L2Normalization",
        "LRN", "elemwise_add", "elemwise_mul", "_plus_scalar", "_mul_scalar", "_minus_scalar", "_div_scalar",
        "_contrib_AdaptiveAvgPooling2D", "_contrib_BilinearResize2D", "Cast", "amp_cast",
    }
)  # fmt: skip
"""MXNet's operators whose output has as many channels as their first input."""


def infer_channels(symbol: Symbol, file: str) -> list[int | None]:
    """Return for each node the number of channels (the extent of axis 1) of its output.

    Args:
        symbol: The symbol.
        file: The symbol's file, for messages.

    Returns:
        The numbers; None where attributes and declared shapes do not give one.
    """
    channels: list[int | None] = []
    for node in symbol.nodes:
        preserves = node.operator in CHANNEL_PRESERVING and node.inputs
        channels.append(channels[node.inputs[0].node] if preserves else _own_channels(symbol, node, file))
    return channels


def _own_channels(symbol: Symbol, node: SymbolNode, file: str) -> int | None:
    """Return the number of channels that a node's attributes or its declared shape give."""
    try:
        if node.operator in ("Convolution", "Convolution_v1", "Deconvolution"):
            return Attributes(node, file).int("num_filter")
        if node.operator == "FullyConnected":
            return Attributes(node, file).int("num_hidden")
        shape = declared_shape(node, symbol.numpy_shape, file) if node.is_variable else None
    except InvalidAttribute:
        return None
    return shape[1] if shape is not None and len(shape) > 1 else None
