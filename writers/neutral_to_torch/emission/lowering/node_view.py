"""A node of the graph as its emitter rule sees it: attributes, operands, and the tensors of its layer."""

from __future__ import annotations

from typing import Any, Callable, Collection, Mapping, Sequence

from neutral import limits
from neutral.graph import Graph, Layer, Node, Value
from neutral.operators import catalogue
from neutral.tensor import Tensor
from neutral_to_torch.emission.expression.symbols import Symbol, nn, term_of, torch
from neutral_to_torch.emission.expression.terms import Body, Control, Declaration, Ref, SelfAttribute
from neutral_to_torch.emission.lowering.rule_results import Unsupported
from neutral_to_torch.emission.lowering.torch_dtypes import DTYPE


class NodeView:
    """A node as its rule sees it; the argument of every rule.

    Attributes:
        name: The node's name.
        kind: The node's kind.
        attributes: The typed attributes by name; also ``node["axis"]``.
        inputs: The operands as symbols, literals too; None where an optional input is absent.
        used: For each output whether anything uses it.
        node: The node itself.

    Args:
        node: The node.
        layer: The layer that it uses, None for none.
        tensors: The store's tensors by key.
        ranks: The number of axes of each input, None where unknown.
        used: For each output whether anything uses it.
        declared: The declarations of all nodes by layer and part; those of this node are added.
        lower: Returns the program of a graph inside the node, by its name and the ranks of its inputs.
        statistics: The keys of tensors that are statistics of a layer, which torch keeps as buffers.
        constants: For each input whether the graph makes it of nothing but numbers.
        vectors: For each input whether it may have one axis.

    Example:
        >>> node = Node("a", "softmax", (Value("x"),), {"axis": 1})
        >>> view = NodeView(node, None, {}, (2,), (True,), {}, None)
        >>> view["axis"], view.rank(), view.used
        (1, 2, (True,))
    """

    def __init__(
        self,
        node: Node,
        layer: Layer | None,
        tensors: Mapping[str, Tensor],
        ranks: Sequence[int | None],
        used: tuple[bool, ...],
        declared: dict[tuple[str, str], Declaration],
        lower: Callable[[str, Graph, Sequence[int | None]], Body],
        statistics: Collection[str] = (),
        constants: Sequence[bool] = (),
        vectors: Sequence[bool] = (),
    ) -> None:
        self.name = node.name
        self.kind = node.kind
        self.attributes = node.attributes
        self.used = used
        self.node = node
        self._layer = layer
        self._tensors = tensors
        self._ranks = ranks
        self._declared = declared
        self._lower = lower
        self._statistics = statistics
        self._constants = constants
        self._vectors = vectors
        self.inputs: tuple[Symbol | None, ...] = tuple(map(_operand, node.inputs))

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes[attribute]

    def rank(self, index: int = 0) -> int | None:
        """Return the number of axes of an input, None where it is unknown; a literal has rank 0.

        Args:
            index: The input's position, from 0.

        Returns:
            The number of axes.
        """
        return self._ranks[index] if index < len(self._ranks) else None

    def may_be_vector(self, index: int = 0) -> bool:
        """Return whether an input may have one axis.

        Args:
            index: The input.

        Returns:
            False if its rank is known to be another one, or if layers after it demand several features of a sample.
        """
        return self._vectors[index] if index < len(self._vectors) else self.rank(index) in (None, 1)

    def is_constant(self, index: int) -> bool:
        """Return whether the graph makes an input of nothing but numbers, such as a range.

        Args:
            index: The input's position, from 0.

        Returns:
            False for weights.
        """
        return index < len(self._constants) and self._constants[index]

    def number(self, index: int) -> float | int | bool | None:
        """Return a literal operand as a Python number, or None where the operand is a value or absent.

        Args:
            index: The input's position, from 0.

        Returns:
            The number, with the type that the graph states.
        """
        operand = self.node.inputs[index] if index < len(self.node.inputs) else None
        return None if isinstance(operand, Value) else operand

    def has(self, role: str) -> bool:
        """Return whether the layer has this role, stored or computed.

        Args:
            role: The name of a role.

        Returns:
            False for an optional role that the layer lacks.
        """
        return role in self.node.computed or self.stored(role)

    def stored(self, role: str) -> bool:
        """Return whether the role is a tensor of the store.

        Args:
            role: The name of a role.

        Returns:
            False where the graph computes the role, and where the layer lacks it.
        """
        return self._layer is not None and role in self._layer.tensors and role not in self.node.computed

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of the stored roles."""
        return tuple(self._layer.tensors) if self._layer is not None else ()

    def shape(self, role: str) -> tuple[int, ...]:
        """Return the shape of a stored role.

        Args:
            role: The name of a role.

        Returns:
            The shape of the stored tensor.

        Raises:
            Unsupported: The layer has no such tensor.
        """
        return self._stored(role)[1].shape

    def dtype(self, role: str) -> str:
        """Return the dtype code of a stored role, such as ``F32``.

        Args:
            role: The name of a role.

        Returns:
            The code of the stored tensor's dtype.

        Raises:
            Unsupported: The layer has no such tensor.
        """
        return self._stored(role)[1].dtype

    def module(
        self, constructor: Symbol, constants: Mapping[str, Tensor] | None = None, roles: Sequence[str] | None = None
    ) -> Symbol:
        """Declare a submodule, and return ``self.<name>``, which is named after the layer, else after the node.

        Args:
            constructor: The call that makes it. The layer's stored roles are its state: the module must have a
                parameter or buffer of each role's name.
            constants: Entries of its state dict that the store does not hold.
            roles: Those of the stored roles that are its state; all of them by default.

        Returns:
            An expression that can be called with the operands.
        """
        chosen = self.roles if roles is None else roles
        tensors = {role: self._layer.tensors[role] for role in chosen} if self._layer else {}
        return self._declare(self._layer.name if self._layer else self.name, constructor, tensors, constants, "")

    def tensor(self, role: str) -> Symbol:
        """Return a role as an expression: the graph's value where it is computed, else ``self.<name>_<role>``.

        Args:
            role: The name of a role.

        Returns:
            An expression of the tensor.

        Raises:
            Unsupported: The layer has no such tensor.
        """
        if role in self.node.computed:
            return Symbol(Ref(self.node.computed[role]))
        key, tensor = self._stored(role)
        shape = tensor.shape or ((),)
        # A buffer of another layer, such as a running mean, cannot be a parameter as well.
        buffer = tensor.dtype not in ("F16", "BF16", "F32", "F64") or key in self._statistics
        if buffer:
            constructor = torch.empty(*shape, dtype=DTYPE[tensor.dtype])
        else:
            constructor = nn.Parameter(torch.empty(*shape))
        name = self._layer.name if self._layer is not None else self.name
        owner = name if role == "value" else f"{name}_{role}"
        return self._declare(owner, constructor, {"": key}, None, role, buffer=buffer)

    def constant(self, constructor: Symbol, value: Tensor) -> Symbol:
        """Declare a buffer with a value that the store does not hold, and return ``self.<name>``.

        Args:
            constructor: The call that makes a tensor of the same shape and dtype.
            value: The tensor that the state dict gets.

        Returns:
            An expression of the tensor.

        Raises:
            Unsupported: The tensor takes more than the limit ``constant-bytes``.
        """
        if value.nbytes > limits.CONSTANT_BYTES.value:
            raise Unsupported(f"a constant of {value.nbytes} bytes; expected at most {limits.CONSTANT_BYTES.hint}")
        return self._declare(self.name, constructor, {}, {"": value}, "constant", buffer=True)

    def control(self, inputs: Sequence[Symbol], bodies: Mapping[str, Sequence[int | None]], **counts: int) -> Symbol:
        """Return the node as a loop or branch.

        Args:
            inputs: The operands.
            bodies: For each attribute that holds a graph the ranks of the graph's inputs, None where unknown.
            counts: The numbers of sequences, states and so on that the printer of the kind needs.

        Returns:
            An expression of the node's outputs.
        """
        lowered = tuple(self._lower(f"{self.name}/{name}", self[name], ranks) for name, ranks in bodies.items())
        return Symbol(Control(self.kind, tuple(map(term_of, inputs)), lowered, counts))

    def _stored(self, role: str) -> tuple[str, Tensor]:
        if self._layer is None or role not in self._layer.tensors:
            raise Unsupported(f"its layer has no tensor for the role {role}")
        key = self._layer.tensors[role]
        if key not in self._tensors:
            raise Unsupported(f"its tensor {key} is not in the store")
        return key, self._tensors[key]

    def _declare(
        self,
        owner: str,
        constructor: Symbol,
        tensors: Mapping[str, str],
        constants: Mapping[str, Tensor] | None,
        part: str,
        buffer: bool = False,
    ) -> Symbol:
        operator = catalogue.get(self.kind)
        weighted = not part and operator is not None and operator.has_matrix_weights
        term = term_of(constructor)
        declaration = Declaration(owner, term, tensors, constants or {}, buffer, self.kind, weighted)
        if self._layer is not None:
            known = self._declared.setdefault((self._layer.name, part), declaration)
            if known.constructor == declaration.constructor:
                declaration = known
        return Symbol(SelfAttribute(declaration))


def _operand(operand: Any) -> Symbol | None:
    if operand is None:
        return None
    return Symbol(Ref(operand)) if isinstance(operand, Value) else Symbol(term_of(operand))
