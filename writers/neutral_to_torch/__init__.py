"""Neutral stores in PyTorch: load into a module, emit source, build, verify.

torch is imported when one of the names is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neutral_to_torch.build import build, plan_of
    from neutral_to_torch.emit import emit, preflight
    from neutral_to_torch.load import load_into, make_plan
    from neutral_to_torch.plan import Plan
    from neutral_to_torch.report import Report
    from neutral_to_torch.save import save_weights
    from neutral_to_torch.typed import typed
    from neutral_to_torch.verify import verify
    from neutral_to_torch.verify_operators import verify_operators

__all__ = [
    "Plan",
    "Report",
    "build",
    "emit",
    "load_into",
    "make_plan",
    "plan_of",
    "preflight",
    "save_weights",
    "typed",
    "verify",
    "verify_operators",
    "write_hub",
]

_HOME = {
    "Plan": "plan",
    "Report": "report",
    "build": "build",
    "emit": "emit",
    "load_into": "load",
    "make_plan": "load",
    "plan_of": "build",
    "preflight": "emit",
    "save_weights": "save",
    "typed": "typed",
    "verify": "verify",
    "verify_operators": "verify_operators",
    "write_hub": "hub",
}


class _Package(ModuleType):
    """Importing a submodule binds its name in the package, which would hide the function of the same name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _HOME or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
