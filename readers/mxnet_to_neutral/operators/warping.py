"""Rules for sampling images at computed positions.

MXNet's sources: src/operator/grid_generator-inl.h, bilinear_sampler.cc, spatial_transformer.cc, correlation.cc.
"""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("GridGenerator")
def grid_generator(context: NodeContext) -> Operand:
    """Convert ``GridGenerator``: a sampling grid from affine matrices or from optical flow.

    Raises:
        Refusal: An extent of the target is 0 or 1.
    """
    if context.attributes.str("transform_type", choices=("affine", "warp")) == "affine":
        return context.node("affine_grid", context.input(0), size=_target(context))
    context.attributes.ignore("target_shape")
    return context.node("flow_grid", context.input(0))


@rule("BilinearSampler")
def bilinear_sampler(context: NodeContext) -> Operand:
    """Convert ``BilinearSampler``: bilinear sampling at a grid."""
    return context.node("grid_sample", context.input(0), context.input(1))


@rule("SpatialTransformer")
def spatial_transformer(context: NodeContext) -> Operand:
    """Convert ``SpatialTransformer``: bilinear sampling at an affine grid.

    Raises:
        Refusal: An extent of the target is 0 or 1.
    """
    context.attributes.str("transform_type", choices=("affine",))
    context.attributes.str("sampler_type", choices=("bilinear",))
    return context.node(
        "grid_sample", context.input(0), context.node("affine_grid", context.input(1), size=_target(context))
    )


def _target(context: NodeContext) -> tuple[int, ...]:
    """Return the extents of the sampling grid."""
    size = context.attributes.ints("target_shape", (0, 0))
    if len(size) != 2 or 0 in size:
        context.refuse(f"target_shape {size}, which MXNet refuses itself")
    if 1 in size:
        context.refuse(f"target_shape {size}: MXNet divides 0 by 0 where the target has one row or column")
    return size


@rule("Correlation")
def correlation(context: NodeContext) -> Operand:
    """Convert ``Correlation``: the correlation of patches of two feature maps.

    Raises:
        Refusal: The kernel's size is even.
    """
    kernel = context.attributes.int("kernel_size", 1)
    if kernel % 2 == 0:
        context.refuse(f"kernel_size {kernel} is even, which MXNet refuses itself")
    return context.node(
        "correlation",
        context.input(0),
        context.input(1),
        kernel_size=kernel,
        max_displacement=context.attributes.int("max_displacement", 1),
        stride=context.attributes.int("stride1", 1),
        displacement_stride=context.attributes.int("stride2", 1),
        padding=context.attributes.int("pad_size", 0),
        comparison="product" if context.attributes.bool("is_multiply", True) else "absolute_difference",
    )
