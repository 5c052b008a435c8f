"""Neutral stores in PyTorch: load into a module, emit source, build, verify.

torch is imported when one of the names is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neutral_to_torch.build import build, plan_of
    from neutral_to_torch.emit import emit, preflight
    from neutral_to_torch.load import load_into, make_plan
    from neutral_to_torch.plan import Plan
    from neutral_to_torch.report import Report
    from neutral_to_torch.save import save_weights
    from neutral_to_torch.verify import verify

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
    "verify",
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
    "verify": "verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # All at once: importing a submodule binds its name here, which would hide a function of the same name for ever.
    found = {each: getattr(import_module(f"{__name__}.{home}"), each) for each, home in _HOME.items()}
    globals().update(found)
    return found[name]


def __dir__() -> list[str]:
    return __all__
