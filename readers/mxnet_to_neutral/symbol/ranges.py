"""The ranges of MXNet's numeric attributes, which are checked before the rule of an operator.

They are those that the operators declare (``set_range`` and ``set_lower_bound``), and those that their shape inference
demands: MXNet cannot run a node outside of them. Ranges that depend on the inputs, such as that of an axis, are those
of the rule.
"""

from __future__ import annotations

import math
from typing import Mapping, Optional, Sequence, Tuple

from mxnet_to_neutral.symbol import values
from neutral import limits

Range = Tuple[Optional[float], Optional[float]]
"""The least and the greatest accepted number, of each item of a tuple; None for no bound."""

_RANGES: dict[Range, str] = {
    (0, 1): """
        Dropout.p ROIPooling.spatial_scale RNN.p SoftmaxOutput.smooth_alpha
        _contrib_DeformablePSROIPooling.spatial_scale _contrib_DeformablePSROIPooling.trans_std
        _contrib_PSROIPooling.spatial_scale _contrib_ROIAlign.spatial_scale
        _contrib_RROIAlign.spatial_scale
    """,
    (1, None): """
        Convolution.dilate Convolution.kernel Convolution.num_filter Convolution.num_group Convolution.stride
        Convolution_v1.dilate Convolution_v1.kernel Convolution_v1.num_filter Convolution_v1.num_group
        Convolution_v1.stride Correlation.kernel_size Correlation.stride1 Correlation.stride2 Deconvolution.dilate
        Deconvolution.kernel Deconvolution.num_filter Deconvolution.num_group Deconvolution.stride Embedding.input_dim
        Embedding.output_dim FullyConnected.num_hidden GroupNorm.num_groups LRN.nsize RNN.num_layers RNN.state_size
        ROIPooling.pooled_size SliceChannel.num_outputs UpSampling.scale _arange.repeat
        _contrib_BilinearResize2D.height _contrib_BilinearResize2D.width _contrib_DeformableConvolution.dilate
        _contrib_DeformableConvolution.kernel _contrib_DeformableConvolution.num_deformable_group
        _contrib_DeformableConvolution.num_filter _contrib_DeformableConvolution.num_group
        _contrib_DeformableConvolution.stride _contrib_DeformablePSROIPooling.group_size
        _contrib_DeformablePSROIPooling.output_dim _contrib_DeformablePSROIPooling.pooled_size
        _contrib_DeformablePSROIPooling.sample_per_part _contrib_ModulatedDeformableConvolution.dilate
        _contrib_ModulatedDeformableConvolution.kernel _contrib_ModulatedDeformableConvolution.num_deformable_group
        _contrib_ModulatedDeformableConvolution.num_filter _contrib_ModulatedDeformableConvolution.num_group
        _contrib_ModulatedDeformableConvolution.stride _contrib_MultiProposal.feature_stride
        _contrib_MultiProposal.rpn_post_nms_top_n _contrib_PSROIPooling.output_dim _contrib_PSROIPooling.pooled_size
        _contrib_Proposal.feature_stride _contrib_Proposal.rpn_post_nms_top_n _contrib_ROIAlign.pooled_size
        _contrib_RROIAlign.pooled_size _contrib_SparseEmbedding.input_dim _contrib_SparseEmbedding.output_dim
        _contrib_arange_like.repeat _contrib_interleaved_matmul_encdec_qk.heads
        _contrib_interleaved_matmul_encdec_valatt.heads _contrib_interleaved_matmul_selfatt_qk.heads
        _contrib_interleaved_matmul_selfatt_valatt.heads _contrib_quantized_conv.dilate _contrib_quantized_conv.kernel
        _contrib_quantized_conv.num_filter _contrib_quantized_conv.num_group _contrib_quantized_conv.stride
        _contrib_quantized_embedding.input_dim _contrib_quantized_embedding.output_dim
        _contrib_quantized_fully_connected.num_hidden _eye.N _linspace.num _npi_eye.N
        _npi_indices.dimensions _npi_linspace.num _npi_logspace.num _npi_repeats.repeats _npi_tri.N
        _npx_deformable_convolution.dilate
        _npx_deformable_convolution.kernel _npx_deformable_convolution.num_deformable_group
        _npx_deformable_convolution.num_filter _npx_deformable_convolution.num_group _npx_deformable_convolution.stride
        _npx_modulated_deformable_convolution.dilate _npx_modulated_deformable_convolution.kernel
        _npx_modulated_deformable_convolution.num_deformable_group _npx_modulated_deformable_convolution.num_filter
        _npx_modulated_deformable_convolution.num_group _npx_modulated_deformable_convolution.stride
        _while_loop.max_iterations _npx_while_loop.max_iterations col2im.dilate col2im.kernel col2im.stride
        depth_to_space.block_size im2col.dilate im2col.kernel im2col.stride one_hot.depth repeat.repeats
        scatter_nd.shape space_to_depth.block_size
    """,
    (0, None): """
        Convolution.pad Convolution_v1.pad Correlation.max_displacement Correlation.pad_size Deconvolution.pad
        Dropout.axes GridGenerator.target_shape Pad.pad_width SpatialTransformer.target_shape
        _contrib_DeformableConvolution.pad _contrib_DeformablePSROIPooling.part_size
        _contrib_ModulatedDeformableConvolution.pad _contrib_PSROIPooling.group_size _contrib_box_nms.coord_start
        _contrib_box_nms.score_index _contrib_quantized_conv.pad _foreach.num_out_data _image_crop.height
        _image_crop.width _image_crop.x _image_crop.y _npi_diff.n _npi_tensordot_int_axes.axes _npx_foreach.num_out_data
        _npx_deformable_convolution.pad _npx_modulated_deformable_convolution.pad _npx_while_loop.num_out_data
        _while_loop.num_out_data col2im.pad im2col.pad
    """,
    (-1, None): "_np_reshape.newshape",
    (-6, None): "_npx_quantized_reshape.newshape _npx_reshape.newshape",
}

