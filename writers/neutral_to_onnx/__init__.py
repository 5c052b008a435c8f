"""Neutral stores as ONNX files: write, check what cannot be written, verify.

onnx is imported when one of the names is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neutral_to_onnx.write import WrittenModel, preflight, write

__all__ = ["WrittenModel", "preflight", "write"]

_HOME = {
    "WrittenModel": "neutral_to_onnx.write",
    "preflight": "neutral_to_onnx.write",
    "write": "neutral_to_onnx.write",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
