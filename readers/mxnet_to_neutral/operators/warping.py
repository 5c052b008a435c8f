"""Images taken at other places: src/operator/grid_generator-inl.h, bilinear_sampler.cc, spatial_transformer.cc,
correlation.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("GridGenerator")
def grid_generator(op: Op) -> Operand:
    if op.attributes.str("transform_type", choices=("affine", "warp")) == "affine":
        return op.node("affine_grid", op.input(0), size=_target(op))
    op.attributes.ignore("target_shape")
    return op.node("flow_grid", op.input(0))


@rule("BilinearSampler")
def bilinear_sampler(op: Op) -> Operand:
    return op.node("grid_sample", op.input(0), op.input(1))


@rule("SpatialTransformer")
def spatial_transformer(op: Op) -> Operand:
    op.attributes.str("transform_type", choices=("affine",))
    op.attributes.str("sampler_type", choices=("bilinear",))
    return op.node("grid_sample", op.input(0), op.node("affine_grid", op.input(1), size=_target(op)))


def _target(op: Op) -> tuple[int, ...]:
    size = op.attributes.ints("target_shape", (0, 0), minimum=0)
    if len(size) != 2 or 0 in size:
        op.refuse(f"target_shape {size}, which MXNet refuses itself")
    if 1 in size:
        op.refuse(f"target_shape {size}: MXNet divides 0 by 0 where the target has one row or column")
    return size


@rule("Correlation")
def correlation(op: Op) -> Operand:
    kernel = op.attributes.int("kernel_size", 1, minimum=1)
    if kernel % 2 == 0:
        op.refuse(f"kernel_size {kernel} is even, which MXNet refuses itself")
    return op.node(
        "correlation",
        op.input(0),
        op.input(1),
        kernel_size=kernel,
        max_displacement=op.attributes.int("max_displacement", 1, minimum=0),
        stride=op.attributes.int("stride1", 1, minimum=1),
        displacement_stride=op.attributes.int("stride2", 1, minimum=1),
        padding=op.attributes.int("pad_size", 0, minimum=0),
        comparison="product" if op.attributes.bool("is_multiply", True) else "absolute_difference",
    )
