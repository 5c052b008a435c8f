"""What the ONNX writer may refuse in the parity tests: every other refusal fails them."""

from __future__ import annotations

from typing import Sequence

REFUSED = (
    "it draws random numbers outside of training",
    "there is no standard operator for it",
    "its operands are bools",
    "have no common one",
)
"""Parts of the reasons with which a node is refused for good."""

NO_KERNEL = (
    ("Softplus", "double"),
    ("LeakyRelu", "double"),
    ("Elu", "double"),
    ("Gelu", "double"),
    ("Mish", "double"),
    ("Erf", "double"),
    ("HardSigmoid", "double"),
)
"""Operators and dtypes that are valid ONNX and that onnxruntime does not compute."""

WITHOUT_RULE = frozenset(
    {
        # arrangement
        *(
            "split",
            "uneven_split",
            "split_at",
            "unbind",
            "hsplit",
            "slice",
            "slice_assign",
            "slice_like",
            "crop",
            "pad",
            "tile",
            "repeat",
            "flip",
            "broadcast_to",
            "broadcast_axes",
            "broadcast_like",
            "vstack",
            "hstack",
            "dstack",
            "column_stack",
            "roll",
            "lower_triangle",
            "upper_triangle",
            "difference",
            "extract_patches",
            "add_patches",
        ),
        # attention
        *(
            "attention_scores",
            "attention_values",
            "self_attention_scores",
            "self_attention_values",
            "cross_attention_scores",
            "cross_attention_values",
        ),
        # convolution
        *("deformable_convolution",),
        # creation
        *(
            "full",
            "full_like",
            "arange",
            "arange_like",
            "eye",
            "index_array",
            "diagonal",
        ),
        # image
        *(
            "image_to_tensor",
            "image_normalize",
            "image_crop",
        ),
        # indexing
        *(
            "sort",
            "top_k",
            "top_k_mask",
            "take",
            "gather_nd",
            "scatter_nd",
            "index_copy",
            "index_add",
            "index_update",
            "boolean_mask",
            "nonzero",
            "one_hot",
            "ravel_index",
            "unravel_index",
        ),
        # integer arithmetic
        *(
            "bitwise_and",
            "bitwise_or",
            "bitwise_xor",
            "shift_left",
            "shift_right",
            "greatest_common_divisor",
            "least_common_multiple",
            "bitwise_not",
        ),
        # linear algebra
        *(
            "cholesky",
            "cholesky_inverse",
            "solve_triangular",
            "solve",
            "inverse",
            "pseudo_inverse",
            "determinant",
            "log_determinant",
            "eigh",
            "qr",
            "svd",
            "diagonal_matrix",
            "pack_triangle",
            "unpack_triangle",
        ),
        # loss
        *(
            "pick",
            "softmax_cross_entropy",
            "ctc_loss",
        ),
        # matrix
        *(
            "matmul",
            "tensordot",
            "contract",
            "dot",
            "einsum",
            "kronecker",
            "cross",
            "khatri_rao",
        ),
        # random numbers
        *(
            "random_normal",
            "random_uniform",
            "random_exponential",
            "random_gamma",
            "random_poisson",
            "random_negative_binomial",
            "random_bernoulli",
            "random_integer",
            "random_category",
            "random_permutation",
        ),
        # reduction
        *(
            "sum",
            "mean",
            "product",
            "nan_sum",
            "nan_product",
            "reduce_max",
            "reduce_min",
            "all",
            "any",
            "l1_norm",
            "l2_norm",
            "variance",
            "standard_deviation",
            "argmax",
            "argmin",
            "quantile",
            "cumulative_sum",
        ),
        # regions
        *(
            "position_sensitive_roi_pool",
            "deformable_position_sensitive_roi_pool",
            "rotated_roi_align",
        ),
        # resize
        *(
            "upsample_nearest",
            "upsample_nearest_like",
            "resize_bilinear",
        ),
        # warping
        *(
            "affine_grid",
            "flow_grid",
            "grid_sample",
            "correlation",
        ),
    }
)
"""Kinds whose rule is still to be written."""


def unexpected(problems: Sequence[str]) -> list[str]:
    """Return the problems that are not recorded above."""
    known = [f"kind {kind} has no rule for ONNX" for kind in WITHOUT_RULE]
    return [line for line in problems if not any(text in line for text in (*REFUSED, *known))]
