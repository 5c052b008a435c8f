"""Normalisations."""

from __future__ import annotations

from neutral.tensor import Tensor
from neutral_to_torch.emission.expression.symbols import F, Symbol, helper, nn, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, Unsupported
from neutral_to_torch.emission.lowering.rules import rule

BATCHES = {"num_batches_tracked": Tensor("I64", (), lambda: (bytes(8),))}
"""The entry of a batch norm's state dict that counts training steps."""

STATISTICS = ("running_mean", "running_var")


@rule("batch_norm")
def batch_norm(node: NodeView, x: Symbol) -> Result:
    rank, axis = node.rank(), node["axis"]
    if axis < 0 and rank is not None:
        axis += rank
    if not all(node.stored(role) for role in ("weight", "bias", "running_mean", "running_var")):
        return _computed_batch_norm(node, x, axis)
    features = node.shape("weight")[0]
    options = {"eps": node["eps"], "momentum": round(1 - node["momentum"], 12)}
    if node["use_global_stats"]:
        norm = helper.GlobalBatchNorm(features, **options)
    elif axis == 1 and rank in (2, 3, 4, 5):
        norm = getattr(nn, f"BatchNorm{max(1, rank - 2)}d")(features, **options)
    else:
        norm = helper.BatchNorm(features, **options)
    if not node["scale"]:
        norm = helper.fixed_scale(norm)
    layer = node.module(norm, constants=BATCHES)
    output = layer(x) if axis == 1 else layer(x.movedim(axis, 1)).movedim(1, axis)
    if any(node.used[1:]):
        return output, helper.batch_mean(layer, x, axis), helper.batch_inverse_deviation(layer, x, axis)
    return output


def _computed_batch_norm(node: NodeView, x: Symbol, axis: int) -> Result:
    weight, bias = node.tensor("weight"), node.tensor("bias")
    if node.stored("weight") and not node["scale"]:
        weight = weight.detach()
    moved = x if axis == 1 else x.movedim(axis, 1)
    if node["use_global_stats"] or not all(map(node.stored, STATISTICS)):
        mean, variance = map(node.tensor, STATISTICS)
        output = F.batch_norm(moved, mean, variance, weight, bias, eps=node["eps"])
        statistics = (mean, torch.rsqrt(variance + node["eps"]))
    else:
        options = {"eps": node["eps"], "momentum": round(1 - node["momentum"], 12), "affine": False}
        norm = helper.ConditionalBatchNorm(node.shape("running_mean")[0], **options)
        layer = node.module(norm, constants=BATCHES, roles=STATISTICS)
        output = layer(moved, weight, bias)
        statistics = (helper.batch_mean(layer, x, axis), helper.batch_inverse_deviation(layer, x, axis))
    output = output if axis == 1 else output.movedim(1, axis)
    return (output, *statistics) if any(node.used[1:]) else output


@rule("layer_norm")
def layer_norm(node: NodeView, x: Symbol) -> Result:
    rank, axis = node.rank(), node["axis"]
    last = axis == -1 or (rank is not None and axis == rank - 1)
    if node.stored("weight") and node.stored("bias"):
        layer = node.module(nn.LayerNorm(node.shape("weight")[0], eps=node["eps"]))
        output = layer(x) if last else layer(x.movedim(axis, -1)).movedim(-1, axis)
    else:
        moved = x if last else x.movedim(axis, -1)
        weight, bias = node.tensor("weight"), node.tensor("bias")
        output = F.layer_norm(moved, moved.shape[-1:], weight, bias, eps=node["eps"])
        output = output if last else output.movedim(-1, axis)
    if not any(node.used[1:]):
        return output
    variance = x.var(axis, unbiased=False, keepdim=True)
    return output, x.mean(axis, keepdim=True), (variance + node["eps"]).sqrt()


@rule("instance_norm")
def instance_norm(node: NodeView, x: Symbol) -> Symbol:
    if not (node.stored("weight") and node.stored("bias")):
        weight, bias = node.tensor("weight"), node.tensor("bias")
        # torch.nn.functional's own refuses a single spatial element
        return torch.instance_norm(x, weight, bias, None, None, True, 0.0, node["eps"], True)
    rank, channels = node.rank(), node.shape("weight")[0]
    name = f"InstanceNorm{rank - 2}d" if rank in (4, 5) else None  # which refuse a single spatial element
    constructor = getattr(nn, name) if name else helper.InstanceNorm
    return node.module(constructor(channels, eps=node["eps"], affine=True))(x)


@rule("group_norm")
def group_norm(node: NodeView, x: Symbol) -> Result:
    groups, eps = node["groups"], node["eps"]
    if node.stored("weight") and node.stored("bias"):
        if node.shape("weight")[0] % groups:
            raise Unsupported(f"groups={groups}, which do not divide the {node.shape('weight')[0]} channels")
        output = node.module(nn.GroupNorm(groups, node.shape("weight")[0], eps=eps))(x)
    else:
        output = F.group_norm(x, groups, node.tensor("weight"), node.tensor("bias"), eps)
    if not any(node.used[1:]):
        return output
    grouped = x.unflatten(1, (groups, -1)).flatten(2)
    deviation = (grouped.var(-1, unbiased=False) + eps).sqrt()
    return output, grouped.mean(-1), deviation


@rule("l2_normalize")
def l2_normalize(node: NodeView, x: Symbol) -> Symbol:
    if node["over"] == "channel":
        return helper.l2_normalize(x, [1], node["eps"])
    first = 1 if node["over"] == "sample" else 2
    rank = node.rank()
    if rank is None or rank <= first:
        return helper.l2_normalize_from(x, first, node["eps"])
    return helper.l2_normalize(x, list(range(first, rank)), node["eps"])


@rule("local_response_norm")
def local_response_norm(node: NodeView, x: Symbol) -> Symbol:
    options = {name: node[name] for name in ("alpha", "beta", "k")}
    return node.module(nn.LocalResponseNorm(node["size"], **options))(x)
