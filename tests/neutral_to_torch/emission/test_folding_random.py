"""Folding random networks of repeated, nested and slightly different parts changes no number."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from checks import check_style, torch
from graphs import GraphBuilder
from neutral.graph import Value
from neutral_to_torch.emission.build import load
from neutral_to_torch.emission.compose import compose

STEPS = ("conv", "conv", "bn", "relu", "tanh", "skip", "join", "gate", "shared", "twice")


@st.composite
def parts(draw: st.DrawFn) -> list[tuple[str, int]]:
    return draw(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3)), min_size=2, max_size=7))


def apply(g: GraphBuilder, x: Value, steps: list[tuple[str, int]], width: int, omit: int | None) -> Value:
    """A part of the network; step number ``omit`` is left out."""
    earlier = [x]
    for number, (step, choice) in enumerate(steps):
        other = earlier[choice % len(earlier)]
        if number == omit:
            continue
        if step == "conv":
            x = g.conv(x, width, 1)
        elif step == "bn":
            x = g.bn(x)
        elif step in ("relu", "tanh"):
            x = g.node(step, x)
        elif step == "skip" and g.channels[other] == g.channels[x]:
            x = g.add(x, other)
        elif step == "join":
            x = g.conv(g.concat(x, other), width, 1)
        elif step == "gate" and g.channels[other] == g.channels[x]:
            x = g.node("multiply", x, g.node("sigmoid", other))
        elif step == "shared" and g.channels[x] == 4:
            attributes = {
                "out_channels": 4, "kernel_size": (1, 1), "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1),
                "groups": 1, "layout": "channels_first",
            }  # fmt: skip
            if "common" not in g.layers:
                g.layer("common", "convolution", {"weight": g.values(4, 4, 1, 1, scale=0.5)}, attributes)
            x = g.node("convolution", x, layer="common", **attributes)
        elif step == "twice":
            x = g.add(g.node("multiply", x, 0.5 + choice), 1.0)
        earlier.append(x)
    return x


@settings(max_examples=60, deadline=None)
@given(
    blocks=st.lists(parts(), min_size=1, max_size=3),
    plan=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([4, 6]), st.one_of(st.none(), st.integers(0, 6))),
        min_size=2,
        max_size=8,
    ),
    taps=st.lists(st.integers(0, 7), max_size=2),
)
def test_random_networks(blocks: list[Any], plan: list[Any], taps: list[int]) -> None:
    g = GraphBuilder()
    x = g.conv(g.input("data", (None, 3, 4, 4)), 4, 1)
    values = [x]
    for which, width, omit in plan:
        x = apply(g, x, blocks[which % len(blocks)], width, omit)
        values.append(x)
    store = g.store(x, *(values[tap % len(values)] for tap in taps))
    folded, flat = compose(store), compose(store, folded=False)
    check_style(folded.source, rules=False)
    image = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = load(folded, store, None, None)(image), load(flat, store, None, None)(image)
    one, other = (result if isinstance(result, tuple) else (result,) for result in (one, other))
    for a, b in zip(one, other):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
