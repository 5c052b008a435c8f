"""Name the lines of source to change for the attributes that a load has set on a module."""

from __future__ import annotations

import warnings
from dataclasses import replace
from weakref import WeakKeyDictionary

from torch import nn

from neutral.matching.attributes import Difference
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import Pair
from neutral.matching.unsaved import UnsavedAttribute, UnsavedAttributesWarning, unsaved_attributes, unsaved_lines
from neutral_to_torch.adapters import adapter_of
from neutral_to_torch.adapters.state import submodule
from neutral_to_torch.loading.source_lines import other_uses, source_place

_UNSAVED: WeakKeyDictionary[nn.Module, tuple[UnsavedAttribute, ...]] = WeakKeyDictionary()


def name_changes(module: nn.Module, plan: Plan) -> Plan:
    """Return a plan whose attributes that were set name the line of the module's source that sets them.

    Args:
        module: The module, loaded by the plan.
        plan: The plan that was applied with ``set_attributes=True``.

    Returns:
        The plan, with ``change`` of every difference that was applied.
    """
    return replace(
        plan,
        pairs=tuple(
            replace(pair, differences=tuple(_named(module, pair, item) for item in pair.differences))
            if any(item.applied for item in pair.differences)
            else pair
            for pair in plan.pairs
        ),
    )


def remember_unsaved(module: nn.Module, plan: Plan) -> Plan:
    """Keep the attributes that were set on a module until its weights are saved.

    Args:
        module: The module, loaded by the plan.
        plan: The plan that was applied with ``set_attributes=True``.

    Returns:
        The plan, with the changes of the source.
    """
    plan = name_changes(module, plan)
    _UNSAVED[module] = unsaved_attributes(plan)
    return plan


def warn_of_unsaved(module: nn.Module, stacklevel: int = 2) -> None:
    """Issue one warning for all attributes that were set on a module, or on one in it, and change the results.

    Args:
        module: A module whose weights are saved.
        stacklevel: The number of calls between the caller to be named and this one, as for ``warnings.warn``.
    """
    items = [item for part in module.modules() for item in _UNSAVED.get(part, ()) if item.changes_results]
    if items:
        warnings.warn("\n".join(unsaved_lines(items)), UnsavedAttributesWarning, stacklevel=stacklevel + 1)


def _named(module: nn.Module, pair: Pair, item: Difference) -> Difference:
    adapter = adapter_of(submodule(module, pair.module))
    if not item.applied or adapter is None:
        return item
    place, line = source_place(module, pair.module)
    text = f"{place}: set {adapter.argument(item.attribute, item.stored)}" + (f" in `{line}`" if line else "")
    class_name, paths = other_uses(module, pair.module)
    others = [adapter.attributes(other).get(item.attribute) for other in _modules(module, paths) if adapter_of(other)]
    if any(value != item.stored for value in others):
        text += f", for this use alone: other instances of {class_name} have another {item.attribute}"
    return replace(item, change=text)


def _modules(module: nn.Module, paths: list[str]) -> list[nn.Module]:
    children = dict(module.named_modules())
    return [children[path] for path in paths if path in children]
