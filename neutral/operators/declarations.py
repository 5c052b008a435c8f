"""Declarations of operator kinds: signature, definition, attributes, tensor roles, and traits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping

from neutral.operators.attribute_types import is_of_type, numbers_in
from neutral.operators.ranks import RankRule

Check = Callable[[Any], "str | None"]
"""Returns the problem of an attribute's value, or None."""


@dataclass(frozen=True)
class Attribute:
    """A typed attribute of an operator kind. Every attribute is always written out: there are no defaults.

    Attributes:
        name: The attribute's name.
        type: One of ``int``, ``float`` (which an int satisfies), ``bool``, ``str``, ``ints`` and ``floats`` (tuples),
            ``optional_ints`` (a tuple that may hold None), ``graph`` (a :class:`neutral.graph.Graph`) and ``json``
            (any JSON value).
        doc: The meaning of the value, and of None if it is allowed.
        choices: The values that are allowed; empty if all are.
        optional: Whether None is allowed.
        minimum: The smallest number that is allowed, also of each item of a tuple; None: unbounded.
        maximum: The largest number that is allowed, also of each item of a tuple; None: unbounded.
        same_length_as: The name of the attribute whose tuple has as many items.
        check: A function that returns the problem of a value of the right type, or None; for texts with a grammar.

    Example:
        >>> axis = Attribute("groups", "int", "The number of groups.", minimum=1)
        >>> axis.problem(0)
        'groups=0 is less than 1'
    """

    name: str
    type: str
    doc: str
    choices: tuple[str, ...] = ()
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    same_length_as: str | None = None
    check: Check | None = None

    def type_problem(self, value: Any) -> str | None:
        """Return why a value is not of the attribute's type, or None if it is.

        Args:
            value: The value; any object.

        Returns:
            The problem in one line.
        """
        if (value is None and self.optional) or is_of_type(self.type, value):
            return None
        return f"{self.name}={value!r} is not of type {self.type}"

    def value_problem(self, value: Any) -> str | None:
        """Return why the attribute cannot have a value of the right type, or None if it can.

        Args:
            value: A value without a :meth:`type_problem`.

        Returns:
            The problem in one line.
        """
        if value is None:
            return None
        if self.choices and value not in self.choices:
            return f"{self.name}={value!r} is not one of {', '.join(self.choices)}"
        numbers = numbers_in(value)
        if self.minimum is not None and any(number < self.minimum for number in numbers):
            return f"{self.name}={value!r} is less than {self.minimum}"
        if self.maximum is not None and any(number > self.maximum for number in numbers):
            return f"{self.name}={value!r} is greater than {self.maximum}"
        problem = None if self.check is None else self.check(value)
        return None if problem is None else f"{self.name}={value!r} {problem}"

    def problem(self, value: Any) -> str | None:
        """Return why the attribute cannot have a value, or None if it can.

        Args:
            value: The value; any object.

        Returns:
            The problem in one line.
        """
        return self.type_problem(value) or self.value_problem(value)


AXIS = Attribute("axis", "int", "The axis; a negative axis counts from the end.")
"""The attribute of kinds that work along one axis."""


@dataclass(frozen=True)
class Role:
    """A tensor of the layers of a kind.

    Attributes:
        name: The role's name. ``{k}`` stands for a number, as in ``weight_ih_l{k}``.
        shape: The shape in terms of the kind's attributes, such as ``(out_features, in_features)``.
        doc: The meaning of the tensor.
        required: Whether every layer of the kind has the tensor, stored or computed.
        buffer: Whether the tensor is a statistic, which is not trained.

    Example:
        >>> Role("weight", "(out_features, in_features)", "The matrix.").is_matrix
        True
    """

    name: str
    shape: str
    doc: str
    required: bool = True
    buffer: bool = False

    def matches(self, name: str) -> bool:
        """Return whether a tensor of this name has the role.

        Args:
            name: The name of a tensor within its layer.

        Returns:
            True if it is the role's name, with a number in the place of ``{k}``.

        Example:
            >>> Role("bias_ih_l{k}", "(hidden_size,)", "A bias.").matches("bias_ih_l12")
            True
        """
        if "{k}" not in self.name:
            return name == self.name
        return re.fullmatch(re.escape(self.name).replace(r"\{k\}", "[0-9]+"), name) is not None

    @property
    def is_matrix(self) -> bool:
        """True if the tensor has two or more axes in every layer."""
        return "," in self.shape.rstrip(",)") and " or " not in self.shape


