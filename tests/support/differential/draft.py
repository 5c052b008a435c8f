"""A call that is being drawn: its attributes, and inputs that belong together."""

from __future__ import annotations

import ast
import random
from typing import Any, Callable, NamedTuple, Sequence

CODES = {"float32": 0, "float64": 1, "float16": 2, "uint8": 3, "int32": 4, "int8": 5, "int64": 6, "bool": 7}
"""MXNet's numbers of dtypes."""


class Input(NamedTuple):
    """An input of a call.

    ``dtype`` None is the call's dtype. ``values`` names how numbers are drawn, with its arguments: see
    ``mxnet_side.values``; without it they are uniform.
    """

    shape: tuple[int, ...]
    values: tuple[Any, ...] = ()
    dtype: str | None = None


class Draft:
    """Draw the attributes and inputs of one call."""

    def __init__(self, draw: random.Random, attributes: dict[str, str], dtype: str, has_optional: bool) -> None:
        """Begin with attributes drawn by their types.

        Args:
            draw: The random numbers.
            attributes: The attributes so far; changed in place.
            dtype: The dtype of the inputs that state none.
            has_optional: Whether attributes that may be left out are given.
        """
        self.random, self.attributes, self.dtype, self.has_optional = draw, attributes, dtype, has_optional

    def one(self, *choices: Any) -> Any:
        """Return one of the choices."""
        return self.random.choice(choices)

    def between(self, low: int, high: int) -> int:
        """Return an integer from ``low`` to ``high``, both included."""
        return self.random.randint(low, high)

    def set(self, **attributes: Any) -> None:
        """Give attributes; None leaves one out."""
        for name, value in attributes.items():
            self.attributes.pop(name, None)
            if value is not None:
                self.attributes[name] = str(value)

    def maybe(self, **choices: Sequence[Any]) -> None:
        """Give each attribute one of its choices in half of the calls, and leave it out in the others."""
        for name, values in choices.items():
            chosen = self.random.choice(list(values))
            self.set(**{name: chosen if self.has_optional and self.random.random() < 0.5 else None})

    def flag(self, name: str, default: bool = False) -> bool:
        """Return the value of a boolean attribute."""
        return self.attributes.get(name, str(default)) == "True"

    def tuple(self, name: str, *default: int) -> tuple[int, ...]:
        """Return the value of a tuple of integers, the default where it is left out."""
        text = self.attributes.get(name)
        return default if text is None else tuple(ast.literal_eval(text))

    def shape(self, *ranks: int) -> tuple[int, ...]:
        """Return a small shape of one of the ranks."""
        return tuple(self.random.choice((1, 2, 3, 4, 5)) for _ in range(self.random.choice(ranks)))

    def broadcast(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return a shape that broadcasts to this one."""
        reduced = tuple(1 if self.random.random() < 0.4 else extent for extent in shape)
        return self.random.choice((tuple(shape), tuple(shape), reduced, reduced[self.random.randint(0, len(shape)) :]))

    def axis(self, rank: int) -> int:
        """Return an axis of a tensor, counted from either end."""
        return self.random.randrange(-rank, rank)


Constraint = Callable[[Draft], "Sequence[Input] | None"]
"""Change a draft's attributes and return its inputs; None leaves the inputs to be drawn as for any operator."""
