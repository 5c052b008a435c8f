"""Variables of the states of loops."""

from __future__ import annotations

from checks import torch
from graphs import GraphBuilder
from neutral.graph import Graph, Input, Node, Value
from neutral_to_torch.emission.build import build


def test_an_initial_state_that_is_a_constant_too() -> None:
    """Each step uses the constant as it was before the loop."""
    g = GraphBuilder()
    added = Node("sum", "add", (Value("item"), Value("constant")), {})
    scaled = Node("next", "multiply", (Value("sum"), Value("state")), {})
    body = Graph((Input("item"), Input("state"), Input("constant")), (added, scaled), (Value("next"), Value("next")))
    first = g.node("tanh", g.input("start", (None, 4)))
    loop = g.node("foreach", g.input("data", (None, 2, 4)), first, first, sequences=1, states=1, body=body)
    data, start = torch.linspace(0, 1, 24).reshape(3, 2, 4), torch.ones(2, 4)
    expected = start.tanh()
    for item in data:
        expected = (item + start.tanh()) * expected
    with torch.no_grad():
        torch.testing.assert_close(build(g.store(Value(loop.node, 1)))(data=data, start=start), expected)
