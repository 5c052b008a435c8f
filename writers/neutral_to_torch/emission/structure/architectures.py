"""Recognize blocks of known architectures by positive structural evidence.

A block gets the name of an architecture only where every instance has its defining features; see :func:`recognize`.
"""

from __future__ import annotations

from typing import Callable, Sequence

from neutral_to_torch.emission.structure.block_facts import (
    GATES,
    GLOBAL_POOLS,
    POOLS,
    PRODUCTS,
    BlockFacts,
    Convolution,
)


def recognize(facts: BlockFacts) -> str | None:
    """Return the architecture's name of a block, or None where its structure has no such name.

    Evidence for each name:

    ====================  =========================================================================================
    ``Attention``         a softmax between two matrix products, added to the input
    ``BasicBlock``        two convolutions larger than 1x1, not grouped, and a residual
    ``Bottleneck``        1x1 to no more channels than go out, a larger convolution, 1x1; and a residual
    ``DenseLayer``        convolutions whose output is concatenated with the input
    ``DepthwiseSeparable``  a depthwise convolution and a 1x1 one
    ``FeedForward``       two linear maps with an activation between them, and a residual
    ``Fire``              1x1, then 1x1 and 3x3 in parallel, concatenated
    ``Inception``         three or more separate branches of different kernels or pooling, concatenated
    ``InvertedResidual``  1x1 to no fewer channels, a depthwise convolution, 1x1
    ``SplitAttention``    a product with a softmax of globally pooled features
    ``SqueezeExcite``     the input times a sigmoid gate of its globally pooled channels
    ====================  =========================================================================================

    Args:
        facts: The convolutions, merges and residuals of the block.
    """
    return _BY_MERGE.get(facts.merge_kind, _nothing)(facts)


def _nothing(facts: BlockFacts) -> str | None:
    return None


def _sequence(facts: BlockFacts) -> str | None:
    if facts.merge is not None:
        return None
    if facts.kinds == ["Attention", "FeedForward"]:
        return "TransformerLayer"
    convolutions = facts.convolutions
    if len(convolutions) == 2 and convolutions[0].is_depthwise and convolutions[1].is_pointwise:
        return "DepthwiseSeparable"
    return "InvertedResidual" if is_inverted(convolutions) else None


def _sum(facts: BlockFacts) -> str | None:
    residual = facts.residual()
    if residual is None:
        return None
    kinds = facts.kinds
    if attends(kinds):
        return "Attention"
    main = facts.convolutions_of(residual[0])
    if is_inverted(main):
        return "InvertedResidual"
    if len(main) == 3 and _is_bottleneck(*main):
        return "Bottleneck"
    if len(main) == 2 and all(_is_plain(c) for c in main):
        return "BasicBlock"
    if not facts.convolutions and kinds.count("linear") == 2:
        return "FeedForward"
    return None


def attends(kinds: Sequence[str]) -> bool:
    """Return whether operators compute attention: a softmax of one product, times values.

    Args:
        kinds: The kinds of a block's nodes.

    Returns:
        True also for fused attention operators.
    """
    products = sum(kind in PRODUCTS or kind.endswith(("attention_scores", "attention_values")) for kind in kinds)
    return any("dot_product_attention" in kind for kind in kinds) or (
        products > 1 and any("softmax" in kind for kind in kinds)
    )


def _product(facts: BlockFacts) -> str | None:
    kinds = facts.kinds
    pooled = any(kind in GLOBAL_POOLS for kind in kinds)
    weighted = sum(kind in ("convolution", "linear") for kind in kinds)
    if not pooled or not weighted:
        return None
    if "softmax" in kinds:
        return "SplitAttention"
    return "SqueezeExcite" if facts.is_direct and any(kind in GATES for kind in kinds) else None


def _concatenation(facts: BlockFacts) -> str | None:
    if facts.is_direct:
        return "DenseLayer" if len(facts.branches) == 2 and facts.convolutions else None
    shared = facts.convolutions_of(facts.shared())
    branches = [facts.convolutions_of([s for s in b if s not in facts.shared()]) for b in facts.branches]
    if len(shared) == 1 and shared[0].is_pointwise and is_fire(branches):
        return "Fire"
    if (
        len(branches) < 3
        or shared
        or facts.feeds_itself
        or any((c.dilation or 1) > 1 for branch in branches for c in branch)
    ):
        return None
    kernels = {c.kernel for branch in branches for c in branch}
    pooled = any(kind in POOLS for kind in facts.kinds)
    return "Inception" if len(kernels) + pooled > 1 else None


_BY_MERGE: dict[str, Callable[[BlockFacts], str | None]] = {
    "": _sequence,
    "add": _sum,
    "multiply": _product,
    "concatenate": _concatenation,
}


def is_inverted(convolutions: list[Convolution]) -> bool:
    """Return whether convolutions expand, act on each channel by itself, and project.

    Args:
        convolutions: Convolutions in execution order.

    Returns:
        True for an inverted residual's three convolutions.
    """
    if (
        len(convolutions) != 3
        or not convolutions[0].is_pointwise
        or not convolutions[1].is_depthwise
        or not convolutions[2].is_pointwise
    ):
        return False
    return _at_most(convolutions[0].in_channels, convolutions[0].out_channels)


def is_fire(branches: list[list[Convolution]]) -> bool:
    """Return whether branches are one 1x1 and one 3x3 convolution.

    Args:
        branches: The convolutions of each parallel branch.

    Returns:
        True for the expansion of a Fire module.
    """
    return sorted(branch[0].kernel or () for branch in branches if len(branch) == 1) == [(1, 1), (3, 3)]


def _is_bottleneck(reduce: Convolution, middle: Convolution, expand: Convolution) -> bool:
    pointwise = reduce.is_pointwise and expand.is_pointwise and not middle.is_pointwise and not middle.is_depthwise
    return pointwise and _at_most(reduce.out_channels, expand.out_channels)


def _is_plain(convolution: Convolution) -> bool:
    return not convolution.is_pointwise and convolution.groups == 1


def _at_most(one: int | None, other: int | None) -> bool:
    return one is None or other is None or one <= other
