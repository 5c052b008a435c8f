"""Which kinds of the catalogue have a reference function: an honest list of those that lack one."""

from __future__ import annotations

import inspect

from neutral.operators import catalogue
from neutral.reference import missing_kinds
from neutral.reference.registry import context_of, load_functions

MISSING: list[str] = [
    "adaptive_average_pool",
    "add_patches",
    "affine_grid",
    "attention_scores",
    "attention_values",
    "average_pool",
    "batch_norm",
    "bipartite_matching",
    "boolean_mask",
    "box_decode",
    "box_encode",
    "box_iou",
    "box_nms",
    "cholesky",
    "cholesky_inverse",
    "contract",
    "convolution",
    "correlation",
    "cross",
    "cross_attention_scores",
    "cross_attention_values",
    "ctc_loss",
    "deformable_convolution",
    "deformable_position_sensitive_roi_pool",
    "determinant",
    "diagonal_matrix",
    "dot",
    "eigh",
    "einsum",
    "extract_patches",
    "flow_grid",
    "gather_nd",
    "global_average_pool",
    "global_max_pool",
    "global_sum_pool",
    "grid_sample",
    "group_norm",
    "gru",
    "gru_cell",
    "image_crop",
    "image_normalize",
    "image_to_tensor",
    "index_add",
    "index_copy",
    "index_update",
    "instance_norm",
    "inverse",
    "khatri_rao",
    "kronecker",
    "l2_normalize",
    "layer_norm",
    "local_response_norm",
    "log_determinant",
    "lstm",
    "lstm_cell",
    "matmul",
    "max_pool",
    "multibox_detection",
    "multibox_prior",
    "nonzero",
    "one_hot",
    "pack_triangle",
    "pick",
    "position_sensitive_roi_pool",
    "pseudo_inverse",
    "qr",
    "random_bernoulli",
    "random_category",
    "random_exponential",
    "random_gamma",
    "random_integer",
    "random_negative_binomial",
    "random_normal",
    "random_permutation",
    "random_poisson",
    "random_uniform",
    "ravel_index",
    "region_proposals",
    "resize_bilinear",
    "rnn",
    "rnn_cell",
    "roi_align",
    "roi_pool",
    "rotated_roi_align",
    "scatter_nd",
    "self_attention_scores",
    "self_attention_values",
    "sequence_last",
    "sequence_mask",
    "sequence_reverse",
    "softmax_cross_entropy",
    "solve",
    "solve_triangular",
    "sort",
    "sum_pool",
    "svd",
    "take",
    "tensordot",
    "top_k",
    "top_k_mask",
    "transposed_convolution",
    "unpack_triangle",
    "unravel_index",
    "upsample_nearest",
    "upsample_nearest_like",
]


def test_the_kinds_without_a_reference_function_are_these() -> None:
    assert missing_kinds() == MISSING


def test_functions_are_of_kinds_of_the_catalogue() -> None:
    assert [kind for kind in load_functions() if kind not in catalogue] == []


def test_functions_take_the_attributes_and_fixed_roles_of_their_kinds() -> None:
    for kind, function in load_functions().items():
        try:
            parameters = inspect.signature(function).parameters.values()
        except ValueError:  # a function of NumPy's
            assert catalogue[kind].attributes == catalogue[kind].roles == ()
            continue
        names = {parameter.name for parameter in parameters}
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            expected = {attribute.name for attribute in catalogue[kind].attributes}
            expected |= {role.name for role in catalogue[kind].roles}
            context = context_of(kind)
            assert expected | ({context} if context else set()) <= names, kind
