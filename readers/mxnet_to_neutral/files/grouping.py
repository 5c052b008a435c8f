"""Group the files of one folder by checkpoint: a symbol, and the parameters of each epoch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, Mapping, Sequence

from mxnet_to_neutral.files.kinds import PARAMETERS, SYMBOL

EPOCH = re.compile(r"^(?P<prefix>.*)-(?P<epoch>\d{4,})\.params$", re.DOTALL)

_SYMBOL_PREFIX = re.compile(r"^(.*)-symbol\.json|^(.*)\.[^.]*$|^(.*)$", re.DOTALL)
_SEPARATORS = ("-", ".")


@dataclass
class Group:
    """The files of one checkpoint.

    Args:
        symbol: The name of the symbol, or None.
        params: The names of the parameter files, one an epoch, sorted.
    """

    symbol: str | None
    params: list[str] = field(default_factory=list)

    @property
    def epochs(self) -> dict[int, str]:
        """The parameter files whose names end with an epoch, by epoch."""
        matches = ((EPOCH.match(name), name) for name in self.params)
        return {int(match.group("epoch")): name for match, name in matches if match}

    @property
    def prefix(self) -> str | None:
        """The prefix that all parameter files have, if their names end with epochs and there are several."""
        prefixes = {match.group("prefix") if match else None for match in map(EPOCH.match, self.params)}
        return prefixes.pop() if len(self.params) > 1 and len(prefixes) == 1 else None

    @property
    def names(self) -> list[str]:
        """All names."""
        return [*([self.symbol] if self.symbol else []), *self.params]


def group_files(
    kinds: Mapping[str, str | None], belongs: Callable[[str, str], bool] = lambda symbol, params: True
) -> list[Group]:
    """Group files of one folder by checkpoint.

    A parameter file belongs to the symbol with the longest prefix of its name; a single symbol and the parameters of a
    single prefix belong together whatever their names.

    Args:
        kinds: The kind of every file by its name; see :mod:`mxnet_to_neutral.files.kinds`.
        belongs: Decides whether a parameter file is of a symbol where the names do not show it exactly.

    Returns:
        The groups: with symbol and parameters, with parameters only, with a symbol only.

    Example:
        >>> kinds = {"m-symbol.json": "symbol", "m-best.params": "parameters", "x.params": "parameters"}
        >>> [group.names for group in group_files(kinds)]
        [['m-symbol.json', 'm-best.params'], ['x.params']]
    """
    symbols = {name: symbol_prefix(name) for name in sorted(kinds) if kinds[name] == SYMBOL}
    groups = {name: Group(name) for name in symbols}
    rest: dict[str, Group] = {}
    for name in sorted(name for name in kinds if kinds[name] == PARAMETERS):
        symbol = _symbol_of(name, symbols, belongs)
        if symbol is not None:
            groups[symbol].params.append(name)
        else:
            match = EPOCH.match(name)
            rest.setdefault(match.group("prefix") if match else name, Group(None)).params.append(name)
    alone = list(rest.values())
    if len(symbols) == 1 and len(alone) == 1 and not any(group.params for group in groups.values()):
        only = next(iter(symbols))
        if belongs(only, alone[0].params[0]):
            groups[only].params, alone = alone[0].params, []
    complete = [group for group in groups.values() if group.params]
    return [*complete, *alone, *(group for group in groups.values() if not group.params)]


def symbol_prefix(name: str) -> str:
    """Return the prefix in the name of a symbol: before ``-symbol.json``, or without the last suffix.

    Args:
        name: The name of a file, without its folder.

    Returns:
        The name as it is if it has no suffix.

    Example:
        >>> symbol_prefix("m-symbol.json.ref"), symbol_prefix("net.json"), symbol_prefix("symbol")
        ('m', 'net', 'symbol')
    """
    match = _SYMBOL_PREFIX.match(name)
    assert match is not None
    return next(group for group in match.groups() if group is not None)


def _symbol_of(name: str, symbols: Mapping[str, str], belongs: Callable[[str, str], bool]) -> str | None:
    """Return the symbol that a parameter file belongs to by its name."""
    epoch = EPOCH.match(name)
    stem = epoch.group("prefix") if epoch else re.sub(r"\.params$", "", name)
    exact = [symbol for symbol, prefix in symbols.items() if prefix == stem]
    if exact:
        return _preferred(exact)
    near = [s for s, prefix in symbols.items() if any(name.startswith(prefix + sign) for sign in _SEPARATORS)]
    longest = max((len(symbols[symbol]) for symbol in near), default=0)
    near = [symbol for symbol in near if len(symbols[symbol]) == longest]
    return _preferred(near) if near and belongs(_preferred(near), name) else None


def _preferred(symbols: Sequence[str]) -> str:
    return next((name for name in symbols if name.endswith("-symbol.json")), symbols[0])
