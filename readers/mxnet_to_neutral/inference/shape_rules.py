"""Rules that give the shape of an operator's outputs from those of its inputs."""

from __future__ import annotations

from typing import Callable, NamedTuple, Sequence

from mxnet_to_neutral.inference.reshape_rule import product, reshaped
from mxnet_to_neutral.inference.shape_types import PartialShape, broadcast, merged
from mxnet_to_neutral.symbol.attributes import Attributes


class ShapedNode(NamedTuple):
    """A node of which the shapes of the inputs are known as far as possible."""

    operator: str
    attributes: Attributes
    inputs: Sequence[PartialShape | None]

    @property
    def first(self) -> PartialShape:
        """The shape of the first input; ValueError if its rank is not known."""
        shape = self.inputs[0]
        if shape is None:
            raise ValueError("an input of unknown rank")
        return shape


ShapeRule = Callable[[ShapedNode], "PartialShape | None"]
"""Returns the shape that all outputs have; it may raise ValueError and IndexError where that is not known."""

_SAME = """
    Activation LeakyReLU Dropout relu sigmoid tanh softsign exp log sqrt rsqrt square abs negative erf clip
    BlockGrad _copy Cast amp_cast hard_sigmoid smooth_l1 BatchNorm BatchNorm_v1 CuDNNBatchNorm
    _contrib_SyncBatchNorm _contrib_BatchNormWithReLU InstanceNorm GroupNorm LayerNorm L2Normalization LRN
    softmax log_softmax _plus_scalar _minus_scalar _rminus_scalar _mul_scalar _div_scalar _rdiv_scalar
    _power_scalar _rpower_scalar _maximum_scalar _minimum_scalar reverse _npx_relu _npx_sigmoid _npx_softmax
    _npi_add_scalar _npi_subtract_scalar _npi_multiply_scalar _npi_true_divide_scalar _npi_tanh _npi_exp
"""

SAME_SHAPE = frozenset(_SAME.split())
"""Operators whose (first) output has the shape of their first input."""

_MERGED = "elemwise_add elemwise_sub elemwise_mul elemwise_div add_n _grad_add"
_BROADCAST = """
    broadcast_add broadcast_sub broadcast_mul broadcast_div broadcast_power broadcast_maximum broadcast_minimum
    broadcast_hypot _npi_add _npi_subtract _npi_multiply _npi_true_divide _npi_maximum _npi_minimum _npi_power
"""


def _merged(node: ShapedNode) -> PartialShape | None:
    return merged(node.inputs)


def _broadcast(node: ShapedNode) -> PartialShape | None:
    return broadcast(node.inputs)


def _same(node: ShapedNode) -> PartialShape | None:
    return node.first


def _is_channels_last(node: ShapedNode) -> bool:
    return not (node.attributes.optional_str("layout", None) or "NC").startswith("NC")


def _convolution(node: ShapedNode) -> PartialShape | None:
    spatial = (None,) * len(node.attributes.ints("kernel"))
    batch = node.inputs[0][0] if node.inputs[0] else None
    filters = node.attributes.int("num_filter")
    return (batch, *spatial, filters) if _is_channels_last(node) else (batch, filters, *spatial)


def _pooling(node: ShapedNode) -> PartialShape | None:
    spatial = (None,) * (len(node.first) - 2)
    batch, last = node.first[0], node.first[-1]
    return (batch, *spatial, last) if _is_channels_last(node) else (batch, node.first[1], *spatial)


def _resized(node: ShapedNode) -> PartialShape | None:
    return (*node.first[:2], *(None,) * (len(node.first) - 2))


def _up_sampling(node: ShapedNode) -> PartialShape | None:
    """Return the shape of enlarged maps; several are stacked along the channels, or added."""
    batch, channels, height, width = node.first
    is_nearest = node.attributes.str("sample_type", "nearest") == "nearest"
    if is_nearest and node.attributes.str("multi_input_mode", "concat") == "concat":
        channels = _total([None if shape is None else shape[1] for shape in node.inputs])
    scale = node.attributes.int("scale")
    return batch, channels, *(None if extent is None else extent * scale for extent in (height, width))


def _fully_connected(node: ShapedNode) -> PartialShape | None:
    units = node.attributes.int("num_hidden")
    if node.attributes.bool("flatten", True):
        return (node.inputs[0][0] if node.inputs[0] else None, units)
    return (*node.first[:-1], units)


