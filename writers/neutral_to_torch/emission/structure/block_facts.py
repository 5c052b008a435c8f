"""Facts about a block that its name and docstring rest on: convolutions, branches, activations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Iterator, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import (
    Call,
    Declaration,
    ListOrTuple,
    Literal,
    ModuleOrFunction,
    Name,
    Operation,
    Ref,
    Term,
)
from neutral_to_torch.emission.expression.traversal import applied, walk
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.module_ir import Block, Instance, Owned, callee, owned

CONVOLUTIONS = frozenset(("convolution", "transposed_convolution", "deformable_convolution"))
GATES = frozenset(("sigmoid", "hard_sigmoid", "hard_sigmoid_of_sixths"))
PRODUCTS = frozenset(("matmul", "contract", "dot", "einsum"))
GLOBAL_POOLS = frozenset(("global_average_pool", "global_max_pool", "adaptive_average_pool", "mean"))
POOLS = frozenset((*GLOBAL_POOLS, "max_pool", "average_pool", "sum_pool"))
NO_VALUES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Convolution:
    """Numbers of one convolution. None is a number that differs between the block's instances."""

    kernel: tuple[int, ...] | None
    in_channels: int | None
    out_channels: int | None
    groups: int | None
    dilation: int | None
    is_depthwise: bool

    @property
    def is_pointwise(self) -> bool:
        """Whether every extent of the kernel is 1."""
        return self.kernel is not None and set(self.kernel) == {1}

    @property
    def size(self) -> str:
        """The kernel as text: ``3x3``, or ``""`` where it differs between instances."""
        return "" if self.kernel is None else "x".join(map(str, self.kernel))


class BlockFacts:
    """Structural facts of a block's statements.

    Args:
        statements: The statements, in execution order.
        inputs: The values that come from outside; the first is the entry.
    """

    def __init__(self, statements: Sequence[Statement], inputs: Sequence[Value]) -> None:
        self.statements = tuple(statements)
        self.entry = inputs[0] if inputs else None
        self._definitions = {value: statement for statement in self.statements for value in statement.values}

    @cached_property
    def convolutions(self) -> list[Convolution]:
        """Every convolution, in order; those inside larger blocks do not count."""
        return self.convolutions_of(self.statements)

    @staticmethod
    def convolutions_of(statements: Sequence[Statement]) -> list[Convolution]:
        """Return the convolutions of some of the statements.

        Args:
            statements: Statements of the block.

        Returns:
            The convolutions in order, those of units included.
        """
        return [convolution for item in owned(statements) for convolution in _convolutions(item)]

    @cached_property
    def kinds(self) -> list[str]:
        """The catalogue kinds that the statements apply, in order; a larger block counts as its class name."""
        return self.kinds_of(self.statements)

    @staticmethod
    def kinds_of(statements: Sequence[Statement]) -> list[str]:
        """Return the catalogue kinds that some of the statements apply.

        Args:
            statements: Statements of the block.

        Returns:
            The kinds in order; the class name for a larger block.
        """
        return [kind for statement in statements for kind in _kinds(statement)]

    @cached_property
    def merge(self) -> Statement | None:
        """The last statement that combines several values, and is not a block."""
        several = (s for s in reversed(self.statements) if len(s.operands) > 1 and not _is_block(s))
        return next(several, None)

    @cached_property
    def merge_kind(self) -> str:
        """How the branches meet: ``add``, ``multiply``, ``concatenate`` or ``""``."""
        return "" if self.merge is None else merge_kind(self.merge.term)

    @cached_property
    def branches(self) -> list[list[Statement]]:
        """For each operand of the merge the statements that it depends on; none for the entry itself."""
        return [] if self.merge is None else [self._ancestors(value) for value in self.merge.operands]

    @property
    def is_direct(self) -> bool:
        """Whether the merge takes the entry itself."""
        return self.merge is not None and self.entry in self.merge.operands

    @property
    def feeds_itself(self) -> bool:
        """Whether a branch computes with the output of another, so that they are not parallel."""
        merge = self.merge
        merged = set(merge.operands) if merge is not None else set()
        return any(merged & set(statement.operands) for statement in self.statements if statement is not merge)

    @property
    def is_parallel(self) -> bool:
        """Whether it concatenates branches with convolutions that compute independently from the entry."""
        several = self.merge_kind == "concatenate" and len(self.convolutions) > 1
        return several and not self.is_direct and not self.feeds_itself

    def shared(self) -> list[Statement]:
        """Return the statements that every branch depends on."""
        common = set.intersection(*(set(map(id, branch)) for branch in self.branches)) if self.branches else set()
        return [statement for statement in self.statements if id(statement) in common]

    def residual(self) -> tuple[list[Statement], list[Statement]] | None:
        """Return the main path and the shortcut of a sum with at most one convolution, 1x1, on its shortcut."""
        if self.merge_kind != "add" or len(self.branches) != 2:
            return None
        both = set(map(id, self.shared()))
        short, long = sorted(self.branches, key=lambda branch: len(self.convolutions_of(branch)) or len(branch) / 1000)
        short = [statement for statement in short if id(statement) not in both]
        convolutions = self.convolutions_of(short)
        if len(convolutions) > 1 or not all(c.is_pointwise for c in convolutions):
            return None
        if not short and not self.is_direct:
            return None
        return [statement for statement in long if statement not in short], short

    def _ancestors(self, value: Value) -> list[Statement]:
        reached: set[int] = set()
        stack = [value]
        while stack:
            statement = self._definitions.get(stack.pop())
            if statement is not None and id(statement) not in reached:
                reached.add(id(statement))
                stack += statement.operands
        return [statement for statement in self.statements if id(statement) in reached]


