"""Normalisations: src/operator/nn/batch_norm.cc, layer_norm.cc, group_norm.cc, lrn.cc, instance_norm.cc,
l2_normalization.cc."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.channels import channels_of
from mxnet_to_neutral.context import Op, RoleDraft
from mxnet_to_neutral.layers.canonical import Recipe, ones, repeat
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


@rule("BatchNorm", "BatchNorm_v1", "CuDNNBatchNorm", "_contrib_SyncBatchNorm")
def batch_norm(op: Op) -> Sequence[Operand]:
    return _batch_norm(op)


@rule("_contrib_BatchNormWithReLU")
def batch_norm_with_relu(op: Op) -> Sequence[Operand]:
    first, *rest = _batch_norm(op)
    return [op.node("relu", first), *rest]


def _batch_norm(op: Op) -> list[Operand]:
    if op.has(4) and op.producer(4).name.endswith("moving_inv_var"):
        op.refuse("its statistics are inverse deviations of an old cuDNN, whose exact meaning is not known")
    fixed = op.attributes.bool("fix_gamma", True)
    outputs = 3 if op.attributes.bool("output_mean_var", False) else 1
    op.attributes.ignore("ndev", "key", "min_calib_range", "max_calib_range")
    value = op.node(
        "batch_norm",
        op.input(0),
        roles=_batch_norm_roles(op, fixed),
        eps=op.attributes.float("eps", 1e-3),
        momentum=op.attributes.float("momentum", 0.9),
        axis=op.attributes.int("axis", 1),
        scale=not fixed,
        use_global_stats=op.attributes.bool("use_global_stats", False),
    )
    return [Value(value.node, output) for output in range(outputs)]


def _batch_norm_roles(op: Op, fixed: bool) -> dict[str, RoleDraft]:
    gamma = op.array(1)
    shape = (None,) if gamma is None or len(gamma.shape) != 1 else gamma.shape
    names = ("weight", "bias", "running_mean", "running_var")
    roles = {name: op.role(index, shape=shape) for index, name in enumerate(names, 1)}
    if fixed and gamma is not None:
        roles["weight"] = ones(gamma)
    elif fixed and isinstance(roles["weight"], Value):
        roles["weight"] = op.node("full_like", roles["weight"], value=1.0)
    return roles


def _affine(op: Op, shape: Sequence[int | None] = (None,)) -> dict[str, RoleDraft]:
    return {"weight": op.role(1, shape=shape), "bias": op.role(2, shape=shape)}


@rule("LayerNorm")
def layer_norm(op: Op) -> Sequence[Operand]:
    outputs = 3 if op.attributes.bool("output_mean_var", False) else 1
    value = op.node(
        "layer_norm",
        op.input(0),
        roles=_affine(op),
        axis=op.attributes.int("axis", -1),
        eps=op.attributes.float("eps", 1e-5),
    )
    return [Value(value.node, output) for output in range(outputs)]


@rule("InstanceNorm")
def instance_norm(op: Op) -> Operand:
    return op.node("instance_norm", op.input(0), roles=_affine(op), eps=op.attributes.float("eps", 1e-3))


@rule("GroupNorm")
def group_norm(op: Op) -> Sequence[Operand]:
    """MXNet 1.x holds one gamma and beta for a group, 2.x one for a channel."""
    groups = op.attributes.int("num_groups", 1)
    outputs = 3 if op.attributes.bool("output_mean_var", False) else 1
    roles = _affine(op)
    for role, index in (("weight", 1), ("bias", 2)):
        array = op.array(index)
        if array is not None and array.shape == (groups,):
            channels = channels_of(op, 0)
            if channels is None:
                op.refuse("its gamma and beta are per group, and the number of channels is not known from the graph")
            if channels != groups:
                roles[role] = repeat(array, channels // groups)
        elif isinstance(roles[role], Recipe) and array is not None and array.shape[0] % groups:
            op.refuse(f"{array.shape[0]} channels do not make {groups} groups")
    eps = op.attributes.float("eps", 1e-5)
    value = op.node("group_norm", op.input(0), roles=roles, groups=groups, eps=eps)
    return [Value(value.node, output) for output in range(outputs)]


_NORM_AXES = {"instance": "sample", "channel": "channel", "spatial": "spatial"}


@rule("L2Normalization")
def l2_normalization(op: Op) -> Operand:
    mode = op.attributes.str("mode", "instance", tuple(_NORM_AXES))
    return op.node("l2_normalize", op.input(0), eps=op.attributes.float("eps", 1e-10), over=_NORM_AXES[mode])


@rule("LRN")
def local_response_norm(op: Op) -> Operand:
    size = op.attributes.int("nsize", minimum=1)
    if size % 2 == 0:
        op.refuse(f"nsize {size}, which MXNet refuses itself: it is to be odd")
    return op.node(
        "local_response_norm",
        op.input(0),
        size=size,
        alpha=op.attributes.float("alpha", 1e-4),
        beta=op.attributes.float("beta", 0.75),
        k=op.attributes.float("knorm", 2.0),
    )
