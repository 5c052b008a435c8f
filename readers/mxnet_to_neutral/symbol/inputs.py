"""Input names of the operators with parameters, states or labels, and which inputs are auxiliary states.

The names are those of ``FListInputNames`` and ``FMutateInputs`` in MXNet 1.9.1, with one exception: CuDNNBatchNorm
exists in GPU builds only, and the versions that left its states out of the file called the last one
``moving_inv_var``.
"""

from __future__ import annotations

from typing import Mapping

_BATCH_NORM = ("data", "gamma", "beta", "moving_mean", "moving_var")
_CONVOLUTION = ("data", "weight", "bias")
_LABELLED = ("data", "label")

_NAMES = {
    "BatchNorm": _BATCH_NORM,
    "BatchNorm_v1": _BATCH_NORM,
    "BilinearSampler": ("data", "grid"),
    "CTCLoss": _LABELLED,
    "Convolution": _CONVOLUTION,
    "Convolution_v1": _CONVOLUTION,
    "Correlation": ("data1", "data2"),
    "CuDNNBatchNorm": (*_BATCH_NORM[:4], "moving_inv_var"),
    "Deconvolution": _CONVOLUTION,
    "Embedding": ("data", "weight"),
    "FullyConnected": _CONVOLUTION,
    "IdentityAttachKLSparseReg": ("data", "moving_avg"),
    "InstanceNorm": ("data", "gamma", "beta"),
    "LayerNorm": ("data", "gamma", "beta"),
    "LinearRegressionOutput": _LABELLED,
    "LogisticRegressionOutput": _LABELLED,
    "MAERegressionOutput": _LABELLED,
    "ROIPooling": ("data", "rois"),
    "SVMOutput": _LABELLED,
    "SoftmaxOutput": _LABELLED,
    "SpatialTransformer": ("data", "loc"),
    "_contrib_BatchNormWithReLU": _BATCH_NORM,
    "_contrib_DeformableConvolution": ("data", "offset", "weight", "bias"),
    "_contrib_MultiBoxDetection": ("cls_prob", "loc_pred", "anchor"),
    "_contrib_MultiBoxTarget": ("anchor", "label", "cls_pred"),
    "_contrib_Proposal": ("cls_prob", "bbox_pred", "im_info"),
    "_contrib_SyncBatchNorm": _BATCH_NORM,
    "softmax_cross_entropy": _LABELLED,
}

_BIAS_BY_DEFAULT = {"Deconvolution": False}  # default of "has a bias"; True for all other operators with no_bias


def input_names(operator: str, attributes: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of an operator's inputs in order.

    Args:
        operator: The operator's canonical name.
        attributes: Its attributes, as in the symbol.

    Returns:
        The names, or () for an operator that is not in the table.

    Example:
        >>> input_names("Convolution", {"no_bias": "True"})
        ('data', 'weight')
    """
    if operator in ("SequenceLast", "SequenceMask", "SequenceReverse"):
        return ("data", "sequence_length")[: 1 + _flag(attributes, "use_sequence_length", False)]
    if operator == "LeakyReLU":
        return ("data", "gamma")[: 1 + (attributes.get("act_type") == "prelu")]
    if operator == "UpSampling":
        return ("data", "weight") if attributes.get("sample_type") == "bilinear" else ()
    if operator == "RNN":
        cell = ("state_cell",) if attributes.get("mode") == "lstm" else ()
        lengths = ("sequence_length",) if _flag(attributes, "use_sequence_length", False) else ()
        return ("data", "parameters", "state", *cell, *lengths)
    names = _NAMES.get(operator, ())
    if names[-1:] == ("bias",) and _flag(attributes, "no_bias", not _BIAS_BY_DEFAULT.get(operator, True)):
        return names[:-1]
    return names


def auxiliary_positions(operator: str) -> tuple[int, ...]:
    """Return the positions of an operator's inputs that are auxiliary states.

    Args:
        operator: The operator's canonical name.

    Returns:
        Positions from 0; empty for an operator without auxiliary states.

    Example:
        >>> auxiliary_positions("BatchNorm")
        (3, 4)
    """
    if operator == "IdentityAttachKLSparseReg":
        return (1,)
    if operator in ("CuDNNBatchNorm", "_contrib_quantized_batch_norm") or _NAMES.get(operator) == _BATCH_NORM:
        return (3, 4)
    return ()


def _flag(attributes: Mapping[str, str], name: str, default: bool) -> bool:
    return attributes.get(name, str(default)).lower() in ("true", "1")
