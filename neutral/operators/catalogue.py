"""The catalogue: operator kinds by name, to which plug-ins add theirs."""

from __future__ import annotations

from typing import Callable, Iterator

from neutral.errors import NeutralError
from neutral.operators.declarations import Operator


class UnknownOperator(NeutralError):
    """A kind that is not in the catalogue.

    Example:
        >>> try:
        ...     Catalogue()["warp"]
        ... except UnknownOperator as error:
        ...     str(error)[:44]
        "operator kind 'warp' is not in the catalogue"
    """


class Catalogue:
    """A registry of operator kinds, iterable in the order of their registration.

    Example:
        >>> kinds = Catalogue()
        >>> kinds.add(Operator("twice", "output = 2 * input.", elementwise=True)).kind
        'twice'
        >>> "twice" in kinds, kinds.get("thrice"), len(kinds)
        (True, None, 1)
    """

    def __init__(self) -> None:
        self._operators: dict[str, Operator] = {}
        self._on_missing: Callable[[], None] | None = None

    def add(self, operator: Operator) -> Operator:
        """Register a kind.

        Args:
            operator: The declaration of the kind.

        Returns:
            The declaration.

        Raises:
            NeutralError: If a kind of the same name is registered already.
        """
        if operator.kind in self._operators:
            raise NeutralError(f"operator kind {operator.kind!r} is registered twice.")
        self._operators[operator.kind] = operator
        return operator

    def on_missing(self, callback: Callable[[], None]) -> None:
        """Set the function that is called when an unregistered kind is looked up with ``[]``; it may register kinds.

        Args:
            callback: A function without arguments, such as one that looks for plug-ins.
        """
        self._on_missing = callback

    def get(self, kind: str) -> Operator | None:
        """Return the declaration of a kind, or None if it is not registered; the callback is not called.

        Args:
            kind: The name of the kind.

        Returns:
            The declaration.
        """
        return self._operators.get(kind)

    def __getitem__(self, kind: str) -> Operator:
        if kind not in self._operators and self._on_missing is not None:
            self._on_missing()
        try:
            return self._operators[kind]
        except KeyError:
            raise UnknownOperator(
                f"operator kind {kind!r} is not in the catalogue: the store was written by a newer version, or a plug-in "
                "is not installed."
            ) from None

    def __contains__(self, kind: object) -> bool:
        return kind in self._operators

    def __iter__(self) -> Iterator[Operator]:
        return iter(self._operators.values())

    def __len__(self) -> int:
        return len(self._operators)
