"""What an operator kind is: its meaning in one paragraph, its inputs, attributes, tensor roles and outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping

from neutral.errors import NeutralError
from neutral.operators.ranks import RankRule


@dataclass(frozen=True)
class Attribute:
    """A typed attribute. It is always written out; ``optional`` allows None, which ``doc`` then explains.

    ``type`` is one of int, float, bool, str, ints, floats (tuples), optional_ints (a tuple that may hold None),
    graph (a :class:`neutral.graph.Graph`) and json (any JSON value).
    """

    name: str
    type: str
    doc: str
    choices: tuple[str, ...] = ()
    optional: bool = False

    def problem(self, value: Any) -> str | None:
        """Why ``value`` is not of this attribute's type, or None where it is."""
        if value is None and self.optional:
            return None
        if not _CHECKS[self.type](value):
            return f"{self.name}={value!r} is not of type {self.type}"
        if self.choices and value not in self.choices:
            return f"{self.name}={value!r} is not one of {', '.join(self.choices)}"
        return None


@dataclass(frozen=True)
class Role:
    """A tensor of a layer. ``{k}`` in the name stands for a number: ``weight_ih_l{k}``.

    ``buffer`` marks statistics, which are not trained.
    """

    name: str
    shape: str
    doc: str
    required: bool = True
    buffer: bool = False

    def matches(self, name: str) -> bool:
        return re.fullmatch(re.escape(self.name).replace(r"\{k\}", r"\d+"), name) is not None


@dataclass(frozen=True)
class Operator:
    """A kind of the catalogue: its signature, its meaning, and *traits*, facts that tools read instead of tables of names.

    A trait that is not set says nothing: a tool must then take the general case.

    Attributes:
        kind: The name of the kind, unique in the catalogue.
        meaning: The exact definition: an independent reader can implement the operator from it.
        inputs: The names of the operands in order. ``*name`` stands for any number, ``name?`` may be absent.
        attributes: The typed attributes, in order.
        roles: The tensors of a layer of this kind.
        outputs: The names of the outputs; ``*name`` stands for any number.
        family: The heading under which the kind is documented.
        random: It draws random numbers: two uses with equal operands differ.
        elementwise: Each element of the output depends on no other elements than those at its position of the
            operands, which broadcast as in NumPy; so the output has the operands' broadcast shape.
        layout_only: Each element of the outputs is an element of the first operand or a constant: elements are
            moved, left out, repeated or padded, none is computed.
        dtype_only: The outputs have the operands' shapes and values in another dtype.
        commutative: Exchanging the two operands does not change the output.
        associative: Nested uses with equal attributes can be regrouped, up to rounding.
        shape_operands: From this operand on, counted from 0, only the operands' shapes matter, not their values. None:
            the values of all operands matter.
        inference_identity: Outside of training the output is the first operand, unless the attribute ``always`` is set.
        keeps_shape: The first output has the shape of the first operand, whatever the attributes.
        rank_rule: The ranks of the outputs, see :func:`neutral.operators.ranks.output_ranks`. None: unknown.
        dtype_rule: The dtype of the first output, see :func:`neutral.operators.dtypes.output_dtype`. None: unknown.
    """

    kind: str
    meaning: str
    inputs: tuple[str, ...] = ("input",)
    attributes: tuple[Attribute, ...] = ()
    roles: tuple[Role, ...] = ()
    outputs: tuple[str, ...] = ("output",)
    family: str = ""
    random: bool = False
    elementwise: bool = False
    layout_only: bool = False
    dtype_only: bool = False
    commutative: bool = False
    associative: bool = False
    shape_operands: int | None = None
    inference_identity: bool = False
    keeps_shape: bool = False
    rank_rule: RankRule = None
    dtype_rule: str | None = None

    @property
    def has_weights(self) -> bool:
        """True for kinds whose layers have tensors."""
        return bool(self.roles)

    @property
    def has_matrix_weights(self) -> bool:
        """True for kinds with a required weight of two or more axes, such as linear, and not for normalizations."""
        return any(role.required and "," in role.shape.rstrip(",)") and " or " not in role.shape for role in self.roles)

    def is_inference_identity(self, attributes: Mapping[str, Any]) -> bool:
        """Return whether a node with these attributes passes its first operand on unchanged outside of training."""
        return self.inference_identity and not attributes.get("always", False)

    def role(self, name: str) -> Role | None:
        return next((role for role in self.roles if role.matches(name)), None)

    def problems(self, attributes: Mapping[str, Any], complete: bool = True) -> Iterator[str]:
        """What is wrong with a layer's or node's attributes; not ``complete`` allows missing ones."""
        known = {attribute.name: attribute for attribute in self.attributes}
        for name in attributes:
            if name not in known:
                yield f"{self.kind} has no attribute {name!r}"
        for name, attribute in known.items():
            if name in attributes:
                problem = attribute.problem(attributes[name])
                if problem:
                    yield f"{self.kind}: {problem}"
            elif complete:
                yield f"{self.kind} needs attribute {name!r}"


class UnknownOperator(NeutralError):
    """A kind that the catalogue does not hold."""


class Catalogue:
    """The operator kinds by name; registering one twice is an error."""

    def __init__(self) -> None:
        self._operators: dict[str, Operator] = {}
        self._on_missing: Callable[[], None] | None = None

    def add(self, operator: Operator) -> Operator:
        if operator.kind in self._operators:
            raise NeutralError(f"operator kind {operator.kind!r} is registered twice.")
        self._operators[operator.kind] = operator
        return operator

    def on_missing(self, callback: Callable[[], None]) -> None:
        """Set the function that is called when a kind is looked up that is not registered; it may add kinds."""
        self._on_missing = callback

    def get(self, kind: str) -> Operator | None:
        """Return the entry of a kind that is registered already, or None; the callback for missing kinds is not called."""
        return self._operators.get(kind)

    def __getitem__(self, kind: str) -> Operator:
        if kind not in self._operators and self._on_missing is not None:
            self._on_missing()
        try:
            return self._operators[kind]
        except KeyError:
            raise UnknownOperator(
                f"operator kind {kind!r} is not in the catalogue. The store is of a newer version, or a plug-in is missing."
            ) from None

    def __contains__(self, kind: object) -> bool:
        return kind in self._operators

    def __iter__(self) -> Iterator[Operator]:
        return iter(self._operators.values())

    def __len__(self) -> int:
        return len(self._operators)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_int(value)


def _is_graph(value: Any) -> bool:
    from neutral.graph import Graph

    return isinstance(value, Graph)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "int": _is_int,
    "float": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "ints": lambda value: isinstance(value, tuple) and all(map(_is_int, value)),
    "floats": lambda value: isinstance(value, tuple) and all(map(_is_number, value)),
    "optional_ints": lambda value: isinstance(value, tuple) and all(v is None or _is_int(v) for v in value),
    "graph": _is_graph,
    "json": lambda value: True,
}
