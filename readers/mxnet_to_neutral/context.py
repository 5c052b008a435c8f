"""The interface of operator rules: one node of a symbol, and the drafts of neutral nodes that its rule creates."""

from __future__ import annotations

from typing import Any, Collection, Mapping, Sequence

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.drafts import Absent, Conversion, Draft, RoleDraft
from mxnet_to_neutral.layers.canonical import Recipe, identity, transpose
from mxnet_to_neutral.layers.gates import join_gates
from mxnet_to_neutral.node_inputs import NodeInputs, Refusal
from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.model import Symbol
from mxnet_to_neutral.symbol_context import SymbolContext
from neutral.errors import NeutralError
from neutral.graph import Graph, Operand, Value
from neutral.operators import catalogue

_EMPTY_GRAPH = Graph((), (), ())
"""Placeholder with which graph-valued attributes are validated before they are frozen."""


class NodeContext(NodeInputs):
    """One node of a symbol, as its rule sees it.

    Attributes:
        attributes: The node's attributes, parsed by type. Those that a rule does not read make the node opaque.
        operator: The canonical name of MXNet's operator, by which the rule was found.
        name: The node's name, unique in the graph.
        count: The number of inputs.
        dtypes: The dtype of each input, None where it is unknown.
        version: The MXNet release that wrote the symbol, such as ``(1, 9, 1)``.
        numpy_shape: Whether the symbol uses NumPy's shape semantics: scalars exist, and -1 is an unknown extent.
        symbol_node: The node itself.
        drafts: The drafts that the rule has added so far.

    Example:
        >>> from mxnet_to_neutral.convert import convert_symbol
        >>> from mxnet_to_neutral.operators import RULES, rule
        >>> from mxnet_to_neutral.symbol import parse_symbol
        >>> @rule("scaled_relu")
        ... def scaled_relu(context):
        ...     scale = context.attributes.float("scale", 1.0)
        ...     return context.node("multiply", context.node("relu", context.input(0)), scale)
        >>> symbol = parse_symbol('''{"nodes": [
        ...     {"op": "null", "name": "data", "inputs": []},
        ...     {"op": "scaled_relu", "name": "act", "inputs": [[0, 0, 0]], "attrs": {"scale": "0.5"}}
        ... ], "arg_nodes": [0], "heads": [[1, 0, 0]]}''', "model-symbol.json")
        >>> for draft in convert_symbol(symbol, {}, "model-symbol.json").drafts:
        ...     print(draft.name, draft.kind, draft.inputs)
        act.relu relu [Value(node='data', output=0)]
        act multiply [Value(node='act.relu', output=0), 0.5]
        >>> _ = RULES.pop("scaled_relu")
    """

    def __init__(self, conversion: SymbolContext, index: int, name: str) -> None:
        super().__init__(conversion, index)
        self.operator = self.symbol_node.operator
        self.name = name
        self.attributes = Attributes(self.symbol_node, conversion.file)
        self.drafts: list[Draft] = []

    def role(
        self,
        index: int,
        *,
        shape: Sequence[int | None] | None = None,
        axes: Sequence[int] | None = None,
        reshape: tuple[int, ...] | None = None,
    ) -> RoleDraft:
        """Return the content of a tensor role from an input.

        Args:
            index: The input's position.
            shape: The shape that a stored array must have, None for any extent; another shape is recorded as a problem.
            axes: Permutation of the array's axes to the canonical layout, as for ``numpy.transpose``.
            reshape: The canonical shape of the same elements.

        Returns:
            A recipe for a stored array, a Value where the graph computes the input, an Absent where the array is
            missing from the checkpoint, and None where the node has no such input.

        Raises:
            Refusal: The input is computed and needs ``reshape``, or is a literal number.
        """
        if not self.has(index):
            return None
        array = self.array(index)
        if array is None:
            variable = self.producer(index).name
            if self.is_input(self.producer(index)):
                return self._computed_role(index, axes, reshape)
            joined = self.gate_matrix(variable)
            if joined is None:
                self.report_missing(variable)
            return joined or Absent(variable)
        if shape is not None:
            self.expect_shape(array.name, array.shape, shape)
        if axes is not None and tuple(axes) != tuple(range(len(axes))):
            return transpose(array, tuple(axes))
        return identity(array, reshape)

    def gate_matrix(self, variable: str) -> Recipe | None:
        """Return a recurrent layer's matrix or bias by its variable, joined from one array per gate if need be.

        Args:
            variable: The name of the variable, such as ``lstm0_i2h_weight``.

        Returns:
            The recipe, or None if the arrays are not there.
        """
        return join_gates(variable, self._conversion.arrays)

    def expect_shape(self, name: str, actual: Sequence[int], expected: Sequence[int | None]) -> None:
        """Record a problem unless an array has the expected shape.

        Args:
            name: The array's name, for the message.
            actual: Its shape.
            expected: The shape that the node's attributes demand; None for any extent.
        """
        if len(expected) != len(actual) or not all(e in (None, a) for e, a in zip(expected, actual)):
            wanted = ", ".join("any" if extent is None else str(extent) for extent in expected)
            self._conversion.add_problem(
                f"node {self.name!r} ({self.operator}): array {name!r} has shape {tuple(actual)}, expected ({wanted})"
            )

    def node(
        self,
        kind: str,
        *inputs: Operand,
        roles: Mapping[str, RoleDraft] | None = None,
        layer: str | None = None,
        bodies: Mapping[str, Conversion] | None = None,
        **attributes: Any,
    ) -> Value:
        """Add a neutral node.

        Args:
            kind: A kind of the catalogue.
            *inputs: Operands in the catalogue's order: values, numbers, or None for an absent optional input.
            roles: Content of the tensor roles, from :meth:`role`.
            layer: The layer's name; by default it is derived from the names of its arrays.
            bodies: Graph-valued attributes.
            **attributes: All other attributes of the kind; an int is accepted for a float.

        Returns:
            The node's first output; the next is ``Value(result.node, 1)``.

        Raises:
            Refusal: An attribute's value is out of the range that the catalogue states, or a required role is None.
            NeutralError: The attributes do not fit the catalogue's entry: a fault of the rule.
        """
        operator = catalogue[kind]
        floats = {attribute.name for attribute in operator.attributes if attribute.type == "float"}
        typed = {
            name: float(value) if name in floats and value is not None else value for name, value in attributes.items()
        }
        problems = list(operator.problems({**typed, **dict.fromkeys(bodies or {}, _EMPTY_GRAPH)}))
        if problems and problems == list(operator.value_problems(typed)):
            raise Refusal("; ".join(problems))
        if problems:
            raise NeutralError(f"rule of {self.operator}: {'; '.join(problems)}")
        for role, content in (roles or {}).items():
            declared = operator.role(role)
            if content is None and declared is not None and declared.required:
                self.refuse(f"it has {self.count} input{'s' * (self.count != 1)} and none for its {role}")
        name = self.unique(f"{self.name}.{kind}")
        self.drafts.append(
            Draft(name, kind, list(inputs), typed, self.symbol_node, dict(roles or {}), layer, dict(bodies or {}))
        )
        return Value(name)

    def convert(self, symbol: Symbol, arrays: Mapping[str, Array], computed: Collection[str]) -> Conversion:
        """Convert a subgraph of the node.

        Args:
            symbol: The subgraph.
            arrays: The stored arrays bound to its variables, by variable.
            computed: The variables that are bound to values of the outer graph.

        Returns:
            The converted subgraph, for the ``bodies`` of :meth:`node`.
        """
        return self._conversion.convert(symbol, arrays, computed)

    def unique(self, name: str) -> str:
        """Return ``name``, or the first numbered variant of it that no node has, and reserve it.

        Args:
            name: The wanted name.

        Returns:
            A name that no other node has.
        """
        return self._conversion.unique(name)

    def opaque(self, reason: str) -> Value:
        """Add an opaque node for an output that has no exact equivalent in the catalogue.

        Args:
            reason: Why there is no exact equivalent; it is stored with the node.

        Returns:
            The node's first output.
        """
        node = self.symbol_node
        attributes = dict(node.attributes)
        return self.node("opaque", *self.inputs(), operator=node.operator, attributes=attributes, reason=reason)

    def note(self, text: str) -> None:
        """Add a note to the store; repeated notes are kept once.

        Args:
            text: A sentence for people.
        """
        self._conversion.add_note(text)

    def report_missing(self, variable: str) -> None:
        """Record that the checkpoint lacks an array that the node needs; ignored without a parameter file.

        Args:
            variable: The name of the array.
        """
        if self._conversion.has_arrays:
            self._conversion.add_problem(
                f"node {self.name!r} ({self.operator}) needs array {variable!r}, which is not there"
            )

    def _computed_role(self, index: int, axes: Sequence[int] | None, reshape: tuple[int, ...] | None) -> Value:
        value = self.input(index)
        if axes is not None:
            value = self.node("transpose", value, axes=tuple(axes))
        if reshape is not None:
            self.refuse(f"input {index + 1} is computed and would have to be reshaped")
        if not isinstance(value, Value):
            self.refuse(f"input {index + 1} is a number, not a tensor")
        return value
