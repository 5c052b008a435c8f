"""Write a model to a file with its weights, or with the weights in a file beside it, one tensor at a time."""

from __future__ import annotations

from typing import BinaryIO, Mapping

from google.protobuf.internal import encoder, wire_format
from google.protobuf.message import Message
from onnx import GraphProto, ModelProto, TensorProto, helper
from onnx.external_data_helper import set_external_data

from neutral.dtypes import DTYPE_NAME
from neutral.tensor import Tensor
from neutral_to_onnx.building.value import ELEMENT_TYPE

LARGEST_MESSAGE = (1 << 31) - 1
"""The most bytes of a protobuf message, and so of a model with its weights in one file."""

SMALL = 1024
"""Bytes up to which a tensor is in the model itself even if the others are in a file of their own."""

ALIGNMENT = 4096
"""The divisor of the offset of each tensor in the file of the weights, so that it can be mapped."""


def write_model(model: ModelProto, initializers: Mapping[str, Tensor], file: BinaryIO) -> None:
    """Write a model with its weights; one tensor is in memory at a time.

    Args:
        model: The model without initialisers.
        initializers: The tensors by name.
        file: The file.
    """
    without = ModelProto()
    without.CopyFrom(model)
    without.ClearField("graph")
    file.write(without.SerializeToString(deterministic=True))
    head = model.graph.SerializeToString(deterministic=True)
    sizes = [_message_size(name, tensor) for name, tensor in initializers.items()]
    file.write(_start(ModelProto, "graph", len(head) + sum(sizes)))
    file.write(head)
    for name, tensor in initializers.items():
        file.write(_before_content(name, tensor))
        for chunk in tensor.chunks():
            file.write(chunk)


def model_size(model: ModelProto, initializers: Mapping[str, Tensor]) -> int:
    """Return the bytes of a model with its weights, within a few.

    Args:
        model: The model without initialisers.
        initializers: The tensors by name.

    Returns:
        The number of bytes.
    """
    return int(model.ByteSize()) + sum(_message_size(name, tensor) for name, tensor in initializers.items())


def _before_content(name: str, tensor: Tensor) -> bytes:
    """Return the bytes of an initialiser in a graph up to its content, with which it ends."""
    proto = bytes(tensor_proto(name, tensor).SerializeToString(deterministic=True))
    head = proto + _start(TensorProto, "raw_data", tensor.nbytes)
    return _start(GraphProto, "initializer", len(head) + tensor.nbytes) + head


def _message_size(name: str, tensor: Tensor) -> int:
    """Return the bytes of an initialiser in a graph, without reading the tensor."""
    return len(_before_content(name, tensor)) + tensor.nbytes


def _start(message: type[Message], field: str, size: int) -> bytes:
    """Return the bytes before the content of a field: its tag and its length."""
    pieces = [encoder.TagBytes(message.DESCRIPTOR.fields_by_name[field].number, wire_format.WIRETYPE_LENGTH_DELIMITED)]
    encoder._EncodeVarint(pieces.append, size)
    return b"".join(pieces)


def tensor_proto(name: str, tensor: Tensor) -> TensorProto:
    """Return the description of a tensor, without its content.

    Args:
        name: The name.
        tensor: The tensor; it is not read.

    Returns:
        The message.
    """
    return TensorProto(name=name, data_type=ELEMENT_TYPE[DTYPE_NAME[tensor.dtype]], dims=tensor.shape)


def write_external(
    model: ModelProto, initializers: Mapping[str, Tensor], file: BinaryIO, data: BinaryIO, location: str
) -> None:
    """Write a model, and its weights to a file of their own.

    Args:
        model: The model without initialisers; it gets them.
        initializers: The tensors by name.
        file: The file of the model.
        data: The file of the weights.
        location: The name of that file, which the model records.
    """
    position = 0
    for name, tensor in initializers.items():
        item = tensor_proto(name, tensor)
        if tensor.nbytes <= SMALL:
            item.raw_data = b"".join(bytes(chunk) for chunk in tensor.chunks())
        else:
            padding = -position % ALIGNMENT
            data.write(bytes(padding))
            position += padding
            item.raw_data = b""
            set_external_data(item, location, position, tensor.nbytes)
            item.ClearField("raw_data")
            for chunk in tensor.chunks():
                data.write(chunk)
            position += tensor.nbytes
        model.graph.initializer.append(item)
    file.write(model.SerializeToString(deterministic=True))


def checkable(model: ModelProto, initializers: Mapping[str, Tensor]) -> ModelProto:
    """Return the model as it is checked: small tensors with their content, large ones as inputs of their type.

    Args:
        model: The model without initialisers.
        initializers: The tensors by name.

    Returns:
        A model in which every check but that of the weights' bytes can be made without reading them.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    for name, tensor in initializers.items():
        if tensor.nbytes <= SMALL:
            item = tensor_proto(name, tensor)
            item.raw_data = b"".join(bytes(chunk) for chunk in tensor.chunks())
            copy.graph.initializer.append(item)
        else:
            element = ELEMENT_TYPE[DTYPE_NAME[tensor.dtype]]
            copy.graph.input.append(helper.make_tensor_value_info(name, element, tensor.shape))
    return copy
