"""How many channels a value has, where the symbol says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mxnet_to_neutral.symbol.attributes import Attributes, declared_shape

if TYPE_CHECKING:
    from mxnet_to_neutral.context import NodeContext
    from mxnet_to_neutral.symbol.model import SymbolNode

SAME_CHANNELS = frozenset(
    {
        "Activation", "LeakyReLU", "Dropout", "Pooling", "Pooling_v1", "relu", "sigmoid", "tanh", "clip", "BlockGrad",
        "_copy", "BatchNorm", "BatchNorm_v1", "_contrib_SyncBatchNorm", "InstanceNorm", "GroupNorm", "L2Normalization",
        "LRN", "elemwise_add", "elemwise_mul", "_plus_scalar", "_mul_scalar", "_minus_scalar", "_div_scalar",
        "_contrib_AdaptiveAvgPooling2D", "_contrib_BilinearResize2D", "Cast", "amp_cast",
    }
)  # fmt: skip
"""Operators whose output has the channels of their first input."""


def channels_of(context: NodeContext, index: int) -> int | None:
    """The channels of an input, None where they are not to be seen."""
    node = context.producer(index)
    while node.operator in SAME_CHANNELS:
        node = context.producers_of(node)[0]
    return _stated(node, context)


def _stated(node: SymbolNode, context: NodeContext) -> int | None:
    if node.operator in ("Convolution", "Convolution_v1", "Deconvolution"):
        return Attributes(node, context.attributes.file).int("num_filter")
    if node.operator == "FullyConnected":
        return Attributes(node, context.attributes.file).int("num_hidden")
    shape = declared_shape(node, context.numpy_shape, context.attributes.file) if node.is_variable else None
    return shape[1] if shape is not None and len(shape) > 1 else None
