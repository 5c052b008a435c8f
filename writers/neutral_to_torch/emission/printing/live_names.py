"""Names of variables that are in use while the lines of a ``forward`` are written, each line in constant time."""

from __future__ import annotations

from collections import Counter
from typing import Container, Iterable, Iterator, Mapping

from neutral.graph import Value


class LiveNames:
    """Names of the variables that later lines use.

    Args:
        last: For each value the position of the last line that uses it.
        permanent: Names that are in use in every line.

    Attributes:
        permanent: The same.
    """

    def __init__(self, last: Mapping[Value, int], permanent: frozenset[str]) -> None:
        self._last, self.permanent = last, permanent
        self._holders: Counter[str] = Counter()
        self._ending: dict[int, list[str]] = {}
        self._lowest: dict[str, int] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._holders

    def __iter__(self) -> Iterator[str]:
        return iter(self._holders)

    def hold(self, value: Value, name: str, position: int) -> None:
        """Keep the name of a value that the line at ``position`` assigns, -1 for arguments, until its last use.

        Args:
            value: The value; one that no line uses is not kept.
            name: Its variable, or an item of a variable such as ``parts[0]``.
            position: The index of the line in the method.
        """
        end = self._last.get(value, -1)
        if end > position:
            variable = name.partition("[")[0]
            self._holders[variable] += 1
            self._ending.setdefault(end, []).append(variable)

    def hold_all(self, values: Iterable[Value], names: Mapping[Value, str], position: int) -> None:
        """Keep the names of all values that have one.

        Args:
            values: The values that the line assigns.
            names: The variable of each value.
            position: The index of the line in the method.
        """
        for value in values:
            if value in names:
                self.hold(value, names[value], position)

    def advance(self, position: int) -> None:
        """Free the names whose last use is the line at ``position``, which may assign to them.

        Args:
            position: The index of the line in the method.
        """
        for name in self._ending.pop(position, ()):
            self._holders[name] -= 1
            if not self._holders[name]:
                del self._holders[name]
                self._free(name)

    def _free(self, name: str) -> None:
        base = name.rstrip("0123456789")
        if base != name:
            for known in (base, base[:-1]):
                if known in self._lowest:
                    self._lowest[known] = 2

    def numbered(self, base: str, taken: Container[str]) -> str:
        """Return the name with the lowest number of at least 2 that is not taken; the search resumes where it ended.

        Args:
            base: The name without a number.
            taken: Names that it must not have.

        Returns:
            The name and the number, with ``_`` between if the name ends with a digit.
        """
        separator = "_" if base[-1].isdigit() else ""
        number = lowest = self._lowest.get(base, 2)
        while (name := f"{base}{separator}{number}") in taken:
            if number == lowest and (name in self._holders or name in self.permanent):
                lowest += 1
            number += 1
        self._lowest[base] = lowest
        return name


class TakenNames:
    """Names that a line may not assign to: those of live variables, and more.

    Args:
        live: The live variables.
        more: Other names.
    """

    def __init__(self, live: LiveNames, more: frozenset[str]) -> None:
        self._live, self._more = live, more
        self._own: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._live or name in self._more

    def add(self, name: str) -> None:
        """Take one more name.

        Args:
            name: The name.
        """
        self._own.add(name)
