"""Elementwise functions that torch does not have."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.fx.wrap
def remainder(x: Tensor | float, y: Tensor) -> Tensor:
    """Return the remainder with the sign of ``y``; 0 where ``y`` is 0.

    Args:
        x: The dividend.
        y: The divisor, which broadcasts with it.

    Returns:
        The remainder, in the dtype of ``y``.
    """
    zero = y == 0
    divisor = torch.where(zero, 1, y)
    if isinstance(x, Tensor):
        return torch.where(zero, 0, x % divisor)
    dividend = torch.full_like(y, x, dtype=y.dtype if y.is_floating_point() else torch.float64)
    return torch.where(zero, 0, dividend % divisor).to(y.dtype)


def floor_divide(x: Tensor | float, y: Tensor) -> Tensor:
    """Return the quotient rounded down; of integers, 0 where ``y`` is 0.

    Args:
        x: The dividend.
        y: The divisor, which broadcasts with it.

    Returns:
        The quotient, in the common dtype.
    """
    if torch.result_type(x, y).is_floating_point:
        return x // y
    zero = y == 0
    quotient = x // torch.where(zero, 1, y)
    return torch.where(zero, 0, quotient).to(quotient.dtype)


@torch.fx.wrap
def remainder_of_trunc(x: Tensor | float, y: Tensor) -> Tensor:
    """Return the remainder with the sign of ``x``; 0 where ``y`` is 0.

    Args:
        x: The dividend.
        y: The divisor, which broadcasts with it.

    Returns:
        The remainder, in the dtype of ``y``.
    """
    zero = y == 0
    divisor = torch.where(zero, 1, y)
    if isinstance(x, Tensor):
        return torch.where(zero, 0, torch.fmod(x, divisor)).to(y.dtype)
    dividend = torch.full_like(y, x, dtype=y.dtype if y.is_floating_point() else torch.float64)
    return torch.where(zero, 0, torch.fmod(dividend, divisor)).to(y.dtype)


def round_half_away_from_zero(x: Tensor) -> Tensor:
    """Round to the nearest integer, halves away from zero.

    Args:
        x: A floating-point tensor.

    Returns:
        A tensor of the same shape and dtype.
    """
    whole = x.trunc()
    return torch.where((x - whole).abs() >= 0.5, whole + x.sign(), whole)


def round_half_down(x: Tensor) -> Tensor:
    """Round to the nearest integer, halves down.

    Args:
        x: A floating-point tensor.

    Returns:
        A tensor of the same shape and dtype.
    """
    low, high = x.floor(), x.ceil()
    return torch.where(x - low <= high - x, low, high)


def cube_root(x: Tensor) -> Tensor:
    """Return the cube root, negative where ``x`` is.

    Args:
        x: A floating-point tensor.

    Returns:
        A tensor of the same shape and dtype.
    """
    return x.sign() * x.abs().pow(1 / 3)


def gamma(x: Tensor) -> Tensor:
    """Return the gamma function; NaN at the negative integers.

    Args:
        x: A floating-point tensor.

    Returns:
        A tensor of the same shape and dtype, computed in double precision.
    """
    x64 = x.to(torch.float64)
    low = x64.floor()
    sign = torch.where((x64 < 0) & (low % 2 != 0), -1.0, 1.0)
    value = sign * torch.lgamma(x64).exp()
    return torch.where((x64 < 0) & (x64 == low), float("nan"), value).to(x.dtype)


@torch.fx.wrap
def clamp(x: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """Clamp to bounds; ignore those that the dtype cannot hold.

    Args:
        x: A tensor.
        min: The lower bound; None for none.
        max: The upper bound; None for none.

    Returns:
        A tensor of the same shape and dtype.
    """
    info = torch.finfo(x.dtype) if x.is_floating_point() else torch.iinfo(x.dtype)
    low = None if min is None or min < info.min else min
    high = None if max is None or max > info.max else max
    return x if low is None and high is None else x.clamp(low, high)


def cast_to_common(*tensors: Tensor, narrowest: bool = False) -> list[Tensor]:
    """Cast float32, float16 and bfloat16 tensors to the widest, or narrowest, dtype among them.

    Args:
        tensors: Tensors; those of other dtypes stay as they are.
        narrowest: Whether the narrowest dtype is taken.

    Returns:
        The tensors, in order.
    """
    order = [torch.float32, torch.bfloat16, torch.float16]
    present = [dtype for dtype in order if any(x.dtype == dtype for x in tensors)]
    dtype = present[-1 if narrowest else 0] if present else None
    return [x.to(dtype) if x.dtype in order else x for x in tensors]


@torch.fx.wrap
def choose(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Choose ``x`` where the condition is not 0, else ``y``; a 1-D condition chooses whole rows.

    Args:
        condition: A tensor of the shape of ``x``, or 1-D with an element for each row.
        x: The elements where the condition holds.
        y: The other elements.

    Returns:
        A tensor of the shape of ``x``.
    """
    if condition.dim() == 1:
        condition = condition.reshape([-1] + [1] * (x.dim() - 1))
    return torch.where(condition != 0, x, y)


def polynomial(coefficients: Tensor, x: Tensor) -> Tensor:
    """Evaluate a polynomial by Horner's rule.

    Args:
        coefficients: The coefficients (n,), of the highest power first.
        x: A tensor of any shape.

    Returns:
        A tensor of the shape of ``x``.
    """
    result = torch.zeros_like(x)
    for coefficient in coefficients.unbind():
        result = result * x + coefficient
    return result


@torch.fx.wrap
def require_floating_point(x: Tensor, name: str) -> Tensor:
    """Return a floating-point input; refuse integers, which would be computed in another way.

    Args:
        x: The input.
        name: Its name in the store.

    Returns:
        The input itself.

    Raises:
        TypeError: It holds integers.
    """
    if not x.is_floating_point():
        raise TypeError(
            f"{name}: expected floating point; for integers, export the model with --dtype"
        )
    return x
