"""The interface that the conversion of a symbol offers to the rules of its nodes."""

from __future__ import annotations

from typing import Collection, Mapping, Protocol, Sequence

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.drafts import Conversion
from mxnet_to_neutral.inference.dtypes import Dtypes
from mxnet_to_neutral.inference.shape_types import PartialShape
from mxnet_to_neutral.symbol.model import Entry, Symbol
from neutral.graph import Operand


class SymbolContext(Protocol):
    """The services that the conversion of a symbol offers to the rules of its nodes, through ``NodeContext``."""

    @property
    def symbol(self) -> Symbol:
        """The symbol that is converted."""
        ...

    @property
    def file(self) -> str:
        """The symbol's file, for messages."""
        ...

    @property
    def arrays(self) -> Mapping[str, Array]:
        """The checkpoint's arrays by the names that the symbol uses."""
        ...

    @property
    def has_arrays(self) -> bool:
        """Whether there is a parameter file; without one no array counts as missing."""
        ...

    @property
    def dtypes(self) -> Sequence[Dtypes]:
        """For each node of the symbol the dtypes of its outputs, None where one is unknown."""
        ...

    @property
    def batch_broadcasts(self) -> Sequence[bool]:
        """For each node of the symbol whether extent 1 of its batch gives the result of the inferred extent."""
        ...

    def operand(self, entry: Entry) -> Operand:
        """Return the operand for an edge; a stored array becomes a ``parameter`` draft.

        Args:
            entry: The source of the edge.

        Returns:
            A value of the graph, or a number that is written as such.
        """
        ...

    def array(self, entry: Entry) -> Array | None:
        """Return the stored array at the source of an edge, None if there is none.

        Args:
            entry: The source of the edge.

        Returns:
            The array of the parameter file.
        """
        ...

    def shape(self, entry: Entry) -> PartialShape | None:
        """Return the shape at the source of an edge, as far as it is known.

        Args:
            entry: The source of the edge.

        Returns:
            The shape with None for each unknown extent; None where the rank is unknown.
        """
        ...

    def is_input(self, variable: str) -> bool:
        """Return whether a variable without an array is a value of the outer graph, or an input of the graph.

        Args:
            variable: The variable's name.

        Returns:
            False for a stored array, and for one that is missing.
        """
        ...

    def unique(self, name: str) -> str:
        """Return ``name``, or the first numbered variant of it that no node has, and reserve it.

        Args:
            name: The wanted name.

        Returns:
            A name that no other node has.
        """
        ...

    def convert(self, symbol: Symbol, arrays: Mapping[str, Array], computed: Collection[str]) -> Conversion:
        """Convert a subgraph; its problems and notes are added to this conversion's.

        Args:
            symbol: The subgraph.
            arrays: The stored arrays bound to its variables, by variable.
            computed: The variables that are bound to values of the outer graph.

        Returns:
            The converted subgraph.
        """
        ...

    def add_problem(self, text: str) -> None:
        """Record a contradiction between symbol and arrays.

        Args:
            text: The problem, which names the node and the array.
        """
        ...

    def add_note(self, text: str) -> None:
        """Record a remark for the store, once.

        Args:
            text: A sentence for people.
        """
        ...
