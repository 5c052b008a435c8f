"""Distinct elements, and how often elements occur."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol, helper, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, unpack
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.operators.creation import number


@rule("unique")
def unique(node: NodeView, x: Symbol) -> Result:
    options = {} if node["axis"] is None else {"dim": node["axis"]}
    if not any(node.used[1:]):
        return x.unique(**options)
    return unpack(helper.unique(x, **options), (0, 1, 2, 3))


@rule("bincount")
def bincount(node: NodeView, x: Symbol, weights: Symbol | None = None) -> Symbol:
    options = {} if weights is None else {"weights": weights}
    if node["min_length"]:
        options["minlength"] = node["min_length"]
    return torch.bincount(x, **options).to((x if weights is None else weights).dtype)


@rule("histogram")
def histogram(node: NodeView, x: Symbol, edges: Symbol | None = None) -> Result:
    if edges is not None:
        return helper.histogram(x, edges), edges
    bounds = (number(node["low"]), number(node["high"]))
    return unpack(helper.even_histogram(x, node["count"], *bounds), (0, 1))


@rule("interpolate")
def interpolate(node: NodeView, x: Symbol, places: Symbol, values: Symbol) -> Symbol:
    if node["period"] is not None:
        return helper.interpolate_periodically(x, places, values, number(node["period"]))
    ends = {name: number(node[name]) for name in ("left", "right") if node[name] is not None}
    return helper.interpolate(x, places, values, **ends)
