"""Neutral stores in PyTorch: load into a module, emit source, build, verify.

torch is imported when one of the names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neutral.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from neutral.matching.plan import Plan
    from neutral.verification.report import Report
    from neutral_to_torch.emission.build import build, plan_of
    from neutral_to_torch.emission.emit import emit, preflight
    from neutral_to_torch.emission.pair import load_emitted
    from neutral_to_torch.loading.load import load_into
    from neutral_to_torch.loading.planning import make_plan
    from neutral_to_torch.loading.save import save_weights
    from neutral_to_torch.loading.typed import typed
    from neutral_to_torch.verification.verify_graph import verify_operators
    from neutral_to_torch.verification.verify_module import verify

__all__ = [
    "Plan",
    "Report",
    "build",
    "emit",
    "load_emitted",
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

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Plan": "neutral.matching.plan",
        "Report": "neutral.verification.report",
        "build": "neutral_to_torch.emission.build",
        "emit": "neutral_to_torch.emission.emit",
        "load_emitted": "neutral_to_torch.emission.pair",
        "load_into": "neutral_to_torch.loading.load",
        "make_plan": "neutral_to_torch.loading.planning",
        "plan_of": "neutral_to_torch.emission.build",
        "preflight": "neutral_to_torch.emission.emit",
        "save_weights": "neutral_to_torch.loading.save",
        "typed": "neutral_to_torch.loading.typed",
        "verify": "neutral_to_torch.verification.verify_module",
        "verify_operators": "neutral_to_torch.verification.verify_graph",
        "write_hub": "neutral_to_torch.emission.hub",
    },
)
