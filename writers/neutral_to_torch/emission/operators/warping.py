"""Images taken at other places."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import F, Symbol, helper
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule


@rule("affine_grid")
def affine_grid(node: NodeView, x: Symbol) -> Symbol:
    return helper.affine_grid(x, node["size"])


@rule("flow_grid")
def flow_grid(node: NodeView, flow: Symbol) -> Symbol:
    return helper.flow_grid(flow)


@rule("grid_sample")
def grid_sample(node: NodeView, x: Symbol, grid: Symbol) -> Symbol:
    return F.grid_sample(x, grid.permute(0, 2, 3, 1), align_corners=True)


@rule("correlation")
def correlation(node: NodeView, x: Symbol, other: Symbol) -> Symbol:
    names = ("kernel_size", "max_displacement", "stride", "displacement_stride", "padding")
    difference = node["comparison"] == "absolute_difference"
    return helper.correlation(x, other, **{name: node[name] for name in names}, difference=difference)
