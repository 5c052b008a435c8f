"""Read symbol JSON of every MXNet version, upgraded as MXNet's own loader upgrades it."""

from __future__ import annotations

from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode, join_variables
from mxnet_to_neutral.symbol.parsing import parse_symbol, read_symbol

__all__ = ["Attributes", "Entry", "Symbol", "SymbolNode", "join_variables", "parse_symbol", "read_symbol"]
