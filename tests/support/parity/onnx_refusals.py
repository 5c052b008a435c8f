"""What the ONNX writer may refuse in the parity tests: every other refusal fails them."""

from __future__ import annotations

from typing import Sequence

from neutral_to_onnx.registry import REFUSED as REFUSED_KINDS

REFUSED = (
    "it draws random numbers outside of training",
    "its operands are bools",
    "have no common one",
    "the number of samples of a bin depends on its region",
    "needs opset 18",
)
"""Parts of the reasons with which a node is refused for good."""

NO_DOUBLE_KERNEL = frozenset(
    {
        *(
            "Acos",
            "Acosh",
            "Asin",
            "Asinh",
            "Atan",
            "Atanh",
            "AveragePool",
            "Conv",
            "ConvTranspose",
            "Cosh",
            "Det",
            "Elu",
        ),
        *(
            "Erf",
            "Gelu",
            "GlobalAveragePool",
            "GlobalMaxPool",
            "HardSigmoid",
            "InstanceNormalization",
            "LRN",
            "LeakyRelu",
        ),
        *("Mish", "PRelu", "Resize", "Selu", "Sinh", "Softplus", "Softsign", "Tan"),
    }
)
"""Operators that onnxruntime does not compute in float64, which ONNX allows."""


def unexpected(problems: Sequence[str]) -> list[str]:
    """Return the problems that are not recorded above."""
    known = [f"kind {kind}: {reason}" for kind, reason in REFUSED_KINDS.items()]
    return [line for line in problems if not any(text in line for text in (*REFUSED, *known))]
