"""What an operator kind is: its meaning in one paragraph, its inputs, attributes, tensor roles and outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from neutral.errors import NeutralError


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
    """A kind of the catalogue.

    ``inputs`` are names in order; one that starts with ``*`` takes any number, one that ends with ``?`` may be
    absent. ``outputs`` likewise. ``meaning`` is exact: an independent reader can implement the operator from it.
    """

    kind: str
    meaning: str
    inputs: tuple[str, ...] = ("input",)
    attributes: tuple[Attribute, ...] = ()
    roles: tuple[Role, ...] = ()
    outputs: tuple[str, ...] = ("output",)
    family: str = ""

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

    def add(self, operator: Operator) -> Operator:
        if operator.kind in self._operators:
            raise NeutralError(f"operator kind {operator.kind!r} is registered twice.")
        self._operators[operator.kind] = operator
        return operator

    def __getitem__(self, kind: str) -> Operator:
        if kind not in self._operators:
            from neutral import extensions

            extensions.search()
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


_CHECKS = {
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
