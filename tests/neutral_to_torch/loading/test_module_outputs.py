"""Outputs that one side alone has, that are at other places, and that agree though their operators are others."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any, Callable, cast

import pytest
import torch
from torch import nn

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.store import Store
from neutral_to_torch import load_into, make_plan

EXAMPLES = [torch.randn(1, 4), None]


def stored(with_softmax: bool) -> Store:
    g = GraphBuilder()
    x = g.relu(g.linear(g.input(shape=(None, 4)), 4, features=4, name="trunk"))
    y = g.linear(x, 3, features=4, name="head")
    return cast(Store, g.store(y, g.node("softmax", y, axis=-1)) if with_softmax else g.store(y))


class Net(nn.Module):
    def __init__(self, end: Callable[[torch.Tensor, torch.Tensor], Any]) -> None:
        super().__init__()
        self.trunk, self.head, self.end = nn.Linear(4, 4), nn.Linear(4, 3), end

    def forward(self, data: torch.Tensor) -> Any:
        x = self.trunk(data).relu()
        return self.end(x, self.head(x))


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize(
    ("with_softmax", "end", "reason"),
    [
        (True, lambda x, y: y, "does not return stored output 1"),
        (True, lambda x, y: y.softmax(-1), "the module's output 0 is stored output 1"),
        (False, lambda x, y: (x, y), "the module's output 1 is stored output 0"),
        (False, lambda x, y: (-y, y), "the module's output 1 is stored output 0"),
    ],
)
def test_outputs_that_are_lacking_or_at_other_places_leave_a_plan_unproven(
    with_softmax: bool, end: Any, reason: str, example: Any
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = load_into(Net(end), stored(with_softmax), example=example)
    assert reason in str(plan.grade) and not plan.grade.is_proven
    plan = load_into(Net(end), stored(with_softmax), example=example, allow_output_order=True)
    assert plan.grade.is_proven and any(reason in note for note in plan.notes)


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize(
    ("with_softmax", "end"),
    [
        (True, lambda x, y: (y, y.softmax(-1))),
        (True, lambda x, y: [y, y.softmax(-1), x]),
        (False, lambda x, y: OrderedDict(features=x, logits=y)),
        (False, lambda x, y: (None, y)),
    ],
)
def test_outputs_in_their_places_are_proven(with_softmax: bool, end: Any, example: Any) -> None:
    assert load_into(Net(end), stored(with_softmax), example=example, require_proof=True).grade.is_proven


def faces(levels: int = 2) -> Store:
    """Return a detector with boxes, scores and landmarks of several levels, and a head that is for training."""
    g = GraphBuilder(seed=3)
    x = g.relu(g.conv(g.input(shape=(None, 3, 16, 16)), 8, bias=True, name="stem"))
    parts: dict[str, list[Any]] = {"box": [], "score": [], "mark": []}
    for level in range(levels):
        x = g.relu(g.conv(x, 8, stride=2, bias=True, name=f"level{level}"))
        for name, size in (("box", 4), ("score", 2), ("mark", 4)):
            y = g.node("transpose", g.conv(x, size, 1, bias=True, name=f"{name}{level}"), axes=(0, 2, 3, 1))
            y = g.node("reshape", y, shape=(0, -1, size), from_end=False)
            parts[name].append(g.node("softmax", y, axis=-1) if name == "score" else y)
    joined = [g.node("concatenate", *items, axis=1) for items in parts.values()]
    return cast(Store, g.store(*joined))


def _probabilities(y: torch.Tensor) -> torch.Tensor:
    return y.exp() / y.exp().sum(-1, keepdim=True)


class Faces(nn.Module):
    """The detector as its author wrote it: the probabilities by hand, after all levels were joined."""

    def __init__(
        self,
        order: tuple[str, ...] = ("box", "score", "mark"),
        score: Callable[[torch.Tensor], torch.Tensor] = _probabilities,
    ) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(8, 8, 3, 2, 1) for _ in range(2))
        sizes = {"mark": 4, "score": 2, "box": 4}
        self.heads = nn.ModuleList(nn.ModuleDict({k[0]: nn.Conv2d(8, v, 1) for k, v in sizes.items()}) for _ in "ab")
        self.order, self.score = order, score

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.a(images).relu()
        recorded: dict[str, list[torch.Tensor]] = {"box": [], "score": [], "mark": []}
        for down, heads in zip(self.down, self.heads):
            x = down(x).relu()
            for name, items in recorded.items():
                y = heads[name[0]](x).permute(0, 2, 3, 1).contiguous()
                items.append(y.view(len(y), -1, 2 if name == "score" else 4))
        result = {name: torch.cat(items, 1) for name, items in recorded.items()}
        result["score"] = self.score(result["score"])
        return tuple(result[name] for name in self.order)


@pytest.mark.parametrize("example", [torch.randn(1, 3, 16, 16), None])
def test_an_output_whose_operators_are_others_is_no_head_for_training(example: Any) -> None:
    """Its boxes agree with the store's at the strictest level, its scores at looser ones only."""
    plan = make_plan(Faces(), faces(), example=example, require_proof=True)
    assert not plan.notes
    pairs = {pair.layer: pair.module for pair in plan.pairs}
    assert pairs["box0"] == "heads.0.b" and pairs["mark1"] == "heads.1.m" and pairs["score1"] == "heads.1.s"


@pytest.mark.parametrize("example", [torch.randn(1, 3, 16, 16), None])
def test_exchanged_outputs_of_a_detector_are_refused_unless_allowed(example: Any) -> None:
    with pytest.raises(MatchError):
        make_plan(Faces(("score", "box", "mark")), faces(), example=example)
    plan = make_plan(Faces(("score", "box", "mark")), faces(), example=example, allow_output_order=True)
    assert plan.grade.is_proven and any("outputs in another order" in note for note in plan.notes)


@pytest.mark.parametrize(
    "score", [lambda y: y, lambda y: y.sigmoid(), lambda y: y.softmax(1), lambda y: -y.softmax(-1)]
)
def test_other_scores_of_a_detector_are_refused(score: Any) -> None:
    with pytest.raises(MatchError):
        make_plan(Faces(score=score), faces(), example=torch.randn(1, 3, 16, 16))
