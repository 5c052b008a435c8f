"""Convert a symbol and its arrays into a graph of neutral operators.

Every node of the symbol is given to its rule (:mod:`mxnet_to_neutral.operators`) as a :class:`NodeContext`. Rules add
drafts of neutral nodes; passes (:mod:`mxnet_to_neutral.passes`) rewrite them, and
:mod:`mxnet_to_neutral.layers.assemble` names and freezes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Collection, Mapping, Sequence

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.drafts import Conversion, Draft
from mxnet_to_neutral.inference.broadcasting import find_broadcasting_nodes
from mxnet_to_neutral.inference.dtypes import Dtypes, infer_dtypes
from mxnet_to_neutral.inference.shape_types import PartialShape
from mxnet_to_neutral.inference.shapes import infer_shapes, shape_at
from mxnet_to_neutral.layers.canonical import identity
from mxnet_to_neutral.layers.quantized import dequantize_arrays
from mxnet_to_neutral.node_inputs import Refusal
from mxnet_to_neutral.passes import PASSES
from mxnet_to_neutral.rule_lookup import find_rule, reason_without_rule
from mxnet_to_neutral.stored_inputs import is_called_like_parameter
from mxnet_to_neutral.symbol.arity import arity_problem
from mxnet_to_neutral.symbol.attribute_texts import InvalidAttribute
from mxnet_to_neutral.symbol.declarations import declared_dtype, declared_shape
from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode
from mxnet_to_neutral.symbol.ranges import range_problem
from neutral.errors import MismatchError
from neutral.graph import Input, Operand, Value
from neutral.rewriting import UniqueNames, run_passes

IGNORED_ATTRIBUTES = frozenset(
    {
        "workspace", "cudnn_tune", "cudnn_off", "mkldnn_off", "onednn_off", "num_args", "name", "ctx",
        "__profiler_scope__", "op_type",
    }
)  # fmt: skip
"""Attributes that do not change an operator's result; rules need not read them."""


@dataclass(frozen=True)
class Circumstances:
    """What is known of a symbol beside its text and its arrays.

    Attributes:
        has_arrays: Whether there is a parameter file; if so, missing weights are problems.
        computed: For a subgraph, the variables that are bound to values of the outer graph.
        refused: Nodes to be made opaque, with the reason of each.
        inputs: Variables that are inputs of the graph, whatever they feed.
    """

    has_arrays: bool = False
    computed: Collection[str] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    inputs: Collection[str] = ()


ALONE = Circumstances()
"""A symbol of which nothing else is known."""


def convert_symbol(
    symbol: Symbol, arrays: Mapping[str, Array], file: str, circumstances: Circumstances = ALONE
) -> Conversion:
    """Convert a symbol to drafts of neutral nodes.

    Args:
        symbol: The symbol, upgraded to MXNet 1.9.1's operators.
        arrays: The checkpoint's arrays by the names that the symbol uses; the other variables become graph inputs.
        file: The symbol's file, for messages.
        circumstances: What else is known.

    Returns:
        Drafts, inputs and outputs of the graph after all passes, and problems and notes.

    Raises:
        MismatchError: An output of the model is a constant number, or arrays contradict each other.

    Example:
        >>> from mxnet_to_neutral.symbol import parse_symbol
        >>> symbol = parse_symbol('''{"nodes": [
        ...     {"op": "null", "name": "data", "inputs": []},
        ...     {"op": "Flatten", "name": "flat", "inputs": [[0, 0, 0]]}
        ... ], "arg_nodes": [0], "heads": [[1, 0, 0]]}''', "model-symbol.json")
        >>> conversion = convert_symbol(symbol, {}, "model-symbol.json")
        >>> [item.name for item in conversion.inputs], [draft.kind for draft in conversion.drafts], conversion.outputs
        (['data'], ['flatten'], [Value(node='flat', output=0)])
    """
    return _Converter(symbol, arrays, file, circumstances).run()


