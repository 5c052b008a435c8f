"""How many inputs MXNet's operators take at most, by its registry (1.9.1 and 2.0.0b1)."""

from __future__ import annotations

from mxnet_to_neutral.symbol.inputs import auxiliary_positions

_OPERATORS: dict[int, str] = {
    0: """
        _npi_tril_indices _random_binomial
        _arange _eye _full _linspace _npi_arange _npi_blackman _npi_eye _npi_full _npi_hamming _npi_hanning
        _npi_identity _npi_indices _npi_linspace _npi_logspace _npi_ones _npi_tri _npi_zeros _ones
        _random_exponential _random_gamma _random_generalized_negative_binomial _random_negative_binomial
        _random_normal _random_poisson _random_randint _random_uniform _zeros _zeros_without_dtype
    """,
    1: """
        _image_adjust_lighting _image_random_brightness _image_random_color_jitter _image_random_contrast
        _image_random_flip_left_right _image_random_flip_top_bottom _image_random_hue _image_random_lighting
        _image_random_saturation _npi_matrix_rank_none_tol
        _sg_mkldnn_selfatt_qk _sg_onednn_selfatt_qk
        _npi_diag_indices_from _npi_eig _npi_eigvals _npi_multinomial _npi_tensorinv _npi_unique
        Activation BlockGrad Cast Dropout Flatten GridGenerator IdentityAttachKLSparseReg L2Normalization LRN
        MakeLoss Pad Pooling Pooling_v1 Reshape SliceChannel SoftmaxActivation SwapAxis
        _contrib_AdaptiveAvgPooling2D _contrib_MultiBoxPrior _contrib_arange_like _contrib_bipartite_matching
        _contrib_box_nms _contrib_div_sqrt_dim _contrib_gradientmultiplier _contrib_index_array
        _contrib_interleaved_matmul_selfatt_qk _contrib_quadratic _contrib_quantize_v2 _contrib_round_ste
        _contrib_sign_ste _copy _copyto _div_scalar _equal_scalar _greater_equal_scalar _greater_scalar
        _hypot_scalar _image_crop _image_flip_left_right _image_flip_top_bottom _image_normalize _image_random_crop
        _image_resize _image_to_tensor _lesser_equal_scalar _lesser_scalar _linalg_det _linalg_extractdiag
        _linalg_extracttrian _linalg_gelqf _linalg_inverse _linalg_makediag _linalg_maketrian _linalg_potrf
        _linalg_potri _linalg_slogdet _linalg_sumlogdiag _linalg_syevd _linalg_syrk _logical_and_scalar
        _logical_or_scalar _logical_xor_scalar _maximum_scalar _minimum_scalar _minus_scalar _mod_scalar
        _mul_scalar _not_equal_scalar _np_all _np_any _np_copy _np_cumsum _np_diag _np_diagflat _np_diagonal
        _np_max _np_min _np_moveaxis _np_prod _np_reshape _np_roll _np_squeeze _np_sum _np_trace _np_transpose
        _npi_absolute _npi_add_scalar _npi_all _npi_any _npi_arccos _npi_arccosh _npi_arcsin _npi_arcsinh
        _npi_arctan _npi_arctan2_scalar _npi_arctanh _npi_argmax _npi_argmin _npi_around _npi_array_split
        _npi_bernoulli _npi_bitwise_and_scalar _npi_bitwise_left_shift_scalar _npi_bitwise_not
        _npi_bitwise_or_scalar _npi_bitwise_right_shift_scalar _npi_bitwise_xor_scalar _npi_broadcast_to
        _npi_cbrt _npi_ceil _npi_cholesky _npi_copy _npi_copysign_scalar _npi_cos _npi_cosh _npi_cumsum
        _npi_degrees _npi_det _npi_diag _npi_diagflat _npi_diagonal _npi_diff _npi_dsplit _npi_eigh
        _npi_eigvalsh _npi_equal_scalar _npi_exp _npi_expm1 _npi_exponential _npi_fix _npi_flip _npi_floor
        _npi_floor_divide_scalar _npi_fmax_scalar _npi_fmin_scalar _npi_fmod_scalar _npi_full_like
        _npi_gcd_scalar _npi_greater_equal_scalar _npi_greater_scalar _npi_hsplit _npi_hypot_scalar _npi_inv
        _npi_isfinite _npi_isinf _npi_isnan _npi_isneginf _npi_isposinf _npi_lcm_scalar _npi_ldexp_scalar
        _npi_less_equal_scalar _npi_less_scalar _npi_log _npi_log10 _npi_log1p _npi_log2 _npi_logaddexp_scalar
        _npi_logical_and_scalar _npi_logical_not _npi_logical_or_scalar _npi_logical_xor_scalar _npi_max
        _npi_maximum_scalar _npi_mean _npi_min _npi_minimum_scalar _npi_mod_scalar _npi_moveaxis
        _npi_multiply_scalar _npi_nan_to_num _npi_negative _npi_norm _npi_not_equal_scalar _npi_pad _npi_pareto
        _npi_pinv_scalar_rcond _npi_power_scalar _npi_powerd _npi_prod _npi_qr _npi_radians _npi_rarctan2_scalar
        _npi_rayleigh _npi_rbitwise_left_shift_scalar _npi_rbitwise_right_shift_scalar _npi_rcopysign_scalar
        _npi_reciprocal _npi_repeats _npi_rfloor_divide_scalar _npi_rfmod_scalar _npi_rint _npi_rldexp_scalar
        _npi_rmod_scalar _npi_roll _npi_rollaxis _npi_rot90 _npi_rpower_scalar _npi_rsubtract_scalar
        _npi_rtrue_divide_scalar _npi_shuffle _npi_sign _npi_sin _npi_sinh _npi_slogdet _npi_sqrt _npi_square
        _npi_squeeze _npi_std _npi_subtract_scalar _npi_sum _npi_svd _npi_tan _npi_tanh _npi_trace
        _npi_transpose _npi_tril _npi_triu _npi_true_divide_scalar _npi_trunc _npi_unravel_index _npi_var
        _npi_weibull _npi_where_scalar2 _npx_constraint_check _npx_nonzero _npx_relu _npx_reshape _npx_sigmoid
        _plus_scalar _power_scalar _random_exponential_like _random_gamma_like
        _random_generalized_negative_binomial_like _random_negative_binomial_like _random_normal_like
        _random_poisson_like _random_uniform_like _ravel_multi_index _rdiv_scalar _rminus_scalar _rmod_scalar
        _rpower_scalar _sample_categorical _sample_exponential _sample_poisson _scatter_minus_scalar
        _scatter_plus_scalar _shuffle _slice_assign_scalar _split_v2 _square_sum _unravel_index abs amp_cast
        arccos arccosh arcsin arcsinh arctan arctanh argmax argmax_channel argmin argsort broadcast_axis
        broadcast_to cast_storage cbrt ceil clip col2im cos cosh degrees depth_to_space diag digamma erf erfinv
        exp expand_dims expm1 fix floor gamma gammaln hard_sigmoid im2col log log10 log1p log2 log_sigmoid
        log_softmax logical_not make_loss max mean min mish moments nanprod nansum negative norm one_hot
        ones_like prod radians rcbrt reciprocal relu repeat reverse rint round rsqrt shape_array sigmoid sign
        sin sinh size_array slice slice_axis smooth_l1 softmin softsign sort space_to_depth sqrt square squeeze
        sum tan tanh tile topk transpose trunc zeros_like
    """,
    2: """
        _contrib_dynamic_reshape _npi_lstsq _npi_matrix_rank _sample_binomial
        _random_pdf_dirichlet _random_pdf_exponential _random_pdf_poisson
        _histogram _npi_advanced_indexing _npi_advanced_indexing_multiple _npi_bincount _npi_boolean_mask_assign_scalar
        _sg_mkldnn_selfatt_valatt _sg_onednn_selfatt_valatt
        _npi_choice _npi_insert_scalar _npi_insert_slice _npi_pinv _npi_polyval _npi_tensorsolve
        BilinearSampler Correlation Embedding LeakyReLU LinearRegressionOutput LogisticRegressionOutput
        MAERegressionOutput ROIPooling SVMOutput SequenceLast SequenceMask SequenceReverse SoftmaxOutput
        SpatialTransformer _contrib_BilinearResize2D _contrib_PSROIPooling _contrib_ROIAlign _contrib_RROIAlign
        _contrib_SparseEmbedding _contrib_boolean_mask _contrib_box_decode _contrib_box_iou
        _contrib_interleaved_matmul_encdec_qk _contrib_interleaved_matmul_encdec_valatt
        _contrib_interleaved_matmul_selfatt_valatt _equal _grad_add _greater _greater_equal _hypot
        _identity_with_attr_like_rhs _lesser _lesser_equal _linalg_gemm2 _linalg_trmm _linalg_trsm _logical_and
        _logical_or _logical_xor _maximum _minimum _mod _not_equal _np_dot _npi_add _npi_arctan2 _npi_average
        _npi_bitwise_and _npi_bitwise_left_shift _npi_bitwise_or _npi_bitwise_right_shift _npi_bitwise_xor
        _npi_copysign _npi_cross _npi_delete _npi_dot _npi_equal _npi_floor_divide _npi_fmax _npi_fmin _npi_fmod
        _npi_gamma _npi_gcd _npi_greater _npi_greater_equal _npi_gumbel _npi_hypot _npi_kron _npi_laplace
        _npi_lcm _npi_ldexp _npi_less _npi_less_equal _npi_logaddexp _npi_logical_and _npi_logical_or
        _npi_logical_xor _npi_logistic _npi_matmul _npi_maximum _npi_minimum _npi_mod _npi_multiply _npi_normal
        _npi_normal_n _npi_not_equal _npi_percentile _npi_power _npi_solve _npi_subtract _npi_tensordot
        _npi_tensordot_int_axes _npi_true_divide _npi_uniform _npi_uniform_n _npi_where_lscalar
        _npi_where_rscalar _power _sample_gamma _sample_generalized_negative_binomial _sample_multinomial
        _sample_negative_binomial _sample_normal _sample_uniform _scatter_elemwise_div _slice_assign
        _sparse_retain batch_dot batch_take broadcast_add broadcast_div broadcast_equal broadcast_greater
        broadcast_greater_equal broadcast_hypot broadcast_lesser broadcast_lesser_equal broadcast_like
        broadcast_logical_and broadcast_logical_or broadcast_logical_xor broadcast_maximum broadcast_minimum
        broadcast_mod broadcast_mul broadcast_not_equal broadcast_power broadcast_sub dot elemwise_add
        elemwise_div elemwise_mul elemwise_sub gather_nd masked_log_softmax masked_softmax pick reshape_like
        scatter_nd slice_like softmax softmax_cross_entropy take
    """,
    3: """
        _contrib_quantized_reshape _contrib_quantized_transpose _contrib_sldwin_atten_context
        _contrib_sldwin_atten_mask_like _contrib_sldwin_atten_score _npi_interp _npx_quantized_reshape
        _npx_quantized_transpose
        _random_pdf_gamma _random_pdf_generalized_negative_binomial _random_pdf_negative_binomial _random_pdf_normal
        _random_pdf_uniform
        _npi_boolean_mask_assign_tensor _npi_ediff1d _npi_insert_tensor
        BatchNorm_v1 Convolution Convolution_v1 Deconvolution FullyConnected GroupNorm InstanceNorm LayerNorm
        _contrib_DeformablePSROIPooling _contrib_MultiBoxDetection _contrib_MultiProposal _contrib_Proposal
        _contrib_dequantize _contrib_index_copy _contrib_quantize _contrib_quantized_act
        _contrib_quantized_flatten _contrib_quantized_pooling _contrib_requantize _linalg_gemm _npi_where
        _npx_index_add _npx_index_update where
    """,
    4: """
        CTCLoss _contrib_DeformableConvolution _contrib_quantized_embedding _npx_deformable_convolution
    """,
    5: """
        BatchNorm RNN _contrib_BatchNormWithReLU _contrib_ModulatedDeformableConvolution _contrib_SyncBatchNorm
        _npx_modulated_deformable_convolution
    """,
    6: """
        _contrib_box_encode _contrib_quantized_elemwise_add _contrib_quantized_elemwise_mul
    """,
    7: """
        _contrib_quantized_batch_norm
    """,
    9: """
        _contrib_quantized_conv _contrib_quantized_fully_connected
    """,
}
"""The operators that have a rule and a limit, by it; the others take any number."""

MAXIMUM_INPUTS = {operator: count for count, operators in _OPERATORS.items() for operator in operators.split()}


def arity_problem(operator: str, count: int) -> str | None:
    """Return why an operator cannot have this many inputs, None if it can.

    The registry does not count the auxiliary states of old operators (BatchNorm_v1). Too few are found by the
    rule, which knows which inputs its attributes make optional.

    Args:
        operator: The operator's canonical name.
        count: The number of inputs.

    Returns:
        A clause that follows the node's name in a message, or None.

    Example:
        >>> arity_problem("Activation", 2)
        'it has 2 inputs; expected at most 1'
    """
    maximum = max(MAXIMUM_INPUTS.get(operator, count), *(position + 1 for position in auxiliary_positions(operator)), 0)
    return f"it has {count} inputs; expected at most {maximum}" if count > maximum else None
