"""Neutral stores as ONNX files: write, check what cannot be written, verify.

onnx is imported when one of the names is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neutral_to_onnx.verification.built import build, make_plan, plan_of
    from neutral_to_onnx.verification.sessions import OnnxModel
    from neutral_to_onnx.verification.verify import verify
    from neutral_to_onnx.write import WrittenModel, preflight, write

__all__ = ["OnnxModel", "WrittenModel", "build", "make_plan", "plan_of", "preflight", "verify", "write"]

_HOME = {
    "OnnxModel": "neutral_to_onnx.verification.sessions",
    "WrittenModel": "neutral_to_onnx.write",
    "build": "neutral_to_onnx.verification.built",
    "make_plan": "neutral_to_onnx.verification.built",
    "plan_of": "neutral_to_onnx.verification.built",
    "preflight": "neutral_to_onnx.write",
    "verify": "neutral_to_onnx.verification.verify",
    "write": "neutral_to_onnx.write",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
