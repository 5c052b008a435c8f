"""Generate unique names."""

from __future__ import annotations

from typing import Container, Iterable


class UniqueNames:
    """Make names unique by appending a number.

    Args:
        taken: Names that must not be given.
        separator: The text between a name and its number.
        given: A container to which the caller adds each name that it got, before it asks for another; then they are not
            kept here, too.

    Example:
        >>> unique = UniqueNames({"conv"}, separator="_")
        >>> unique("conv"), unique("conv"), unique("relu")
        ('conv_2', 'conv_3', 'relu')
    """

    def __init__(self, taken: Iterable[str] = (), separator: str = "#", given: Container[str] | None = None) -> None:
        self._taken = set(taken)
        self._given = given
        self._separator = separator
        self._numbers: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """Return ``name``, with the first free number if it is taken; the result is taken from then on."""
        candidate = name
        while candidate in self:
            self._numbers[name] = self._numbers.get(name, 1) + 1
            candidate = self.numbered(name, self._numbers[name])
        if self._given is None:
            self._taken.add(candidate)
        return candidate

    def __contains__(self, name: str) -> bool:
        return name in self._taken or (self._given is not None and name in self._given)

    def numbered(self, name: str, number: int) -> str:
        """Return a name with a number.

        Args:
            name: The name that is taken.
            number: 2 or more.

        Returns:
            The name, the separator and the number, joined; it may be taken, too.
        """
        return f"{name}{self._separator}{number}"

    def discard(self, name: str) -> None:
        """Make a name free again.

        Args:
            name: A name that was taken.
        """
        self._taken.discard(name)
        self._numbers.pop(name, None)
