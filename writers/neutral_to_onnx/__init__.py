"""Neutral stores as ONNX files: write, check before writing, verify.

onnx is imported when one of the names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neutral.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from neutral_to_onnx.options import ModelOptions
    from neutral_to_onnx.verification.built import build, make_plan, plan_of
    from neutral_to_onnx.verification.sessions import OnnxModel
    from neutral_to_onnx.verification.verify import verify
    from neutral_to_onnx.writing import WrittenModel, preflight, write

__all__ = ["ModelOptions", "OnnxModel", "WrittenModel", "build", "make_plan", "plan_of", "preflight", "verify", "write"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ModelOptions": "neutral_to_onnx.options",
        "OnnxModel": "neutral_to_onnx.verification.sessions",
        "WrittenModel": "neutral_to_onnx.writing",
        "build": "neutral_to_onnx.verification.built",
        "make_plan": "neutral_to_onnx.verification.built",
        "plan_of": "neutral_to_onnx.verification.built",
        "preflight": "neutral_to_onnx.writing",
        "verify": "neutral_to_onnx.verification.verify",
        "write": "neutral_to_onnx.writing",
    },
)
