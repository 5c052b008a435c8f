"""Shorten the names of a model's attributes: drop scopes of the source whose counter says nothing."""

from __future__ import annotations

from collections import Counter
from typing import Hashable, Iterable, Mapping, Sequence, TypeVar

from neutral_to_torch.emission.structure.labels import KIND_WORDS
from neutral_to_torch.emission.structure.naming import split_words

Key = TypeVar("Key", bound=Hashable)

_REPEATED = frozenset(("layer", "stage", "block", "unit", "cell", "head", "branch", "level"))
"""Words whose number is a place in the model even where it is 0."""

_CONTAINERS = frozenset(("hybridsequential", "sequential", "hybridconcurrent", "concurrent"))
"""Words that say only that something contains others."""

_SHORTEST_SCOPE = 3
"""Letters of a word that is taken for a scope where its number is 0."""

_SURE_SCOPE = 8
"""Letters of a word that is taken for a scope whatever its number: counters of a source may run across models."""


class ScopeNames:
    """Scopes of a source, such as ``vggatrousextractor0``, that are not needed to tell names apart.

    A scope is the first token of a name. Its counter says nothing where no other scope with the same prefix differs
    from it by the counter only.

    Args:
        names: The tokens of all names.
    """

    def __init__(self, names: Iterable[Sequence[str]]) -> None:
        self._scopes: dict[
            tuple[int, str], int
        ] = {}  # the number of a scope by that of the one around it and its token
        for parts in names:
            around = 0
            for part in parts:
                around = self._scopes.setdefault((around, part), len(self._scopes) + 1)
        self._counters = Counter((around, _stem(part)) for around, part in self._scopes)

    def shorten(self, names: Mapping[Key, str]) -> dict[Key, str]:
        """Return the names without needless scopes; those that would become equal keep theirs.

        Args:
            names: Names of submodules, their tokens joined by underscores.
        """
        short = {key: self._without_scopes(name) for key, name in names.items()}
        originals: dict[str, set[str]] = {}
        for key, name in short.items():
            originals.setdefault(name, set()).add(names[key])
        return {key: name if len(originals[name]) == 1 else names[key] for key, name in short.items()}

    def is_scope(self, name: str) -> bool:
        """Return whether a name is that of a needless scope, which says nothing about its parts.

        Args:
            name: Tokens joined by underscores.

        Returns:
            False for names of several tokens.
        """
        return "_" not in name and self._is_needless([name])

    def entry(self, name: str) -> str:
        """Return the name of an entry of a sequence: without its scopes, whatever remains.

        Args:
            name: Tokens joined by underscores.

        Returns:
            At least one token.
        """
        parts = name.split("_")
        return "_".join(parts[self._scopes_of(parts) :])

    def _scopes_of(self, parts: Sequence[str]) -> int:
        """Return how many tokens at the beginning are needless scopes; one token that begins with a letter remains."""
        count = 0
        while count + 1 < len(parts) and parts[count + 1][:1].isalpha() and self._is_needless(parts[: count + 1]):
            count += 1
        return count

    def _without_scopes(self, name: str) -> str:
        parts = name.split("_")
        count = self._scopes_of(parts)
        scopes = [word for word in map(without_counter, parts[:count]) if word not in _CONTAINERS]
        rest = parts[count:]
        number = rest[0][len(_stem(rest[0])) :]
        if scopes and number and len(rest) > 1 and _stem(rest[0]) in _CONTAINERS:
            rest = [split_words(scopes[-1]) + number, *rest[1:]]
        elif scopes and len(rest) == 1 and _stem(rest[0]) in KIND_WORDS:
            rest = [split_words(scopes[-1]), *rest]
        return "_".join(map(split_words, rest))

    def _is_needless(self, parts: Sequence[str]) -> bool:
        stem = _stem(parts[-1])
        if stem == parts[-1] or len(stem) < _SHORTEST_SCOPE or stem in _REPEATED or stem in KIND_WORDS:
            return False
        is_counter = parts[-1].endswith("0") or (stem.isalpha() and len(stem) >= _SURE_SCOPE)
        return is_counter and self._counters[self._number(parts[:-1]), stem] == 1

    def _number(self, parts: Sequence[str]) -> int:
        """Return the number of a scope; -1 if no name is in it."""
        number = 0
        for part in parts:
            number = self._scopes.get((number, part), -1)
        return number


def without_counter(word: str) -> str:
    """Return a word without the source's counter: ``yolooutputv30`` is the first ``yolooutputv3``.

    Args:
        word: A token.

    Returns:
        The word; of several digits at its end only the last is taken off.
    """
    bare = _stem(word)
    return word[:-1] if len(word) - len(bare) > 1 else bare


def _stem(token: str) -> str:
    return token.rstrip("0123456789")
