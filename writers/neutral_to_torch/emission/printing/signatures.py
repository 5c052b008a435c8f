"""Read argument names and defaults from PyTorch's signatures, to leave defaults out."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from typing import Mapping

from neutral_to_torch.emission.expression.loops import looped
from neutral_to_torch.emission.expression.rebuilding import rebuild
from neutral_to_torch.emission.expression.terms import Call, Conditional, ListOrTuple, Literal, Name, Repeat, Term
from neutral_to_torch.emission.printing.helper_source import helpers

REQUIRED = inspect.Parameter.empty
NONE: Mapping[str, Mapping[str, object]] = {}
SEQUENCES = ("nn.Sequential", "super().__init__")


@lru_cache(maxsize=None)
def parameters(callee: str) -> Mapping[str, object]:
    """Return the parameters of ``nn.Conv2d``, ``F.softmax`` or a helper in order, with defaults; empty if unknown.

    Args:
        callee: The name as written in the source.

    Returns:
        The default by parameter.
    """
    import torch

    module, _, name = callee.rpartition(".")
    if not module and name in helpers():
        target = getattr(import_module(f"neutral_to_torch.emission.helpers.{helpers()[name].module}"), name)
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


def tidy(term: Term, blocks: Mapping[str, Mapping[str, object]] = NONE) -> Term:
    """Drop arguments that equal defaults, and write repeated items of a sequence as a loop.

    Args:
        term: The constructor of a submodule; it is not changed.
        blocks: The defaults of the arguments of the file's own classes, by class.

    Returns:
        The new term.
    """
    if isinstance(term, Conditional):
        return Conditional(term.test, tidy(term.chosen, blocks), tidy(term.otherwise, blocks))
    if isinstance(term, Repeat):
        return replace(term, item=tidy(term.item, blocks))
    if not isinstance(term, Call) or not isinstance(term.callee, Name):
        return term
    name = term.callee.text
    defaults = blocks[name] if name in blocks else parameters(name)
    kept = [(k, v) for k, v in term.kwargs if not _is_default(v, defaults.get(k, REQUIRED))]
    args = tuple(tidy(item, blocks) for item in term.args)
    if name in SEQUENCES:
        args = looped(args)
    elif name == "nn.ModuleList" and isinstance(term.args[0], ListOrTuple):
        items = looped([tidy(item, blocks) for item in term.args[0].items])
        single = len(items) == 1 and isinstance(items[0], Repeat)
        args = (replace(items[0], alone=True) if single else ListOrTuple(items),)  # type: ignore[arg-type]
    if name.startswith("nn.ConvTranspose") and len(args) == 2 and kept and kept[0][0] == "kernel_size":
        args, kept = (*args, kept[0][1]), kept[1:]
    return Call(term.callee, args, tuple((key, tidy(value, blocks)) for key, value in kept))


def without_defaults(term: Term) -> Term:
    """Return the term with the keyword arguments of helpers that equal their defaults left out.

    Args:
        term: The term; it is not changed.

    Returns:
        The new term.
    """

    def shorter(call: Term) -> Term | None:
        if not isinstance(call, Call) or not isinstance(call.callee, Name) or "." in call.callee.text:
            return None
        defaults = parameters(call.callee.text)
        kept = tuple((k, v) for k, v in call.kwargs if not _is_default(v, defaults.get(k, REQUIRED)))
        if len(kept) == len(call.kwargs):
            return None
        return without_defaults(Call(call.callee, call.args, kept))

    return rebuild(term, shorter)


def _is_default(term: Term, default: object) -> bool:
    if not isinstance(term, Literal) or default is REQUIRED:
        return isinstance(term, Name) and term == default
    same_type = isinstance(term.value, bool) == isinstance(default, bool)
    return same_type and bool(term.value == default)
