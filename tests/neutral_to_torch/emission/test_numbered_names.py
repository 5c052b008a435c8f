"""Numbers in names, however long, order the blocks of a list."""

from __future__ import annotations

from neutral_to_torch.emission.structure.tree import _is_numbered


def test_numbers_are_compared_as_numbers() -> None:
    assert _is_numbered(["extra2", "extra10", "extra0011"])
    assert not _is_numbered(["extra10", "extra9"])
    assert not _is_numbered(["extra1", "extra01"])


def test_numbers_of_thousands_of_digits_are_compared() -> None:
    assert _is_numbered(["extra" + "1" * 5000, "extra" + "2" * 5000, "extra1" + "0" * 5000])
    assert not _is_numbered(["extra" + "2" * 5000, "extra" + "1" * 5000])
