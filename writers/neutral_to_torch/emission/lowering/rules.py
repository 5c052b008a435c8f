"""The API of emitter rules: the registry, the view of a node that a rule gets, and the results that it may return.

``docs/adding-an-operator.md`` shows how one is written.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Callable, Collection, Mapping, Sequence, Union

from neutral import extensions, limits
from neutral.dtypes import DTYPE_CODE
from neutral.errors import NeutralError
from neutral.graph import Graph, Layer, Node, Value
from neutral.operators import catalogue
from neutral.operators.ranks import RankContext, RankRule, output_ranks
from neutral.tensor import Tensor
from neutral_to_torch.emission.expression.symbols import Symbol, nn, term_of, torch
from neutral_to_torch.emission.expression.terms import Body, Control, Declaration, Ref, SelfAttribute


class Unsupported(Exception):
    """Raised by a rule for a node that it cannot express exactly.

    The message names the attribute and its value, such as ``mode='circular'``; it becomes a line of the preflight.
    """


@dataclass(frozen=True)
class Unpacked:
    """An expression with several outputs; see :func:`unpack`."""

    expression: Symbol
    pattern: Any


def unpack(expression: Symbol, pattern: Any) -> Unpacked:
    """Return an expression whose result is unpacked into the node's outputs.

    Args:
        expression: The expression, such as a call that returns a tuple.
        pattern: A nested tuple of output numbers; None for an item that is not an output. ``(0, (1, 2))`` is written
            ``x, (h, c) = ...``.

    Returns:
        The result of a rule.

    Example:
        >>> from neutral_to_torch.emission.expression.symbols import torch
        >>> unpack(torch.chunk(torch.ones(4), 2), (0, 1)).pattern
        (0, 1)
    """
    return Unpacked(expression, pattern)


Result = Union[Symbol, "tuple[Symbol | None, ...]", Unpacked]
"""The result of a rule: the only output, one expression for each output (None where none uses it), or ``unpack``."""


class NodeView:
    """A node as its rule sees it; the argument of every rule.

    Attributes:
        name: The node's name.
        kind: The node's kind.
        attributes: The typed attributes by name; also ``node["axis"]``.
        inputs: The operands as symbols, literals too; None where an optional input is absent.
        used: For each output whether anything uses it.
        node: The node itself.

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

    def module(self, constructor: Symbol, constants: Mapping[str, Tensor] | None = None) -> Symbol:
        """Declare a submodule, and return ``self.<name>``, which is named after the layer, else after the node.

        Args:
            constructor: The call that makes it. The layer's stored roles are its state: the module must have a
                parameter or buffer of each role's name.
            constants: Entries of its state dict that the store does not hold.

        Returns:
            An expression that can be called with the operands.
        """
        tensors = {role: self._layer.tensors[role] for role in self.roles} if self._layer else {}
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


DTYPE = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
"""The dtypes that torch computes with, by the store's code."""


def torch_dtype(name: str) -> Symbol:
    """Return a dtype of the graph as torch writes it.

    Args:
        name: The name in attributes, such as ``float32``.

    Returns:
        The expression, such as ``torch.float32``.

    Raises:
        Unsupported: Torch does not compute with this dtype, or there is no such dtype.

    Example:
        >>> str(torch_dtype("float32"))
        'torch.float32'
    """
    code = DTYPE_CODE.get(name)
    if code not in DTYPE:
        known = ", ".join(other for other, code in DTYPE_CODE.items() if code in DTYPE)
        raise Unsupported(f"dtype {name}: torch does not compute with it; it does with {known}")
    return DTYPE[code]


def _operand(operand: Any) -> Symbol | None:
    if operand is None:
        return None
    return Symbol(Ref(operand)) if isinstance(operand, Value) else Symbol(term_of(operand))


Function = Callable[..., Result]


@dataclass(frozen=True)
class Rule:
    """The function that writes a kind, and the rank rule of a kind whose catalogue entry has none.

    Example:
        >>> callable(rule_for("relu").function)
        True
    """

    function: Function
    rank: RankRule


_RULES: dict[str, Rule] = {}


def rule(*kinds: str, rank: RankRule = None) -> Callable[[Function], Function]:
    """Register a function as the emitter rule of one or more kinds.

    The function is called with the node's :class:`NodeView` and the inputs as symbols, and returns a :data:`Result`.

    Args:
        kinds: The kinds of the catalogue that the function writes.
        rank: The rank rule (:mod:`neutral.operators.ranks`) of kinds whose catalogue entry has none.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        NeutralError: A kind has a rule already.

    Example:
        >>> @rule("unit.double")
        ... def double(node, x):
        ...     return x * 2
        >>> rule_for("unit.double").function is double
        True
        >>> _ = _RULES.pop("unit.double")
    """

    def register(function: Function) -> Function:
        for kind in kinds:
            if kind in _RULES:
                raise NeutralError(f"operator kind {kind!r} has two emitter rules.")
            _RULES[kind] = Rule(function, rank)
        return function

    return register


def rule_for(kind: str) -> Rule | None:
    """Return the rule of a kind, or None.

    Args:
        kind: A kind of the catalogue.

    Returns:
        The rule of this package or of a plug-in.
    """
    _load()
    return _RULES.get(kind)


def supported() -> tuple[str, ...]:
    """Return every kind that has a rule, sorted.

    Returns:
        Kinds of this package and of plug-ins.
    """
    _load()
    return tuple(sorted(_RULES))


_loaded = False


def _load() -> None:
    global _loaded
    if not _loaded:
        _loaded = True
        package = import_module("neutral_to_torch.emission.operators")
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
    extensions.search()
    extensions.apply("torch", rule)


def rank_rule_of(kind: str) -> RankRule:
    """Return the rank rule of a kind: the catalogue's, or that of the emitter rule for kinds that have none there.

    Args:
        kind: A kind of the catalogue.

    Returns:
        The rule; None where neither states one.
    """
    operator = catalogue.get(kind)
    if operator is not None and operator.rank_rule is not None:
        return operator.rank_rule
    found = rule_for(kind)
    return None if found is None else found.rank


def rank_of(view: NodeView) -> list[int | None]:
    """Return the rank of each output of the node, None where it is unknown.

    Args:
        view: The node.

    Returns:
        The number of axes by output.
    """
    operands = [view.rank(index) for index in range(len(view.inputs))]
    shapes = {role: view.shape(role) for role in view.roles}
    return output_ranks(rank_rule_of(view.kind), RankContext(view.attributes, operands, max(1, len(view.used)), shapes))
