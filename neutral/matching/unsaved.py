"""Attributes that a load set on a module and that no file of weights holds, with the lines of source to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

from neutral.errors import UnsavedAttributesError
from neutral.matching.plan import Plan
from neutral.text import printable


class UnsavedAttributesWarning(UserWarning):
    """A load has set attributes on a module that its state dict does not hold."""


@dataclass(frozen=True)
class UnsavedAttribute:
    """An attribute that was set on a module.

    Attributes:
        layer: The stored layer.
        module: The path of the module that it fills, "" for the root.
        attribute: The attribute's name in the catalogue.
        stored: The value that was set.
        before: The value that the module's source gives it.
        effect: The aspect that the attribute changes: ``inference``, ``layout`` or ``training``.
        change: The change of the source that sets it, "" where it is unknown.

    Example:
        >>> print(UnsavedAttribute("bn0", "norm", "eps", 0.001, 1e-05, "inference", "net.py, line 7: set eps=0.001"))
        bn0, loaded into norm: eps is 0.001, and 1e-05 in your source. Change net.py, line 7: set eps=0.001
    """

    layer: str
    module: str
    attribute: str
    stored: Any
    before: Any
    effect: str
    change: str = ""

    @property
    def changes_results(self) -> bool:
        """Whether a module without the attribute computes something else in inference."""
        return self.effect != "training"

    def __str__(self) -> str:
        place = f"{self.layer}, loaded into {self.module or 'the module'}"
        change = f" Change {self.change}" if self.change else ""
        return printable(f"{place}: {self.attribute} is {self.stored}, and {self.before} in your source.{change}")


def unsaved_attributes(plan: Plan) -> tuple[UnsavedAttribute, ...]:
    """Return the attributes that the load of a plan has set on the module, in the order of the plan.

    Args:
        plan: The plan that ``load_into(..., set_attributes=True)`` returned.

    Returns:
        The attributes; none where the module had the stored values already.
    """
    return tuple(
        UnsavedAttribute(pair.layer, pair.module, item.attribute, item.stored, item.module, item.effect, item.change)
        for pair, item in plan.differences
        if item.applied
    )


def unsaved_lines(items: Iterable[UnsavedAttribute]) -> list[str]:
    """Return a report on attributes that were set: those that change results last.

    Args:
        items: The attributes.

    Returns:
        Lines of text; none for no attributes.

    Example:
        >>> print("\\n".join(unsaved_lines([UnsavedAttribute("bn", "norm", "eps", 0.001, 1e-05, "inference")])))
        SET ON THE MODULE, AND NOT IN ITS WEIGHTS. In a class without these changes they compute something else:
          bn, loaded into norm: eps is 0.001, and 1e-05 in your source.
    """
    items = list(items)
    lines = []
    for changes_results, head in (
        (False, "Set on the module for training, and not in its weights:"),
        (
            True,
            "SET ON THE MODULE, AND NOT IN ITS WEIGHTS. In a class without these changes they compute something else:",
        ),
    ):
        chosen = [f"  {item}" for item in items if item.changes_results is changes_results]
        lines += [head, *chosen] if chosen else []
    return lines


def check_unsaved(items: Iterable[UnsavedAttribute], output: str) -> None:
    """Refuse to write weights that compute something else in the module's class.

    Args:
        items: The attributes that were set on the module.
        output: The file of the weights, for the message.

    Raises:
        UnsavedAttributesError: An attribute changes the results.

    Example:
        >>> check_unsaved([UnsavedAttribute("bn", "norm", "momentum", 0.9, 0.8, "training")], "w.pth")
    """
    wrong = tuple(str(item) for item in items if item.changes_results)
    if wrong:
        raise UnsavedAttributesError(
            f"{output} was not written: {len(wrong)} attribute{'s were' if len(wrong) > 1 else ' was'} set on the "
            "module, and weights do not hold them, so in your class they would compute something else. "
            "Change these lines of your source, or pass --allow-set to write the weights as they are:",
            wrong,
        )
