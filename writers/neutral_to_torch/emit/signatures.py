"""What PyTorch's own signatures say: argument names and defaults, so that no default is written out."""

from __future__ import annotations

import inspect
from functools import lru_cache
from importlib import import_module
from typing import Mapping

from neutral_to_torch.emit.helper_source import helpers
from neutral_to_torch.emit.terms import Call, Literal, Name, Term

REQUIRED = inspect.Parameter.empty


@lru_cache(maxsize=None)
def parameters(callee: str) -> Mapping[str, object]:
    """The parameters of ``nn.Conv2d``, ``F.softmax`` or a helper in order, with defaults; empty where not known."""
    import torch

    module, _, name = callee.rpartition(".")
    if not module and name in helpers():
        target = getattr(import_module(f"neutral_to_torch.emit.helpers.{helpers()[name].module}"), name)
    elif module in ("nn", "F"):
        target = getattr(torch.nn if module == "nn" else torch.nn.functional, name, None)
    else:
        return {}
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return {}
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {item.name: item.default for item in signature.parameters.values() if item.kind in plain}


def tidy(term: Term) -> Term:
    """A call without the keyword arguments that equal the callee's defaults."""
    if not isinstance(term, Call) or not isinstance(term.callee, Name):
        return term
    defaults = parameters(term.callee.text)
    kept = tuple((name, value) for name, value in term.kwargs if not _is_default(value, defaults.get(name, REQUIRED)))
    return Call(term.callee, tuple(map(tidy, term.args)), tuple((name, tidy(value)) for name, value in kept))


def _is_default(term: Term, default: object) -> bool:
    if not isinstance(term, Literal) or default is REQUIRED:
        return False
    same_type = isinstance(term.value, bool) == isinstance(default, bool)
    return same_type and bool(term.value == default)
