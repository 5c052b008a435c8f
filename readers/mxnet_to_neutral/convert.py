"""Convert a symbol and its arrays into a graph of neutral operators.

Every node of the symbol is given to its rule (:mod:`mxnet_to_neutral.operators`) as a :class:`NodeContext`. Rules add
drafts of neutral nodes; after all nodes, unused drafts are dropped and :mod:`mxnet_to_neutral.layers.assemble` names
and freezes the rest.
"""

from __future__ import annotations

from typing import Any, Collection, Mapping, Sequence

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.context import Conversion, Draft, NodeContext, Refusal
from mxnet_to_neutral.dtypes import dtypes_of
from mxnet_to_neutral.layers.canonical import identity
from mxnet_to_neutral.layers.quantized import dequantized
from mxnet_to_neutral.passes.drop_training_outputs import drop_training_outputs
from mxnet_to_neutral.passes.fuse_bidirectional_rnn import fold_bidirectional
from mxnet_to_neutral.passes.fuse_rnn_cells import fold_cells
from mxnet_to_neutral.passes.fuse_unrolled_rnn import fold_unrolled
from mxnet_to_neutral.passes.split_interleaved_qkv import unweave
from mxnet_to_neutral.rule_lookup import reason_for, rule_for
from mxnet_to_neutral.symbol.attributes import declared_dtype, declared_shape
from mxnet_to_neutral.symbol.model import Entry, Symbol
from neutral.errors import MismatchError
from neutral.graph import Input, Operand, Value

IGNORED_ATTRIBUTES = frozenset(
    {"workspace", "cudnn_tune", "cudnn_off", "num_args", "name", "ctx", "__profiler_scope__", "op_type"}
)
"""Attributes that say how MXNet computes, not what."""


