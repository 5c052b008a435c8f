"""Python expressions as data: rules build them, folding compares them, the printer writes them.

A term is a small immutable tree. Its leaves are values of the graph (:class:`Ref`), constants (:class:`Literal`),
names of the emitted file (:class:`Name`) and attributes of ``self`` (:class:`SelfAttribute`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Mapping, Union, get_args

from neutral.graph import Value
from neutral.tensor import Tensor


@dataclass(frozen=True)
class Ref:
    """A value of the graph.

    Attributes:
        value: The output of a node, or an input of the graph.
    """

    value: Value


@dataclass(frozen=True)
class Literal:
    """A constant: a number, bool, string, None, ``...``, or a tuple of these.

    Attributes:
        value: The constant.
    """

    value: Any


@dataclass(frozen=True)
class Name:
    """A name of the emitted file, with dots: ``torch.float32``, ``F.relu``, a helper's, a variable's.

    Attributes:
        text: The name, as it is written.
    """

    text: str


REGISTER_BUFFER = Name("self.register_buffer")


@dataclass(frozen=True)
class Member:
    """An attribute of an expression: ``x.shape``.

    Attributes:
        base: The expression.
        name: The attribute's name.
    """

    base: Term
    name: str


@dataclass(frozen=True)
class Call:
    """A call: ``callee(*args, **kwargs)``.

    Attributes:
        callee: The function, method or module that is called.
        args: The positional arguments.
        kwargs: The other arguments, with their keywords.

    Example:
        >>> from neutral_to_torch.emission.expression.text import text
        >>> text(Call(Name("torch.clamp"), (Name("x"),), (("min", Literal(0)),)))
        'torch.clamp(x, min=0)'
    """

    callee: Term
    args: tuple[Term, ...] = ()
    kwargs: tuple[tuple[str, Term], ...] = ()


@dataclass(frozen=True)
class Slice:
    """A slice inside an index: ``start:stop:step``.

    Attributes:
        start: The first position.
        stop: The position after the last.
        step: The distance of positions; like the others a literal None where it is left out.
    """

    start: Term
    stop: Term
    step: Term


@dataclass(frozen=True)
class Index:
    """Indexing: ``base[items]``.

    Attributes:
        base: The expression that is indexed.
        items: The index of each axis.
    """

    base: Term
    items: tuple[Term, ...]


@dataclass(frozen=True)
class Operation:
    """An operator between two operands, or before its only one: ``-x``, ``~x``, ``not x``.

    Attributes:
        symbol: The operator, as Python writes it.
        operands: One or two operands.
    """

    symbol: str
    operands: tuple[Term, ...]


@dataclass(frozen=True)
class ListOrTuple:
    """A list or tuple that is written out.

    Attributes:
        items: The items.
        brackets: ``[]`` for a list, ``()`` for a tuple.
    """

    items: tuple[Term, ...]
    brackets: str = "[]"


@dataclass(frozen=True, eq=False)
class Declaration:
    """A submodule, parameter or buffer that a module holds.

    Attributes:
        owner: The layer or node that it is named after.
        constructor: The expression that makes it.
        tensors: For each of its state dict keys (relative; "" for a parameter itself) the tensor's key in the store.
        constants: Likewise tensors that the store does not hold.
        buffer: Whether it is a buffer rather than a parameter or submodule.
        kind: The catalogue kind of the node that declared it; "" for containers that the emitter adds.
        has_weights: Whether it is a submodule of a kind with matrix weights, such as a convolution, or a container.
    """

    owner: str
    constructor: Term
    tensors: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Tensor] = field(default_factory=dict)
    buffer: bool = False
    kind: str = ""
    has_weights: bool = False


@dataclass(frozen=True, eq=False)
class SelfAttribute:
    """``self.<attribute>``, named when the class is written.

    Attributes:
        declaration: The content of the attribute: a :class:`Declaration`, or a block of the emitter.
    """

    declaration: Any


@dataclass(frozen=True)
class ModuleOrFunction:
    """Two ways to write one value: by a submodule, for ``nn.Sequential``, or inline, for a line of ``forward``.

    Attributes:
        module: The expression with the submodule.
        inline: The expression without it.
    """

    module: Term
    inline: Term


@dataclass(frozen=True)
class Conditional:
    """``chosen if test else otherwise``.

    Attributes:
        test: The condition.
        chosen: The value where it holds.
        otherwise: The value where it does not.
    """

    test: Term
    chosen: Term
    otherwise: Term


@dataclass(frozen=True)
class Repeat:
    """``*(item for _ in range(count))``, as an argument.

    Attributes:
        item: The item, with the variable ``k`` where it depends on its number.
        count: The number of items, or an expression for it.
        alone: Whether it is the only argument of a call, which needs no star and no parentheses.
    """

    item: Term
    count: int | Term
    alone: bool = False


@dataclass(frozen=True)
class ForEachModule:
    """The result of applying the modules of an ``nn.ModuleList`` to a value, one after another.

    Attributes:
        modules: The list.
        value: The value that the first module is applied to.
        others: The other arguments, equal for all modules.
        position: The number of the argument that is the value.
    """

    modules: SelfAttribute
    value: Term
    others: tuple[Term, ...]
    position: int = 0


@dataclass(frozen=True, eq=False)
class Body:
    """The program inside a loop or branch: statements between inputs and outputs of its own.

    Attributes:
        inputs: The values that the body begins with.
        statements: The statements, in order.
        outputs: The values that it results in.
    """

    inputs: tuple[Value, ...]
    statements: tuple[Any, ...]
    outputs: tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class Control:
    """A loop or branch, written as a statement of its own.

    Attributes:
        kind: ``foreach``, ``while_loop`` or ``branch``, or ``steps``, the emitter's own: a loop over a range.
        operands: The operands of the catalogue's kind; a branch's condition is the first. Of ``steps`` the initial
            states, then constants.
        bodies: The bodies in the order of the kind's graph attributes.
        counts: The kind's numbers by name, such as ``states`` and ``limit``.
    """

    kind: str
    operands: tuple[Term, ...]
    bodies: tuple[Body, ...]
    counts: Mapping[str, int]


Term = Union[
    Ref,
    Literal,
    Name,
    Member,
    Call,
    Slice,
    Index,
    Operation,
    ListOrTuple,
    SelfAttribute,
    ModuleOrFunction,
    Conditional,
    Repeat,
    ForEachModule,
    Control,
]
"""Any expression."""

TERM_CLASSES = get_args(Term)
FIELDS = {kind: tuple(item.name for item in dataclasses.fields(kind)) for kind in TERM_CLASSES}
"""The names of the fields of each class of terms."""