@dataclass(frozen=True)
class Operator:
    """A kind of the catalogue: signature, definition, and *traits*, facts that tools read instead of tables of names.

    A trait that is not set says nothing: tools then treat the kind as if the trait did not hold.

    Attributes:
        kind: The name of the kind, unique in the catalogue.
        meaning: The exact definition, from which an independent reader can implement the operator.
        inputs: The names of the operands in order. ``*name`` stands for any number, ``name?`` may be absent.
        attributes: The typed attributes, in order.
        roles: The tensors of a layer of this kind.
        outputs: The names of the outputs; ``*name`` stands for any number.
        family: The heading under which the kind is documented.
        random: The operator draws random numbers: two uses with equal operands differ.
        discontinuous: A change of an operand by rounding can change the output by more: the operator sorts, selects,
            compares or rounds.
        elementwise: Each element of the output depends only on the elements at its position of the operands, which
            broadcast as in NumPy; the output has their broadcast shape.
        layout_only: Each element of the outputs is an element of the first operand or a constant: elements are
            moved, dropped, repeated or padded, and none is computed.
        dtype_only: The outputs have the operands' shapes and values in another dtype.
        commutative: Exchanging the two operands does not change the output.
        associative: Nested uses with equal attributes can be regrouped, up to rounding.
        shape_operands: The index of the first of the trailing operands of which only the shapes matter, not the
            values. None: the values of all operands matter.
        inference_identity: Outside of training the output is the first operand, unless the attribute ``always`` is set.
        keeps_shape: The first output has the shape of the first operand, whatever the attributes.
        relation: A function that returns the problem of a combination of attributes, each of which is valid, or None.
        output_rule: The number of outputs, computed from the attributes and the number of operands, for kinds that have
            a ``*name`` among their outputs.
        operand_rank: The rank of the first operand, for kinds that take no other: a number or a function of the
            attributes. None: any rank, or unknown.
        rank_rule: The ranks of the outputs, see :func:`neutral.operators.ranks.output_ranks`. None: unknown.
        dtype_rule: The dtype of the first output, see :func:`neutral.operators.dtypes.output_dtype`. None: unknown.

    Example:
        >>> Operator(
        ...     "square_difference",
        ...     "output = (input - other)^2.",
        ...     inputs=("input", "other"),
        ...     elementwise=True,
        ...     commutative=True,
        ...     rank_rule="broadcast",
        ... ).arity_problem(3)
        'square_difference takes the inputs input, other and it has 3'
    """

    kind: str
    meaning: str
    inputs: tuple[str, ...] = ("input",)
    attributes: tuple[Attribute, ...] = ()
    roles: tuple[Role, ...] = ()
    outputs: tuple[str, ...] = ("output",)
    family: str = ""
    random: bool = False
    discontinuous: bool = False
    elementwise: bool = False
    layout_only: bool = False
    dtype_only: bool = False
    commutative: bool = False
    associative: bool = False
    shape_operands: int | None = None
    inference_identity: bool = False
    keeps_shape: bool = False
    relation: Callable[[Mapping[str, Any]], str | None] | None = None
    output_rule: Callable[[Mapping[str, Any], int], int] | None = None
    operand_rank: RankRule = None
    rank_rule: RankRule = None
    dtype_rule: str | None = None

    @property
    def has_weights(self) -> bool:
        """True for kinds whose layers have tensors."""
        return bool(self.roles)

    @property
    def has_matrix_weights(self) -> bool:
        """True for kinds with a required tensor of two or more axes, such as linear, and not for normalizations."""
        return any(role.required and role.is_matrix for role in self.roles)

    def is_inference_identity(self, attributes: Mapping[str, Any]) -> bool:
        """Return whether a node with these attributes returns its first operand unchanged outside of training.

        Args:
            attributes: The node's attributes.

        Returns:
            True if the node can be left out of a network that is not trained.
        """
        return self.inference_identity and not attributes.get("always", False)

    def role(self, name: str) -> Role | None:
        """Return the role of a tensor called ``name``, or None if the kind has no such role.

        Args:
            name: The name of a tensor within its layer, such as ``weight_ih_l0``.

        Returns:
            The declaration of the role.
        """
        return next((role for role in self.roles if role.matches(name)), None)

    def problems(self, attributes: Mapping[str, Any], complete: bool = True) -> Iterator[str]:
        """Check the names, types and values of the attributes of a layer or node.

        Args:
            attributes: Values by name.
            complete: Whether a missing attribute is a problem.

        Yields:
            One line for each problem.

        Example:
            >>> from neutral.operators import catalogue
            >>> list(catalogue["softmax"].problems({"axis": "last"}))
            ["softmax: axis='last' is not of type int"]
        """
        known = {attribute.name: attribute for attribute in self.attributes}
        for name in attributes:
            if name not in known:
                yield f"{self.kind} has no attribute {name!r}"
        for name, attribute in known.items():
            if name in attributes:
                problem = attribute.type_problem(attributes[name])
                if problem is not None:
                    yield f"{self.kind}: {problem}"
            elif complete:
                yield f"{self.kind} needs attribute {name!r}"
        yield from self.value_problems(attributes)

    def value_problems(self, attributes: Mapping[str, Any]) -> Iterator[str]:
        """Check the values of those attributes that are of the right type: choices, ranges, lengths, grammars, relations.

        Args:
            attributes: Values by name.

        Yields:
            One line for each problem.

        Example:
            >>> from neutral.operators import catalogue
            >>> list(catalogue["split"].value_problems({"axis": 1, "parts": 0}))
            ['split: parts=0 is less than 1']
        """
        valid = True
        for attribute in self.attributes:
            if attribute.name in attributes and attribute.type_problem(attributes[attribute.name]) is None:
                value = attributes[attribute.name]
                problem = attribute.value_problem(value) or _length_problem(attribute, attributes)
                if problem is not None:
                    valid = False
                    yield f"{self.kind}: {problem}"
            else:
                valid = False
        problem = self.relation(attributes) if valid and self.relation is not None else None
        if problem is not None:
            yield f"{self.kind}: {problem}"

    def arity_problem(self, count: int) -> str | None:
        """Return why a node of this kind cannot have ``count`` operands, absent ones included, or None if it can.

        Args:
            count: The number of operands.

        Returns:
            The problem in one line.
        """
        starred = any(name.startswith("*") for name in self.inputs)
        needed = [name for name in self.inputs if not name.startswith("*") and not name.endswith("?")]
        if count < len(needed) or (not starred and count > len(self.inputs)):
            return f"{self.kind} takes the inputs {', '.join(self.inputs) or 'none'} and it has {count}"
        return None

    def output_count(self, attributes: Mapping[str, Any], operands: int) -> int | None:
        """Return the number of outputs of a node; None for an opaque one, whose outputs are unknown.

        Args:
            attributes: The node's attributes, which have no :meth:`problems`.
            operands: The number of operands, absent ones included.

        Returns:
            The number of outputs, used or not.

        Example:
            >>> from neutral.operators import catalogue
            >>> catalogue["split"].output_count({"axis": 1, "parts": 3}, operands=1)
            3
        """
        if self.kind == "opaque":
            return None
        return len(self.outputs) if self.output_rule is None else self.output_rule(attributes, operands)


def _length_problem(attribute: Attribute, attributes: Mapping[str, Any]) -> str | None:
    value, other = attributes[attribute.name], attributes.get(attribute.same_length_as or "")
    if isinstance(value, tuple) and isinstance(other, tuple) and len(value) != len(other):
        return f"{attribute.name} has {len(value)} items and {attribute.same_length_as} has {len(other)}"
    return None