def _total(extents: Sequence[int | None]) -> int | None:
    known = [extent for extent in extents if extent is not None]
    return sum(known) if len(known) == len(extents) else None


def _concat(node: ShapedNode) -> PartialShape | None:
    shapes = [shape for shape in node.inputs if shape is not None]
    axis = node.attributes.int("dim", 1) % len(shapes[0])
    others = merged([(*shape[:axis], None, *shape[axis + 1 :]) for shape in shapes])
    if others is None:
        return None
    total = _total([shape[axis] for shape in shapes]) if len(shapes) == len(node.inputs) else None
    return (*others[:axis], total, *others[axis + 1 :])


def _replaced(shape: PartialShape, axis: int, extent: int | None) -> PartialShape:
    axis = axis % len(shape)
    return (*shape[:axis], extent, *shape[axis + 1 :])


def _split(node: ShapedNode) -> PartialShape | None:
    parts, axis = node.attributes.int("num_outputs"), node.attributes.int("axis", 1) % len(node.first)
    extent = node.first[axis]
    if node.attributes.bool("squeeze_axis", False):
        return (*node.first[:axis], *node.first[axis + 1 :])
    return _replaced(node.first, axis, None if extent is None else extent // parts)


def _sliced(extent: int | None, begin: int | None, end: int | None, step: int | None) -> int | None:
    if begin is None and end is None and step in (None, 1):
        return extent
    return None if extent is None else len(range(extent)[begin:end:step])


def _slice_axis(node: ShapedNode) -> PartialShape | None:
    axis = node.attributes.int("axis") % len(node.first)
    begin, end = node.attributes.int("begin"), node.attributes.optional_int("end", None)
    return _replaced(node.first, axis, _sliced(node.first[axis], begin or None, end, None))


def _slice(node: ShapedNode) -> PartialShape | None:
    begins = node.attributes.optional_ints("begin") or ()
    ends, steps = node.attributes.optional_ints("end") or (), node.attributes.optional_ints("step", ()) or ()
    shape = list(node.first)
    for axis, (begin, end) in enumerate(zip(begins, ends)):
        shape[axis] = _sliced(shape[axis], begin, end, steps[axis] if axis < len(steps) else None)
    return tuple(shape)


def _pad(node: ShapedNode) -> PartialShape | None:
    widths = node.attributes.ints("pad_width")
    pairs = zip(node.first, widths[::2], widths[1::2])
    return tuple(None if extent is None else extent + before + after for extent, before, after in pairs)


def _transpose(node: ShapedNode) -> PartialShape | None:
    axes = node.attributes.ints("axes", ()) or tuple(reversed(range(len(node.first))))
    return tuple(node.first[axis] for axis in axes)


def _swap_axes(node: ShapedNode) -> PartialShape | None:
    shape = list(node.first)
    first, second = node.attributes.int("dim1", 0), node.attributes.int("dim2", 0)
    shape[first], shape[second] = shape[second], shape[first]
    return tuple(shape)


def _expand_dims(node: ShapedNode) -> PartialShape | None:
    axis = node.attributes.int("axis") % (len(node.first) + 1)
    return (*node.first[:axis], 1, *node.first[axis:])


def _flatten(node: ShapedNode) -> PartialShape | None:
    return node.first[0], product(node.first[1:])


def _reshape(node: ShapedNode) -> PartialShape | None:
    codes = node.attributes.ints("shape", ())
    is_plain = codes and not node.attributes.bool("reverse", False)
    return reshaped(node.first, codes) if is_plain else None


_RULES: dict[ShapeRule, str] = {
    _same: _SAME,
    _merged: _MERGED,
    _broadcast: _BROADCAST,
    _convolution: "Convolution Convolution_v1 Deconvolution",
    _pooling: "Pooling Pooling_v1",
    _resized: "_contrib_AdaptiveAvgPooling2D _contrib_BilinearResize2D",
    _up_sampling: "UpSampling",
    _fully_connected: "FullyConnected",
    _concat: "Concat",
    _split: "SliceChannel",
    _slice_axis: "slice_axis",
    _slice: "slice",
    _pad: "Pad",
    _transpose: "transpose",
    _swap_axes: "SwapAxis",
    _expand_dims: "expand_dims",
    _flatten: "Flatten",
    _reshape: "Reshape",
}

SHAPE_RULES: dict[str, ShapeRule] = {
    operator: rule for rule, operators in _RULES.items() for operator in operators.split()
}
"""The shape rule of each of MXNet's operators that has one."""
