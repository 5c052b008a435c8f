"""Symbol JSON of every MXNet era, upgraded to one form: the graph as MXNet's own loader would see it."""

from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode
from mxnet_to_neutral.symbol.parse import parse, read

__all__ = ["Attributes", "Entry", "Symbol", "SymbolNode", "parse", "read"]
