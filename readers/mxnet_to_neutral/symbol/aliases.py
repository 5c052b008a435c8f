"""Older and alternative names of operators and attributes; a file uses the names of the version that wrote it.

The names are those of MXNet 1.9.1's registry, which resolves them on every load. Families whose alternative names no
version ever wrote are left out (``_sparse_*``, ``linalg_*``, ``random_*`` and NumPy's).
"""

from __future__ import annotations

_OPERATORS = {
    "ElementWiseSum": "add_n",
    "Softmax": "SoftmaxOutput",
    "_Div": "elemwise_div",
    "_Minus": "elemwise_sub",
    "_Mul": "elemwise_mul",
    "_Plus": "elemwise_add",
    "_add": "elemwise_add",
    "_contrib_CTCLoss": "CTCLoss",
    "_contrib_box_non_maximum_suppression": "_contrib_box_nms",
    "_contrib_ctc_loss": "CTCLoss",
    "_crop_assign": "_slice_assign",
    "_crop_assign_scalar": "_slice_assign_scalar",
    "_div": "elemwise_div",
    "_minus": "elemwise_sub",
    "_mul": "elemwise_mul",
    "_plus": "elemwise_add",
    "_sub": "elemwise_sub",
    "broadcast_axes": "broadcast_axis",
    "broadcast_minus": "broadcast_sub",
    "broadcast_plus": "broadcast_add",
    "cast": "Cast",
    "choose_element_0index": "pick",
    "concat": "Concat",
    "crop": "slice",
    "ctc_loss": "CTCLoss",
    "flatten": "Flatten",
    "flip": "reverse",
    "identity": "_copy",
    "max_axis": "max",
    "min_axis": "min",
    "pad": "Pad",
    "ravel_multi_index": "_ravel_multi_index",
    "reshape": "Reshape",
    "shuffle": "_shuffle",
    "split": "SliceChannel",
    "stop_gradient": "BlockGrad",
    "sum_axis": "sum",
    "swapaxes": "SwapAxis",
    "unravel_index": "_unravel_index",
}

# These differ only in spelling: _Greater is _greater, _RMinusScalar is _rminus_scalar.
_BINARY = """
Equal Greater Greater_Equal Hypot Lesser Lesser_Equal Logical_And Logical_Or Logical_Xor Maximum Minimum Mod Not_Equal
Power
"""
_SCALAR = """
Div Equal Greater Greater_Equal Hypot Lesser Lesser_Equal Logical_And Logical_Or Logical_Xor Maximum Minimum Minus Mod
Mul Not_Equal Plus Power RDiv RMinus RMod RPower
"""

CANONICAL = {
    **_OPERATORS,
    **{f"_{name}": f"_{name.lower()}" for name in _BINARY.split()},
    **{f"_{name.replace('_', '')}Scalar": f"_{name.lower()}_scalar" for name in _SCALAR.split()},
}
"""The operator name that MXNet 1.9.1 writes, by alternative name."""

_FUSED_CONVOLUTION = {"with_relu": "with_act", "with_postsum_relu": "with_postsum_act"}

RENAMED_ATTRIBUTES = {
    "_sg_mkldnn_conv": _FUSED_CONVOLUTION,
    "_sg_onednn_conv": _FUSED_CONVOLUTION,
    "_npi_around": {"decimal": "decimals"},
    "argsort": {"is_ascend_s": "is_ascend"},
    "sort": {"is_ascend_s": "is_ascend"},
}
"""The attribute name in MXNet 1.9.1, by operator and alternative name.

MXNet 2 misspells some attributes of graphs that it traced, and cannot read these files itself.
"""
