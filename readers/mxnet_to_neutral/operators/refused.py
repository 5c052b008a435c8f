"""MXNet's operators that have no equivalent in a converted model, with the reasons that their opaque nodes state.

Names are those of the registries of MXNet 1.9.1 and 2.0.0b1, and those that files of well-known projects use beside
them.
"""

from __future__ import annotations

_GROUPS = {
    "it is an optimizer's step in training": """
        _adabelief_update _mp_adabelief_update _multi_adabelief_update _multi_lans_update _multi_mp_adabelief_update
        _multi_mp_lans_update
        _adamw_update _contrib_group_adagrad_update _mp_adamw_update _multi_adamw_update _multi_lamb_update
        _multi_mp_adamw_update _multi_mp_lamb_update _sparse_adagrad_update adam_update ftml_update ftrl_update
        lamb_update_phase1 lamb_update_phase2 mp_lamb_update_phase1 mp_lamb_update_phase2 mp_nag_mom_update
        mp_sgd_mom_update mp_sgd_update multi_lars multi_mp_sgd_mom_update multi_mp_sgd_update multi_sgd_mom_update
        multi_sgd_update multi_sum_sq nag_mom_update preloaded_multi_mp_sgd_mom_update preloaded_multi_mp_sgd_update
        preloaded_multi_sgd_mom_update preloaded_multi_sgd_update reset_arrays rmsprop_update rmspropalex_update
        sgd_mom_update sgd_update signsgd_update signum_update
    """,
    "it tells whether gradients or results can be trusted, in training and tests": """
        _contrib_allclose all_finite multi_all_finite
    """,
    "it makes the targets of training from labels, and inference has neither": """
        _contrib_MultiBoxTarget _contrib_mrcnn_mask_target
    """,
    "it is the likelihood of observed events, which training makes larger": "_contrib_hawkesll",
    "it cuts images at random places, to train with": "_image_random_resized_crop",
    "it reads or draws images by OpenCV, before a model": """
        _cvcopyMakeBorder _cvimdecode _cvimread _cvimresize _imdecode
    """,
    "it writes into an array that exists already, which a graph of values cannot": """
        _npi_fill_diagonal _onehot_encode _scatter_set_nd _set_value fill_element_0index
    """,
    "it works on sparse matrices, or on graphs stored as such, and a store's values are dense": """
        _contrib_dgl_adjacency _contrib_dgl_csr_neighbor_non_uniform_sample _contrib_dgl_csr_neighbor_uniform_sample
        _contrib_dgl_graph_compact _contrib_dgl_subgraph _contrib_edge_id _contrib_getnnz
    """,
    "MXNet computes it on GPUs alone, so that what it gives could not be compared": """
        _contrib_count_sketch _contrib_fft _contrib_ifft
    """,
    "it chooses the thresholds of a model that is being quantized": "_contrib_calibrate_entropy",
    "MXNet makes it while it runs, and it is not part of a model": """
        _CachedOp _CachedOpThreadSafe _CrossDeviceCopy _NoGradient
    """,
    "it draws candidate classes for the sampled losses of training": "_sample_unique_zipfian",
    "it tells whether two arrays share memory, which a module of another framework decides anew": "_npi_share_memory",
    "MXNet's released builds crash on it, so that what it gives could not be compared": """
        _contrib_quantize_asym _contrib_quantized_rnn
    """,
    "it multiplies int8 matrices that are packed for one kind of processor": """
        _contrib_intgemm_fully_connected _contrib_intgemm_maxabsolute _contrib_intgemm_prepare_data
        _contrib_intgemm_prepare_weight _contrib_intgemm_take_weight
    """,
    "it runs Python code that the checkpoint does not hold": "Custom _CustomFunction _NDArray _Native",
    "it is an operator of BMXNet, a fork for binary networks, whose weights are packed bits": """
        QActivation QConvolution QConvolution_v1 QFullyConnected
    """,
    "it is an operator of a modified build, not of MXNet": "MoonOutput",
}

REFUSED = {name: reason for reason, names in _GROUPS.items() for name in names.split()}
"""The reason why there is no rule, by MXNet's operator name."""
