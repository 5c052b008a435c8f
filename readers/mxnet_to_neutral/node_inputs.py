"""What is known of a node of a symbol: its inputs, their dtypes and shapes, and its neighbours in the graph."""

from __future__ import annotations

from typing import NoReturn

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.inference.broadcasting import find_batch_partner
from mxnet_to_neutral.inference.dtypes import dtype_at
from mxnet_to_neutral.inference.shape_types import PartialShape
from mxnet_to_neutral.symbol.model import Entry, SymbolNode
from mxnet_to_neutral.symbol_context import SymbolContext
from neutral.errors import NeutralError
from neutral.graph import Operand


class Refusal(NeutralError):
    """Raised by a rule that cannot express its node exactly; the message becomes the opaque node's reason."""


class NodeInputs:
    """The inputs of a node of a symbol, and the nodes around it.

    Attributes:
        count: The number of inputs.
        dtypes: The dtype of each input, None where it is unknown.
        version: The MXNet release that wrote the symbol, such as ``(1, 9, 1)``.
        numpy_shape: Whether the symbol uses NumPy's shape semantics: scalars exist, and -1 is an unknown extent.
        symbol_node: The node itself.
    """

    def __init__(self, conversion: SymbolContext, index: int) -> None:
        self.symbol_node = conversion.symbol.nodes[index]
        self._index = index
        self.count = len(self.symbol_node.inputs)
        self.numpy_shape = conversion.symbol.numpy_shape
        self.version = conversion.symbol.version or (0, 8, 0)
        self.dtypes = [dtype_at(conversion.dtypes, entry) for entry in self.symbol_node.inputs]
        self._conversion = conversion

    def has(self, index: int) -> bool:
        """Return whether the node has an input at this position.

        Args:
            index: The input's position, from 0.

        Returns:
            False for an optional input that the symbol leaves out.
        """
        return index < self.count

    def input(self, index: int) -> Operand:
        """Return the operand at a position; a stored array becomes a ``parameter`` node.

        Args:
            index: The input's position, from 0.

        Returns:
            A value of the graph, or a number that is written as such.

        Raises:
            Refusal: The node has fewer inputs.
        """
        return self._conversion.operand(self._entry(index))

    def inputs(self) -> list[Operand]:
        """Return all operands.

        Returns:
            The operands, in the order of the symbol.
        """
        return [self.input(index) for index in range(self.count)]

    def dtype(self, index: int) -> str | None:
        """Return the dtype of an input, such as ``int32``; None where it is unknown, which means a floating one.

        Args:
            index: The input's position, from 0.

        Returns:
            The name of the dtype.
        """
        return self.dtypes[index] if self.has(index) else None

    def shape(self, index: int) -> PartialShape | None:
        """Return the shape of an input, as far as weights, attributes and declared inputs determine it.

        Args:
            index: The input's position, from 0.

        Returns:
            The shape with None for each unknown extent; None where the rank is unknown.
        """
        return self._conversion.shape(self.symbol_node.inputs[index]) if self.has(index) else None

    def channels(self, index: int, axis: int = 1) -> int | None:
        """Return the number of channels of an input, None where it is unknown.

        Args:
            index: The input's position, from 0.
            axis: The axis of channels; -1 for the last.

        Returns:
            The extent of the axis.
        """
        shape = self.shape(index)
        return None if shape is None or not -len(shape) <= axis < len(shape) else shape[axis]

    def batch_broadcasts(self) -> bool:
        """Return whether extent 1 of the output's batch gives the same result as the extent that MXNet infers.

        Returns:
            True if every use of the output broadcasts it, or computes its samples independently.
        """
        return self._conversion.batch_broadcasts[self._index]

    def batch_partner(self) -> Operand:
        """Return an earlier value that has the batch of the output, which the shape attribute leaves open.

        Returns:
            The value; None where the operators that use the output tell none.
        """
        partner = find_batch_partner(self._conversion.symbol, self._index)
        return None if partner is None else self._conversion.operand(partner)

    def array(self, index: int) -> Array | None:
        """Return the stored array that feeds a position directly, None if there is none.

        Args:
            index: The input's position, from 0.

        Returns:
            The array of the parameter file.
        """
        return self._conversion.array(self.symbol_node.inputs[index]) if self.has(index) else None

    def producer(self, index: int) -> SymbolNode:
        """Return the symbol's node that feeds a position.

        Args:
            index: The input's position, from 0.

        Returns:
            A node of the symbol; a variable for a parameter or an input of the model.

        Raises:
            Refusal: The node has fewer inputs.
        """
        return self._conversion.symbol.nodes[self._entry(index).node]

    def arrays_of(self, node: SymbolNode) -> list[Array | None]:
        """Return the stored arrays that feed any node of the symbol, by position.

        Args:
            node: A node of the symbol.

        Returns:
            For each input its array; None where an input is not a stored array.
        """
        return [self._conversion.array(entry) for entry in node.inputs]

    def producers_of(self, node: SymbolNode) -> list[SymbolNode]:
        """Return the nodes that feed any node of the symbol, by position.

        Args:
            node: A node of the symbol.

        Returns:
            For each input the node that makes it.
        """
        return [self._conversion.symbol.nodes[entry.node] for entry in node.inputs]

    def consumers_of(self, node: SymbolNode) -> list[SymbolNode]:
        """Return the nodes that use an output of any node of the symbol.

        Args:
            node: A node of the symbol.

        Returns:
            The nodes, in the order of the symbol.
        """
        symbol = self._conversion.symbol
        return [symbol.nodes[user] for user in dict.fromkeys(u for u, _ in symbol.consumers[symbol.index_of(node)])]

    def users_of(self, output: int) -> list[SymbolNode | None]:
        """Return what uses one output of the node itself.

        Args:
            output: The number of the output, from 0.

        Returns:
            Nodes of the symbol; None for an output of the model.
        """
        symbol = self._conversion.symbol
        users: list[SymbolNode | None] = [
            symbol.nodes[user]
            for user, position in symbol.consumers[self._index]
            if symbol.nodes[user].inputs[position].output == output
        ]
        heads = [entry for entry in symbol.heads if (entry.node, entry.output) == (self._index, output)]
        return users + [None] * len(heads)

    def is_output(self, node: SymbolNode) -> bool:
        """Return whether an output of the node is an output of the model.

        Args:
            node: A node of the symbol.

        Returns:
            True if it is one of the symbol's heads.
        """
        symbol = self._conversion.symbol
        return symbol.index_of(node) in symbol.head_nodes

    def is_input(self, producer: SymbolNode) -> bool:
        """Return whether a node without an array gives a value that the graph computes or takes as an input.

        Args:
            producer: A node of the symbol, from :meth:`producer`.

        Returns:
            False for a variable whose array is missing.
        """
        return not producer.is_variable or self._conversion.is_input(producer.name)

    def refuse(self, reason: str) -> NoReturn:
        """Give up: the node stays in the graph as ``opaque``.

        Args:
            reason: Why the node has no exact equivalent; it is stored with the node.

        Raises:
            Refusal: Always.
        """
        raise Refusal(reason)

    def _entry(self, index: int) -> Entry:
        if not self.has(index):
            self.refuse(f"it has {self.count} input{'s' * (self.count != 1)}; expected at least {index + 1}")
        return self.symbol_node.inputs[index]
