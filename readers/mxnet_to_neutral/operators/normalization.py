"""Rules for normalization.

MXNet's sources: src/operator/nn/batch_norm.cc, layer_norm.cc, group_norm.cc, lrn.cc, instance_norm.cc,
l2_normalization.cc.
"""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.drafts import RoleDraft
from mxnet_to_neutral.layers.canonical import Recipe, ones, repeat
from mxnet_to_neutral.operators.registry import rule
from mxnet_to_neutral.symbol import Attributes
from neutral.graph import Operand, Value


@rule("BatchNorm", "BatchNorm_v1", "CuDNNBatchNorm", "_contrib_SyncBatchNorm")
def batch_norm(context: NodeContext) -> Sequence[Operand]:
    """Convert ``BatchNorm``. With ``fix_gamma``, MXNet's default, the scale is 1 whatever the array holds.

    Returns:
        The normalized tensor; with ``output_mean_var`` also the mean and the inverse standard deviation.

    Raises:
        Refusal: The statistics are inverse standard deviations, as an early cuDNN version stored them, or
            ``BatchNorm_v1`` returns them.
    """
    return _batch_norm(context)


@rule("_contrib_BatchNormWithReLU")
def batch_norm_with_relu(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_contrib_BatchNormWithReLU``: batch normalization followed by ReLU.

    Returns:
        The result; with ``output_mean_var`` also the mean and the inverse standard deviation.
    """
    first, *rest = _batch_norm(context)
    return [context.node("relu", first), *rest]


def _batch_norm(context: NodeContext) -> list[Operand]:
    if context.has(4) and context.producer(4).name.endswith("moving_inv_var"):
        context.refuse("its statistics are inverse deviations of an old cuDNN, whose exact meaning is not known")
    fixed = context.attributes.bool("fix_gamma", True)
    outputs = 3 if context.attributes.bool("output_mean_var", False) else 1
    if outputs == 3 and context.operator == "BatchNorm_v1":
        context.refuse("output_mean_var of BatchNorm_v1, whose third output is the variance and no inverse deviation")
    if outputs == 3 and context.operator == "_contrib_SyncBatchNorm":
        context.refuse("output_mean_var of _contrib_SyncBatchNorm, of which MXNet writes no statistics at inference")
    context.attributes.ignore("ndev", "key", "min_calib_range", "max_calib_range")
    eps = context.attributes.float("eps", 1e-3)
    if eps < 0:
        context.refuse(f"eps {eps} is negative")
    value = context.node(
        "batch_norm",
        context.input(0),
        roles=_batch_norm_roles(context, fixed),
        eps=eps,
        momentum=context.attributes.float("momentum", 0.9),
        axis=context.attributes.int("axis", 1),
        scale=not fixed,
        use_global_stats=context.attributes.bool("use_global_stats", False),
    )
    return [Value(value.node, output) for output in range(outputs)]


def _batch_norm_roles(context: NodeContext, fixed: bool) -> dict[str, RoleDraft]:
    """Return the tensor roles of a batch normalization."""
    gamma = context.array(1)
    shape = (None,) if gamma is None or len(gamma.shape) != 1 else gamma.shape
    names = ("weight", "bias", "running_mean", "running_var")
    roles = {name: context.role(index, shape=shape) for index, name in enumerate(names, 1)}
    if fixed and gamma is not None:
        roles["weight"] = ones(gamma)
    elif fixed and isinstance(roles["weight"], Value):
        roles["weight"] = context.node("full_like", roles["weight"], value=1.0)
    return roles


def _affine(context: NodeContext, shape: Sequence[int | None] = (None,)) -> dict[str, RoleDraft]:
    """Return the roles of scale and shift, inputs 1 and 2."""
    return {"weight": context.role(1, shape=shape), "bias": context.role(2, shape=shape)}


@rule("LayerNorm")
def layer_norm(context: NodeContext) -> Sequence[Operand]:
    """Convert ``LayerNorm``.

    Returns:
        The normalized tensor; with ``output_mean_var`` also mean and standard deviation.
    """
    outputs = 3 if context.attributes.bool("output_mean_var", False) else 1
    value = context.node(
        "layer_norm",
        context.input(0),
        roles=_affine(context),
        axis=context.attributes.int("axis", -1),
        eps=context.attributes.float("eps", 1e-5),
    )
    return [Value(value.node, output) for output in range(outputs)]


@rule("InstanceNorm")
def instance_norm(context: NodeContext) -> Operand:
    """Convert ``InstanceNorm``."""
    eps = context.attributes.float("eps", 1e-3)
    if not _has_one_spatial_element(context):
        return context.node("instance_norm", context.input(0), roles=_affine(context), eps=eps)
    flat = context.node("reshape", context.input(0), shape=(0, 0, -1), from_end=False)  # torch refuses the full rank
    normalized = context.node("instance_norm", flat, roles=_affine(context), eps=eps)
    return context.node("reshape_like", normalized, context.input(0), start=0, end=None, like_start=0, like_end=None)


def _has_one_spatial_element(context: NodeContext) -> bool:
    """Return whether an input with at least two spatial axes is known to have one element on all of them."""
    shape, producer = context.shape(0), context.producer(0)
    if producer.operator == "Pooling" and Attributes(producer, context.name).bool("global_pool", False):
        return True
    return shape is not None and len(shape) > 3 and set(shape[2:]) == {1}


@rule("GroupNorm")
def group_norm(context: NodeContext) -> Sequence[Operand]:
    """Convert ``GroupNorm``.

    MXNet 1 stores gamma and beta per group, MXNet 2 per channel; the catalogue has them per channel.

    Returns:
        The normalized tensor; with ``output_mean_var`` also mean and standard deviation.

    Raises:
        Refusal: The channels do not make so many groups.
    """
    groups = context.attributes.int("num_groups", 1)
    outputs = 3 if context.attributes.bool("output_mean_var", False) else 1
    eps = context.attributes.float("eps", 1e-5)
    roles = _affine(context)
    if isinstance(roles["weight"], Value) and context.version < (2, 0, 0):
        return _normalized_groups(context, groups, eps, outputs)
    if context.channels(0) == groups and _has_one_spatial_element(context):
        return _normalized_groups(context, groups, eps, outputs)
    for role, index in (("weight", 1), ("bias", 2)):
        array, channels = context.array(index), context.channels(0)
        if array is not None and array.shape == (groups,):
            if channels is None and context.version < (2, 0, 0):
                return _normalized_groups(context, groups, eps, outputs)
            if channels is not None and channels != groups:
                roles[role] = repeat(array, channels // groups)
        elif isinstance(roles[role], Recipe) and array is not None and array.shape[0] % groups:
            context.refuse(f"{array.shape[0]} channels do not make {groups} groups")
    value = context.node("group_norm", context.input(0), roles=roles, groups=groups, eps=eps)
    return [Value(value.node, output) for output in range(outputs)]


def _normalized_groups(context: NodeContext, groups: int, eps: float, outputs: int) -> list[Operand]:
    """Normalize groups of an unknown number of channels: as the channels of an instance normalization.

    Gamma and beta are per group, so that the result is exact whatever the number of channels is.
    """
    grouped = context.node("reshape", context.input(0), shape=(0, groups, -1), from_end=False)
    normalized = context.node("instance_norm", grouped, roles=_affine(context), eps=eps)
    results: list[Operand] = [
        context.node("reshape_like", normalized, context.input(0), start=0, end=None, like_start=0, like_end=None)
    ]
    if outputs > 1:
        mean = _mean_of_group(context, grouped)
        centered = context.node("subtract", grouped, context.node("unsqueeze", mean, axis=2))
        variance = _mean_of_group(context, context.node("square", centered))
        results += [mean, context.node("sqrt", context.node("add", variance, eps))]
    return results


def _mean_of_group(context: NodeContext, grouped: Operand) -> Value:
    return context.node("mean", grouped, axes=(2,), exclude=False, keepdim=False, at_least_1d=False)


_NORM_AXES = {"instance": "sample", "channel": "channel", "spatial": "spatial"}


@rule("L2Normalization")
def l2_normalization(context: NodeContext) -> Operand:
    """Convert ``L2Normalization``: divide by the L2 norm of a sample, of the channels, or of the positions."""
    mode = context.attributes.str("mode", "instance", tuple(_NORM_AXES))
    return context.node(
        "l2_normalize", context.input(0), eps=context.attributes.float("eps", 1e-10), over=_NORM_AXES[mode]
    )


@rule("LRN")
def local_response_norm(context: NodeContext) -> Operand:
    """Convert ``LRN``: local response normalization across channels.

    Raises:
        Refusal: ``nsize`` is even.
    """
    size = context.attributes.int("nsize")
    if size % 2 == 0:
        context.refuse(f"nsize {size}, which MXNet refuses itself: it is to be odd")
    return context.node(
        "local_response_norm",
        context.input(0),
        size=size,
        alpha=context.attributes.float("alpha", 1e-4),
        beta=context.attributes.float("beta", 0.75),
        k=context.attributes.float("knorm", 2.0),
    )
