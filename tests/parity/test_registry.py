"""Every operator that MXNet registers has a rule or a reason, but for few of 2.0."""

from __future__ import annotations

from typing import Any

from mxnet_to_neutral.operators import REFUSED, RULES
from mxnet_to_neutral.symbol.aliases import CANONICAL

WITHOUT_RULE_IN_2 = {
    "_contrib_dynamic_reshape",
    "_contrib_quantized_reshape",
    "_contrib_quantized_transpose",
    "_contrib_sldwin_atten_context",
    "_contrib_sldwin_atten_mask_like",
    "_contrib_sldwin_atten_score",
    "_npi_interp",
    "_npi_lstsq",
    "_npi_matrix_rank",
    "_npi_matrix_rank_none_tol",
    "_npi_tril_indices",
    "_npx_quantized_reshape",
    "_npx_quantized_transpose",
    "_random_binomial",
    "_sample_binomial",
    "_sg_onednn_batch_dot",
}
"""Operators that MXNet 2.0 added, and no file of a model was found to hold."""


def unknown(process: Any) -> set[str]:
    """Return the first names of the operators that have neither a rule nor a reason."""
    groups = process.call("registry:names_by_operator")
    return {
        names[0] for names in groups if not any(CANONICAL.get(name, name) in {**RULES, **REFUSED} for name in names)
    }


def test_every_operator_of_mxnet_1(mxnet: Any) -> None:
    assert unknown(mxnet) == set()


def test_every_operator_of_mxnet_2(mxnet2: Any) -> None:
    assert unknown(mxnet2) == WITHOUT_RULE_IN_2