class Converter:
    """Runs the rules over a symbol. ``arrays`` are the checkpoint's by the name the symbol uses.

    ``computed`` are variables of a subgraph that stand for values which are computed outside.
    """

    def __init__(
        self,
        symbol: Symbol,
        arrays: Mapping[str, Array],
        file: str,
        has_arrays: bool,
        computed: Collection[str] = (),
    ) -> None:
        self.symbol = symbol
        self.arrays = dequantized(symbol, arrays)
        self.has_arrays = has_arrays
        self._computed = computed
        self.dtypes = dtypes_of(symbol, self.array, file)
        self.result = Conversion(file)
        self._names: set[str] = set()
        self._outputs: list[Sequence[Operand]] = []
        self._parameters: dict[int, Value] = {}

    def run(self) -> Conversion:
        self._node_names = [self.unique(node.name) for node in self.symbol.nodes]
        for index, node in enumerate(self.symbol.nodes):
            self._outputs.append(() if node.is_variable else self._apply(index))
        for head in self.symbol.heads:
            operand = self.operand(head)
            if not isinstance(operand, Value):
                raise MismatchError(f"{self.result.file}: output {head} of the model is a constant number.")
            self.result.outputs.append(operand)
        drop_training_outputs(self.result)
        unweave(self.result)
        fold_cells(self.result)
        fold_unrolled(self.result)
        self._drop_unused()
        fold_bidirectional(self.result)
        self._drop_unused()
        return self.result

    def operand(self, entry: Entry) -> Operand:
        node = self.symbol.nodes[entry.node]
        if node.is_variable:
            return self._variable(entry.node)
        outputs = self._outputs[entry.node]
        if entry.output >= len(outputs):
            raise Refusal(f"it uses output {entry.output} of {node.name!r}, which has {len(outputs)}")
        return outputs[entry.output]

    def array(self, entry: Entry) -> Array | None:
        node = self.symbol.nodes[entry.node]
        array = self.arrays.get(node.name) if node.is_variable else None
        return None if array is None or array.storage == "none" else array

    def is_computed(self, variable: str) -> bool:
        """Whether a variable without an array stands for a value that is computed outside of this subgraph."""
        return variable in self._computed

    def convert(self, symbol: Symbol, arrays: Mapping[str, Array], computed: Collection[str]) -> Conversion:
        """Convert a subgraph; what is wrong with it is wrong with this one."""
        inner = Converter(symbol, arrays, self.result.file, self.has_arrays, computed).run()
        self.result.problems += inner.problems
        self.result.notes += inner.notes
        return inner

    def missing(self, context: NodeContext, variable: str) -> None:
        """A tensor role whose array is not in the checkpoint; without any arrays that is no contradiction."""
        if self.has_arrays:
            self.result.problems.append(
                f"node {context.name!r} ({context.operator}) needs array {variable!r}, which is not there"
            )

    def unique(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self._names:
            number += 1
            candidate = f"{name}#{number}"
        self._names.add(candidate)
        return candidate

    def _variable(self, index: int) -> Value:
        if index not in self._parameters:
            node = self.symbol.nodes[index]
            array = self.arrays.get(node.name)
            name = self._node_names[index]
            if array is not None and array.storage != "none":
                draft = Draft(name, "parameter", [], {}, node, {"value": identity(array)}, layer=node.name)
                self.result.drafts.append(draft)
            else:
                shape = declared_shape(node, self.symbol.numpy_shape, self.result.file)
                self.result.inputs.append(Input(name, shape, declared_dtype(node, self.result.file)))
            self._parameters[index] = Value(name)
        return self._parameters[index]

    def _apply(self, index: int) -> Sequence[Operand]:
        node = self.symbol.nodes[index]
        context = NodeContext(self, index, self._node_names[index])
        rule = rule_for(node)
        outputs: Sequence[Operand]
        try:
            if rule is None:
                context.refuse(reason_for(node))
            made = rule(context)
            outputs = made if isinstance(made, (tuple, list)) else (made,)
            unread = set(context.attributes.unread()) - IGNORED_ATTRIBUTES
            if unread:
                context.refuse(f"it has attributes that are not understood: {', '.join(sorted(unread))}")
        except Refusal as refusal:
            context = NodeContext(self, index, self._node_names[index])
            outputs = self._opaque(context, str(refusal))
        return self._named(context, outputs)

    def _opaque(self, context: NodeContext, reason: str) -> Sequence[Operand]:
        node, value = context.symbol_node, context.opaque(reason)
        used = [e.output for n in self.symbol.nodes for e in n.inputs if self.symbol.nodes[e.node] is node]
        used += [head.output for head in self.symbol.heads if self.symbol.nodes[head.node] is node]
        return [Value(value.node, output) for output in range(max(used, default=0) + 1)]

    def _named(self, context: NodeContext, outputs: Sequence[Operand]) -> Sequence[Operand]:
        """Let the neutral node that gives the first output carry the name of the symbol's node."""
        first = outputs[0]
        if not (isinstance(first, Value) and any(draft.name == first.node for draft in context.drafts)):
            first = context.node("identity", first)
            outputs = (first, *outputs[1:])
        new = {first.node: context.name}
        self._names.discard(first.node)

        def renamed(operand: Any) -> Any:
            if isinstance(operand, Value):
                return Value(new.get(operand.node, operand.node), operand.output)
            return operand

        for draft in context.drafts:
            draft.name = new.get(draft.name, draft.name)
            draft.inputs = [renamed(operand) for operand in draft.inputs]
            draft.roles = {role: renamed(value) for role, value in draft.roles.items()}
        self.result.drafts.extend(context.drafts)
        return [renamed(operand) for operand in outputs]

    def _drop_unused(self) -> None:
        """Forget the nodes and inputs that no output depends on: labels, heads' second inputs, unpacked helpers."""
        needed = {value.node for value in self.result.outputs}
        kept = []
        for draft in reversed(self.result.drafts):
            if draft.name in needed:
                kept.append(draft)
                operands = [*draft.inputs, *draft.roles.values()]
                needed.update(operand.node for operand in operands if isinstance(operand, Value))
        self.result.drafts = kept[::-1]
        order = {name: index for index, name in enumerate(self._node_names)}
        kept_inputs = (item for item in self.result.inputs if item.name in needed)
        self.result.inputs = sorted(kept_inputs, key=lambda item: order[item.name])
