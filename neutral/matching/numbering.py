"""Compare how both sides number layers of equal names: Gluon counts from 0, authors of PyTorch modules often from 1.

Names such as ``dense0, dense1, dense2`` and ``fc1, fc2, fc3`` agree in part as they stand, and that part is wrong. They
are evidence for the shift that makes all of them agree, and evidence of nothing where only a part can agree.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Callable, Mapping, Sequence, Tuple

Words = Tuple[str, ...]
Numbers = Tuple[int, ...]


@dataclass(frozen=True)
class Numbering:
    """Result of :func:`compare_numbering`, by places in the sequences that were compared.

    Attributes:
        shifted: The module's item of each stored one, where names agree after a shift.
        undecided: Pairs of places that only a part of the names would support; a text for each.

    Example:
        >>> Numbering({0: 1}).shifted
        {0: 1}
    """

    shifted: Mapping[int, int] = field(default_factory=dict)
    undecided: Mapping[tuple[int, int], str] = field(default_factory=dict)


def compare_numbering(stored: Sequence[Words], module: Sequence[Words], fits: Callable[[int, int], bool]) -> Numbering:
    """Compare the numbers of names that are equal but for numbers.

    Args:
        stored: The words of each stored name; empty words are left alone.
        module: The words of each of the module's names.
        fits: Return whether the stored item at a place can fill the module's item at a place.

    Returns:
        Pairs that a shift gives, and pairs of equal numbers that are not evidence.

    Example:
        >>> names = [("fc", "0"), ("fc", "1")], [("fc", "1"), ("fc", "2")]
        >>> compare_numbering(*names, lambda place, other: True).shifted
        {0: 0, 1: 1}
        >>> names = [("fc", "0"), ("fc", "1"), ("fc", "2")], [("fc", "1"), ("fc", "2")]
        >>> sorted(compare_numbering(*names, lambda place, other: True).undecided)
        [(1, 0), (2, 1)]
    """
    shifted: dict[int, int] = {}
    undecided: dict[tuple[int, int], str] = {}
    families = [_families(names) for names in (stored, module)]
    for template, places in families[0].items():
        others = families[1].get(template, {})
        shift = _shift(places, others)
        if shift is None:
            continue
        equal = {places[number]: others[number] for number in places if number in others}
        moved = {places[number]: others[target] for number in places if (target := _sum(number, shift)) in others}
        hypotheses = [pairs for pairs in (equal, moved) if all(fits(*pair) for pair in pairs.items())]
        if moved in hypotheses and (len(moved) == len(places) == len(others) or hypotheses == [moved]):
            shifted.update(moved)
        elif equal not in hypotheses or moved in hypotheses:
            undecided.update(dict.fromkeys(equal.items(), _undecided(template, places, others)))
    return Numbering(shifted, undecided)


def _families(names: Sequence[Words]) -> dict[Words, dict[Numbers, int]]:
    """Return the place of each name by its words without numbers, and its numbers; not of names that are repeated."""
    places: dict[Words, dict[Numbers, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, words in enumerate(names):
        numbers = tuple(int(word) for word in words if word.isdecimal())
        if numbers:
            places[tuple("#" if word.isdecimal() else word for word in words)][numbers].append(place)
    return {
        template: {numbers: same[0] for numbers, same in family.items()}
        for template, family in places.items()
        if all(len(same) == 1 for same in family.values())
    }


def _shift(stored: Mapping[Numbers, int], module: Mapping[Numbers, int]) -> Numbers | None:
    """Return the steps from the stored numbers to the module's where one side counts from 0 and the other from 1."""
    if len(stored) < 2 or not module:
        return None
    lowest = [[min(numbers) for numbers in zip(*side)] for side in (stored, module)]
    if any(pair[0] != pair[1] and set(pair) != {0, 1} for pair in zip(*lowest)):
        return None
    shift = tuple(other - one for one, other in zip(*lowest))
    return shift if any(shift) else None


def _sum(numbers: Numbers, shift: Numbers) -> Numbers:
    return tuple(number + step for number, step in zip(numbers, shift))


def _undecided(template: Words, stored: Mapping[Numbers, int], module: Mapping[Numbers, int]) -> str:
    return (
        f"the {len(stored)} stored names and the module's {len(module)} of the form {' '.join(template)} are numbered "
        "from 0 on one side and from 1 on the other, and neither equal nor shifted numbers pair all of them"
    )
