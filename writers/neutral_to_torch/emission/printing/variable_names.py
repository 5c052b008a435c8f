"""Names of the variables and arguments of a ``forward``."""

from __future__ import annotations

import re
from typing import Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.identifiers import identifier
from neutral_to_torch.emission.expression.terms import Conditional
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.labels import KIND_WORDS
from neutral_to_torch.emission.structure.naming import GLOBALS, tokens
from neutral_to_torch.emission.structure.tree import Tree

ARGUMENT_NAMES = frozenset(("input",))
"""Names of builtins that arguments may have, as in torch itself; emitted code never calls them."""

_NOUNS = {
    "add": "total", "subtract": "difference", "multiply": "scaled", "divide": "quotient", "concatenate": "joined",
    "slice": "part", "greater": "mask", "less": "mask", "greater_equal": "mask", "less_equal": "mask",
    "equal": "mask", "not_equal": "mask", "full_like": "filled", "where": "selected", "reshape": "reshaped",
    "transpose": "transposed", "unsqueeze": "expanded", "broadcast_axes": "expanded", "power": "power",
    "softmax": "probs", "flatten": "flattened", "embedding": "embedded",
}  # fmt: skip
"""Names for the results of operators that the source names by the operator only, or by a name that Python takes."""

_OPERATOR_WORDS = frozenset((
    "plus", "minus", "mul", "div", "add", "sub", "mulscalar", "divscalar", "plusscalar", "minusscalar",
    "rminusscalar", "rdivscalar", "powerscalar", "scalar", "axis", "axes", "like", "concat", "equal", "greater",
    "broadcast", "expand_dims", "dims", "reshape", "transpose", "power", "ones", "zeros", "elemwise", "where",
    "softmax", "lesser",
))  # fmt: skip
"""Last words of names that sources give to operators by themselves."""


def variable_name(statement: Statement, tree: Tree, parts: Sequence[str]) -> str:
    """Return a name for the result of a statement.

    Args:
        statement: The statement, as it uses the class's attributes.
        tree: The class's attributes.
        parts: The tokens of the statement's name in the source.

    Returns:
        The submodule's name that computes it, ``shortcut`` for a value that goes around a block, else a word of the
        source or a noun for the operator.
    """
    term = statement.term.otherwise if isinstance(statement.term, Conditional) else statement.term
    own = applied(term)
    if own is not None:
        name = re.sub(r"s?\[[0-9]+\]$", "", tree.names[own.declaration])
        if name.startswith("downsample"):
            return "shortcut"
        name = name.lower() if len(name) <= HEURISTICS.longest_variable else last_word(tokens(name))
        return _NOUNS.get(statement.kind, f"{name}_") if name in GLOBALS else name
    word = last_word(parts)
    if word in GLOBALS:
        return _NOUNS.get(statement.kind, f"{word}_")
    return _NOUNS.get(statement.kind, word) if word in _OPERATOR_WORDS else word


def argument_names(inputs: Sequence[Value], nouns: Mapping[Value, str]) -> list[str]:
    """Return the names of a block's arguments: ``x``, then a noun, a word of the source or ``y``.

    Args:
        inputs: The values that the arguments hold.
        nouns: Names of values after their use.

    Returns:
        A name for each input; they may repeat.
    """
    names = ["x"]
    for value in inputs[1:]:
        word = nouns.get(value) or last_word(tokens(value.node))
        plain = word in _OPERATOR_WORDS or word in KIND_WORDS or word == "value"
        names.append(("y" if "y" not in names else "z") if plain else word)
    return names[: len(inputs)]


def last_word(parts: Sequence[str]) -> str:
    """Return the last token, or as many as begin with a letter, without its number.

    Args:
        parts: The tokens of a name.

    Returns:
        An identifier; ``value`` where no token has a letter.
    """
    for count in range(1, len(parts) + 1):
        name = identifier("_".join(parts[-count:])).lower().rstrip("0123456789").rstrip("_")
        if name and name[0].isalpha():
            return identifier(name)
    return "value"
