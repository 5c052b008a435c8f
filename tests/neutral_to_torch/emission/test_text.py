"""Expressions as text: Python reads what was meant, and ruff finds nothing to change."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checks import check_style
from neutral_to_torch.emission.expression.identifiers import identifier
from neutral_to_torch.emission.expression.layout import WIDTH, layout
from neutral_to_torch.emission.expression.literals import constant
from neutral_to_torch.emission.expression.symbols import F, Symbol, operation, term_of, torch
from neutral_to_torch.emission.expression.terms import (
    Call,
    Conditional,
    Index,
    ListOrTuple,
    Literal,
    Member,
    Name,
    Operation,
    Slice,
    Term,
)
from neutral_to_torch.emission.expression.text import text

BINARY = ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<", "<=", "==", "<<"]


def named(name: str) -> Any:
    return Symbol(Name(name))


a, b, c = named("a"), named("b"), named("c")


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        (a + b * c, "a + b * c"),
        ((a + b) * c, "(a + b) * c"),
        (a - (b - c), "a - (b - c)"),
        (a - b - c, "a - b - c"),
        (-(a**2), "-(a**2)"),
        ((-a) ** 2, "(-a) ** 2"),
        (a**2 + b.shape[0] ** 2, "a**2 + b.shape[0] ** 2"),
        (2.0 - a, "2.0 - a"),
        (a * -1.0, "a * -1.0"),
        (operation("==", a, operation("==", b, c)), "a == (b == c)"),
        (a[:, 1:], "a[:, 1:]"),
        (a[..., : b.shape[1]], "a[..., : b.shape[1]]"),
        (a[b + 1 :, ::2], "a[b + 1 :, ::2]"),
        (torch.cat([a, b], dim=1), "torch.cat([a, b], dim=1)"),
        (F.relu(a + b).flatten(1), "F.relu(a + b).flatten(1)"),
        ((a + b).sum((2, 3)), "(a + b).sum((2, 3))"),
        (a.to(torch.float32), "a.to(torch.float32)"),
        (~a & b, "~a & b"),
    ],
)
def test_parentheses_stand_where_they_are_needed(symbol: Any, expected: str) -> None:
    assert text(term_of(symbol)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e-5, "1e-5"),
        (2.5e16, "2.5e16"),
        (0.1, "0.1"),
        (float("inf"), 'float("inf")'),
        (float("-inf"), '-float("inf")'),
        (float("nan"), 'float("nan")'),
        ((1,), "(1,)"),
        ((1, 2), "(1, 2)"),
        ("mean", '"mean"'),
        ("a\nb", '"a\\nb"'),
        (True, "True"),
        (None, "None"),
    ],
)
def test_constants(value: Any, expected: str) -> None:
    assert constant(value) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv1", "conv1"),
        ("stage1/conv 1", "stage1_conv_1"),
        ("1x1", "_1x1"),
        ("class", "class_"),
        ("__x__", "x"),
        ("größe", "gr_e"),
        ("", "value"),
        ("-", "value"),
    ],
)
def test_identifiers(name: str, expected: str) -> None:
    assert identifier(name) == expected


leaves = st.one_of(
    st.sampled_from([Name("a"), Name("b"), Name("torch.pi")]),
    st.integers(-5, 5).map(Literal),
    st.sampled_from([0.5, -1e-7, 1e20, True]).map(Literal),
)


def larger(terms: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    return st.one_of(
        st.tuples(st.sampled_from(BINARY), terms, terms).map(lambda t: Operation(t[0], (t[1], t[2]))),
        st.tuples(st.sampled_from(["-", "~", "not"]), terms).map(lambda t: Operation(t[0], (t[1],))),
        terms.map(lambda t: Member(t, "shape")),
        st.tuples(terms, terms).map(lambda t: Call(Name("f"), (t[0],), (("key", t[1]),))),
        st.tuples(terms, terms, terms).map(lambda t: Index(t[0], (Slice(t[1], Literal(None), t[2]), t[1]))),
        st.tuples(terms, terms, terms).map(lambda t: Conditional(*t)),
    )


def bracketed(term: Term) -> str:
    """The same expression with every part in parentheses."""
    if isinstance(term, Operation) and len(term.operands) == 1:
        return f"({term.symbol} {bracketed(term.operands[0])})"
    if isinstance(term, Operation):
        return f"({bracketed(term.operands[0])} {term.symbol} {bracketed(term.operands[1])})"
    if isinstance(term, Member):
        return f"({bracketed(term.base)}).{term.name}"
    if isinstance(term, Call):
        return f"f({bracketed(term.args[0])}, key={bracketed(term.kwargs[0][1])})"
    if isinstance(term, Index):
        part = term.items[0]
        assert isinstance(part, Slice)
        return f"({bracketed(term.base)})[{bracketed(part.start)}::{bracketed(part.step)}, {bracketed(term.items[1])}]"
    if isinstance(term, Conditional):
        return f"({bracketed(term.chosen)} if {bracketed(term.test)} else {bracketed(term.otherwise)})"
    return f"({term.value!r})" if isinstance(term, Literal) else text(term)


@settings(max_examples=300, deadline=None)
@given(st.recursive(leaves, larger, max_leaves=12))
def test_python_reads_what_was_meant(term: Term) -> None:
    assert ast.dump(ast.parse(text(term), mode="eval")) == ast.dump(ast.parse(bracketed(term), mode="eval"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.recursive(leaves, larger, max_leaves=6), min_size=1, max_size=5))
@example([Operation("**", (Member(Literal(0), "shape"), Name("a")))])
def test_what_can_be_laid_out_is_as_ruff_has_it(terms: list[Term]) -> None:
    lines = []
    for term in terms:
        call = Call(Name("function_with_a_long_name"), (Name("an_argument"),), (("options", term), ("more", term)))
        laid_out = layout(call, 0, "result = ")
        if laid_out is not None:
            assert all(len(line) <= WIDTH for line in laid_out)
            lines += laid_out
    check_style("\n".join([*lines, ""]), rules=False)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9])
def test_long_statements_are_as_ruff_has_them(count: int) -> None:
    words = [Name(f"a_rather_long_name_{k}") for k in range(count)]
    total: Term = words[0]
    for word in words[1:]:
        total = Operation("+", (total, word))
    choice = Conditional(Name("flag"), Call(Name("nn.Thing"), tuple(words)), Call(Name("nn.Identity")))
    items = ListOrTuple(tuple(words)), ListOrTuple(tuple(words), "()"), Call(Name("f"), (ListOrTuple(tuple(words)),))
    sums = [Operation("+", (Name("a"), Call(Name("f"), tuple(words))))]
    sums += [Operation("+", (total, Call(Name("f"), tuple(words[:1]))))]
    for term in (total, choice, *items, *sums):
        for before in ("result = ", "self.attribute_of_the_module = "):
            lines = layout(term, 1, before)
            assert lines is not None
            check_style("\n".join(["if x:", *lines, ""]), rules=False)