class _Converter:
    """The conversion of one symbol; the rules see it as a :class:`mxnet_to_neutral.symbol_context.SymbolContext`."""

    def __init__(self, symbol: Symbol, arrays: Mapping[str, Array], file: str, circumstances: Circumstances) -> None:
        self.symbol = symbol
        self.file = file
        self.arrays = dequantize_arrays(symbol, arrays)
        self.has_arrays = circumstances.has_arrays
        self.dtypes: Sequence[Dtypes] = infer_dtypes(symbol, self.array, file)
        self.unique = UniqueNames()
        self._circumstances = circumstances
        self._result = Conversion(file)
        self._outputs: list[Sequence[Operand]] = []
        self._variables: dict[int, Value] = {}

    @cached_property
    def _shapes(self) -> Sequence[PartialShape | None]:
        return infer_shapes(self.symbol, self.array, self.file)

    def shape(self, entry: Entry) -> PartialShape | None:
        """Return the shape at the source of an edge; see SymbolContext."""
        return shape_at(self.symbol, self._shapes, entry)

    @cached_property
    def batch_broadcasts(self) -> Sequence[bool]:
        """Whether the batch of every node's output broadcasts; see SymbolContext."""
        return find_broadcasting_nodes(self.symbol)

    def run(self) -> Conversion:
        """Convert every node, then run the passes."""
        self._node_names = [self.unique(node.name) for node in self.symbol.nodes]
        for index, node in enumerate(self.symbol.nodes):
            self._outputs.append(() if node.is_variable else self._apply_rule(index))
        for head in self.symbol.heads:
            operand = self.operand(head)
            if not isinstance(operand, Value):
                raise MismatchError(f"{self.file}: output {head} of the model is a constant number.")
            self._result.outputs.append(operand)
        order = {name: index for index, name in enumerate(self._node_names)}
        self._result.inputs.sort(key=lambda item: order[item.name])
        return run_passes(self._result, PASSES)

    def operand(self, entry: Entry) -> Operand:
        """Return the operand for an edge; see SymbolContext."""
        node = self.symbol.nodes[entry.node]
        if node.is_variable:
            return self._variable(entry.node)
        outputs = self._outputs[entry.node]
        if entry.output >= len(outputs):
            raise Refusal(f"it uses output {entry.output} of {node.name!r}, which has {len(outputs)}")
        return outputs[entry.output]

    def array(self, entry: Entry) -> Array | None:
        """Return the stored array at the source of an edge; see SymbolContext."""
        node = self.symbol.nodes[entry.node]
        array = self.arrays.get(node.name) if node.is_variable else None
        return None if array is None or array.storage == "none" else array

    def is_input(self, variable: str) -> bool:
        """Return whether a variable without an array is computed outside, or an input; see SymbolContext."""
        if variable in self._circumstances.computed or variable in self._circumstances.inputs:
            return True
        if is_called_like_parameter(variable):
            return False
        self.add_note(f"{variable!r} takes the place of a weight and has no array: it is an input of the graph")
        return True

    def convert(self, symbol: Symbol, arrays: Mapping[str, Array], computed: Collection[str]) -> Conversion:
        """Convert a subgraph; see SymbolContext."""
        inner = convert_symbol(symbol, arrays, self.file, Circumstances(self.has_arrays, computed))
        self._result.problems += inner.problems
        self._result.notes += inner.notes
        return inner

    def add_problem(self, text: str) -> None:
        """Record a contradiction between symbol and arrays; see SymbolContext."""
        self._result.problems.append(text)

    def add_note(self, text: str) -> None:
        """Record a remark for the store, once; see SymbolContext."""
        if text not in self._result.notes:
            self._result.notes.append(text)

    def _variable(self, index: int) -> Value:
        """Return a variable's value: a ``parameter`` node if it has an array, else an input of the graph."""
        if index not in self._variables:
            node = self.symbol.nodes[index]
            array = self.arrays.get(node.name)
            name = self._node_names[index]
            if array is not None and array.storage != "none":
                draft = Draft(name, "parameter", [], {}, node, {"value": identity(array)}, layer=node.name)
                self._result.drafts.append(draft)
            else:
                self._result.inputs.append(self._input(name, node))
            self._variables[index] = Value(name)
        return self._variables[index]

    def _input(self, name: str, variable: SymbolNode) -> Input:
        """Return a graph input with the shape and dtype that its variable declares."""
        try:
            shape = declared_shape(variable, self.symbol.numpy_shape, self.file)
            return Input(name, shape, declared_dtype(variable, self.file))
        except InvalidAttribute as error:
            self.add_note(f"the declaration of input {name!r} is ignored: {error.reason}")
            return Input(name)

    def _apply_rule(self, index: int) -> Sequence[Operand]:
        """Run a node's rule; where it refuses, or cannot parse an attribute, add an opaque node instead."""
        node = self.symbol.nodes[index]
        context = NodeContext(self, index, self._node_names[index])
        rule = find_rule(node)
        outputs: Sequence[Operand]
        try:
            if context.name in self._circumstances.refused:
                context.refuse(self._circumstances.refused[context.name])
            if rule is None:
                context.refuse(reason_without_rule(node))
            problem = arity_problem(node.operator, context.count) or range_problem(node.operator, node.attributes)
            if problem is not None:
                context.refuse(problem)
            result = rule(context)
            outputs = result if isinstance(result, (tuple, list)) else (result,)
            if not outputs:
                context.refuse("it has no outputs")
            unread = set(context.attributes.unread()) - IGNORED_ATTRIBUTES
            if unread:
                context.refuse(f"it has attributes that are not understood: {', '.join(sorted(unread))}")
        except (Refusal, InvalidAttribute) as error:
            context = NodeContext(self, index, self._node_names[index])
            outputs = self._opaque(context, error.reason if isinstance(error, InvalidAttribute) else str(error))
        return self._take_name(context, outputs)

    def _opaque(self, context: NodeContext, reason: str) -> Sequence[Operand]:
        """Add an opaque node, with as many outputs as the symbol uses."""
        value = context.opaque(reason)
        count = self.symbol.output_counts[self.symbol.index_of(context.symbol_node)]
        return [Value(value.node, output) for output in range(count)]

    def _take_name(self, context: NodeContext, outputs: Sequence[Operand]) -> Sequence[Operand]:
        """Rename the draft of the first output to the symbol's node, and keep the rule's drafts."""
        first = outputs[0]
        if not (isinstance(first, Value) and any(draft.name == first.node for draft in context.drafts)):
            first = context.node("identity", first)
            outputs = (first, *outputs[1:])
        old_name = first.node
        self.unique.discard(old_name)

        def renamed(value: Value) -> Value:
            return Value(context.name, value.output) if value.node == old_name else value

        for draft in context.drafts:
            draft.name = context.name if draft.name == old_name else draft.name
            draft.map_values(renamed)
        self._result.drafts.extend(context.drafts)
        return [renamed(output) if isinstance(output, Value) else output for output in outputs]