def merge_kind(term: Term) -> str:
    """Return how a term combines values: ``add``, ``multiply``, ``concatenate`` or ``""``.

    Args:
        term: The term of a statement.

    Returns:
        The kind; "" for a term that combines no values.
    """
    if isinstance(term, ModuleOrFunction):
        term = term.inline
    for item in walk(term):
        if isinstance(item, Operation) and len(item.operands) == 2:
            return {"+": "add", "*": "multiply"}.get(item.symbol, "")
        if isinstance(item, ListOrTuple) and len([x for x in item.items if isinstance(x, Ref)]) > 1:
            return "concatenate"
    return ""


def _is_block(statement: Statement) -> bool:
    own = applied(statement.term)
    return own is not None and isinstance(own.declaration, Instance)


def _kinds(statement: Statement) -> list[str]:
    own = applied(statement.term)
    if own is None or isinstance(own.declaration, Declaration):
        return [statement.kind] if statement.kind else []
    block: Block = own.declaration.block
    return [kind for inner in block.statements for kind in _kinds(inner)] if _is_transparent(block) else [block.name]


def _convolutions(item: Owned, values: Mapping[str, Any] = NO_VALUES) -> Iterator[Convolution]:
    if isinstance(item, Declaration):
        if item.kind in CONVOLUTIONS and "Conv" in callee(item.constructor):
            yield _convolution(item.constructor, values)
    elif _is_transparent(item.block):
        inner = arguments_of(item, values)
        for own in item.block.owns:
            yield from _convolutions(own, inner)


def _is_transparent(block: Block) -> bool:
    """Return whether the layers of a block count as those of the block that uses it: units and chains of layers."""
    return block.is_unit or block.is_chain


def arguments_of(item: Instance, values: Mapping[str, Any] = NO_VALUES) -> dict[str, Any]:
    """Return the numbers that an instance's class has, by name; None for those that the outer class leaves open.

    Args:
        item: The instance of a block.
        values: The numbers that are known of the outer class, by name.

    Returns:
        By name the value of each argument and of each number that follows from them.
    """
    block, call = item.block, item.constructor
    numbers: dict[str, Any] = {p.name: evaluate(p.default, {}) for p in block.parameters if p.default is not None}
    if isinstance(call, Call):
        numbers.update({p.name: evaluate(arg, values) for p, arg in zip(block.parameters, call.args)})
        numbers.update({name: evaluate(arg, values) for name, arg in call.kwargs})
    for derived in block.derived:
        numbers[derived.name] = evaluate(derived.term, numbers)
    return numbers


def _convolution(constructor: Term, values: Mapping[str, Any]) -> Convolution:
    assert isinstance(constructor, Call)
    given = {name: evaluate(term, values) for name, term in constructor.kwargs}
    terms = dict(constructor.kwargs)
    inputs, outputs = [*(evaluate(arg, values) for arg in constructor.args[:2]), None, None][:2]
    kernel = given.get("kernel_size")
    rank = next((int(c) for c in callee(constructor) if c.isdigit()), 2)
    groups, dilation = given.get("groups", 1), given.get("dilation", 1)
    depthwise = "groups" in terms and terms["groups"] == constructor.args[0] and terms["groups"] != Literal(1)
    return Convolution(
        kernel if isinstance(kernel, tuple) else None if kernel is None else (kernel,) * rank,
        inputs,
        outputs,
        groups,
        max(dilation) if isinstance(dilation, tuple) else dilation,
        depthwise,
    )


def evaluate(term: Term, values: Mapping[str, Any]) -> Any:
    """Return the number that a term of a constructor stands for, or None where it is open.

    Args:
        term: A term of a constructor.
        values: The numbers of the names in it.

    Returns:
        The value of a literal or name, or the result of integer arithmetic.
    """
    if isinstance(term, Literal):
        return term.value
    if isinstance(term, Name):
        return values.get(term.text)
    if isinstance(term, Operation) and len(term.operands) == 2:
        one, other = (evaluate(item, values) for item in term.operands)
        if isinstance(one, int) and isinstance(other, int):
            return {"*": one * other, "//": one // other if other else None, "+": one + other}.get(term.symbol)
    return None
