"""Equivalence of expressions on both sides of a match, up to the order of their axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from neutral.matching.dataflow import DataflowGraph, Port

AxisOrder = str
"""The order of a stored value's axes, relative to the same value in the module:

==============  =================================================
``same``        the same order
``swapped``     the first two axes swapped
``last``        the module's axis 1 comes last (channels last)
``first``       the module's last axis comes as axis 1
``unbatched``   without the module's leading axis of one
==============  =================================================
"""

AXIS_ORDERS: tuple[AxisOrder, ...] = ("unbatched", "same", "swapped", "last", "first")


@dataclass(frozen=True)
class Alignment:
    """The correspondence of the axes of one value on both sides.

    Attributes:
        axis_order: The order of the stored value's axes.
        rank: The number of the stored value's axes, None where it is unknown.

    Example:
        >>> Alignment("last", rank=4)
        Alignment(axis_order='last', rank=4)
    """

    axis_order: AxisOrder = "same"
    rank: int | None = None


@dataclass(frozen=True)
class Source:
    """A value that both sides have, from which two expressions are computed.

    Attributes:
        stored: The ports of the stored graph that hold the value.
        module: The ports of the module's graph that hold it.
        alignment: The correspondence of its axes.

    Example:
        >>> Source(((0, 0),), ((0, 0),), Alignment("last", 4)).alignment.axis_order
        'last'
    """

    stored: tuple[Port, ...]
    module: tuple[Port, ...]
    alignment: Alignment


@dataclass(frozen=True)
class EquivalenceQuery:
    """The question whether ``stored`` and ``module`` are the same function of the sources.

    Attributes:
        graphs: The stored graph and the module's.
        stored: The port of the stored expression.
        module: The port of the module's expression.
        sources: The values from which both are computed.
        interiors: For each side the vertices between the sources and the port, in execution order.

    Example:
        Whether ``relu`` of a store and ``clip`` of a module are equal for any input ``x``:

        >>> from neutral.graph import Graph, Input, Node, Value
        >>> from neutral.matching.dataflow import build_dataflow
        >>> from neutral.matching.network import Network
        >>> def graph(kind, attributes):
        ...     node = Node("y", kind, (Value("x"),), attributes)
        ...     return build_dataflow(Network({}, {}), Graph((Input("x"),), (node,), (Value("y"),)))
        >>> stored, module = graph("relu", {}), graph("clip", {"min": 0.0, "max": None})
        >>> query = EquivalenceQuery((stored, module), (1, 0), (1, 0), (), ((1,), (1,)))
        >>> [graph.vertices[query.stored[0]].node.kind for graph in query.graphs]
        ['relu', 'clip']
    """

    graphs: tuple[DataflowGraph, DataflowGraph]
    stored: Port
    module: Port
    sources: tuple[Source, ...]
    interiors: tuple[tuple[int, ...], tuple[int, ...]]


class NumericalProbe(Protocol):
    """A way to compare expressions that are spelled differently, usually by running both on random numbers.

    Example:
        A probe that decides nothing leaves differently spelled expressions unproven:

        >>> class Undecided:
        ...     def compare(self, query):
        ...         return None
        >>> probe: NumericalProbe = Undecided()
        >>> probe.compare(EquivalenceQuery((), (0, 0), (0, 0), (), ((), ()))) is None
        True
    """

    def compare(self, query: EquivalenceQuery) -> Alignment | bool | None:
        """Decide an equivalence query.

        Args:
            query: The expressions and the values from which they are computed.

        Returns:
            The alignment of both values where they are equal, False where they are not under any axis order, None
            where that cannot be found out.
        """
        ...