RANGES: dict[str, dict[str, Range]] = {}
"""Ranges by attribute by the canonical name of the operator."""

for _range, _names in _RANGES.items():
    for _name in _names.split():
        _operator, _, _attribute = _name.rpartition(".")
        RANGES.setdefault(_operator, {})[_attribute] = _range

_COUNTS = {
    "num_layers": limits.LAYER_COUNT,
    "num_outputs": limits.OUTPUT_COUNT,
    "sections": limits.OUTPUT_COUNT,
    "num_args": limits.INPUT_COUNT,
}
"""The limits of attributes that count, of any operator; rules use memory in proportion to them."""


def range_problem(operator: str, attributes: Mapping[str, str]) -> str | None:
    """Return why an attribute of a node is out of its range, None if none is.

    Texts that are not numbers are not looked at: the rule, which knows the type, refuses them.

    Args:
        operator: The operator's canonical name.
        attributes: The texts of the node's attributes by name.

    Returns:
        A clause with the attribute, its value and the range, which follows the node's name in a message; or None.

    Example:
        >>> range_problem("Convolution", {"kernel": "(3, 3)", "num_group": "0"})
        "attribute 'num_group' is '0', expected an integer of at least 1"
        >>> range_problem("Pad", {"pad_width": "(0, 0, 0, 0, -1, 1)"})
        "attribute 'pad_width' is '(0, 0, 0, 0, -1, 1)', expected integers of at least 0"
        >>> range_problem("Dropout", {"p": "2"})
        "attribute 'p' is '2', expected a number from 0 to 1"
    """
    for name, (low, high) in RANGES.get(operator, {}).items():
        numbers = _numbers(attributes.get(name), is_real=high == 1)
        if any((low is not None and not number >= low) or (high is not None and number > high) for number in numbers):
            return f"attribute {name!r} is {shown(attributes[name])}, expected {_expected(attributes[name], low, high)}"
    for name, limit in _COUNTS.items():
        if any(number > limit.value for number in _numbers(attributes.get(name))):
            expected = f"an integer of at most {limit.value}. {limit.variable} raises this limit"
            return f"attribute {name!r} is {shown(attributes[name])}, expected {expected}"
    return None


def shown(text: str) -> str:
    """Return an attribute's text for a message, shortened.

    Args:
        text: The text, as the file has it.

    Returns:
        The text in quotes, with escapes for all but ASCII; 80 characters at most.

    Example:
        >>> shown("(3, 3)")
        "'(3, 3)'"
    """
    text = ascii(text)
    return text if len(text) <= 80 else text[:77] + "..."


def _numbers(text: str | None, is_real: bool = False) -> Sequence[float]:
    """Return the numbers of an attribute; none if it is absent or no number."""
    if text is None:
        return ()
    try:
        if is_real:
            number = values.parse_float(text)
            return () if math.isnan(number) else (number,)
        return values.parse_ints(text)
    except ValueError:
        return ()


def _expected(text: str, low: float | None, high: float | None) -> str:
    if high is not None:
        return f"a number from {low} to {high}"
    return f"integers of at least {low}" if text.strip()[:1] in "([" else f"an integer of at least {low}"
