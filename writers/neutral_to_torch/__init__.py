"""Neutral stores in PyTorch: load into a module, emit source, build, verify.

torch is imported when one of the names is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neutral_to_torch.build import build
    from neutral_to_torch.emit import emit
    from neutral_to_torch.load import load_into, make_plan
    from neutral_to_torch.plan import Plan
    from neutral_to_torch.report import Report
    from neutral_to_torch.verify import verify

__all__ = ["Plan", "Report", "build", "emit", "load_into", "make_plan", "verify"]

_HOME = {
    "Plan": "plan",
    "Report": "report",
    "build": "build",
    "emit": "emit",
    "load_into": "load",
    "make_plan": "load",
    "verify": "verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value  # also over the submodule of the same name, which the import has just bound here
    return value


def __dir__() -> list[str]:
    return __all__
