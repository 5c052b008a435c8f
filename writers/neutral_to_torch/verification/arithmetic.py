"""The arithmetic of modules: how many products an element sums, and in which precision."""

from __future__ import annotations

from torch import nn

from neutral.verification.rounding import SINGLE, UNITS, Rounding
from neutral_to_torch.adapters import adapter_of
from neutral_to_torch.adapters.state import own_tensors
from neutral_to_torch.loading.tensors import code_of


def products_of(module: nn.Module) -> int:
    """Return the number of products that an element of a module's output sums; in recurrent layers, for each step.

    Args:
        module: A module with tensors of its own.

    Returns:
        1 for a module whose weight has one dimension or none.

    Example:
        >>> products_of(nn.Conv2d(8, 4, 3)), products_of(nn.Linear(5, 2)), products_of(nn.BatchNorm2d(8))
        (72, 5, 1)
    """
    if isinstance(module, nn.Embedding):
        return 1
    matrices = [tensor for tensor in own_tensors(module).values() if tensor.dim() > 1 and len(tensor)]
    return max(1, sum(tensor.numel() // len(tensor) for tensor in matrices))


def unit_of(module: nn.Module) -> float:
    """Return the largest unit roundoff of a module's floating tensors.

    Args:
        module: A module.

    Returns:
        That of float32 for a module without floating tensors.

    Example:
        >>> unit_of(nn.Linear(2, 2)) == 2.0**-24, unit_of(nn.Linear(2, 2).half()) == 2.0**-11
        (True, True)
    """
    tensors = (*module.parameters(), *module.buffers())
    return max((UNITS.get(code_of(t.dtype), SINGLE) for t in tensors if t.is_floating_point()), default=SINGLE)


def rounding_of(module: nn.Module) -> Rounding:
    """Return the arithmetic of a whole module, each layer once.

    Args:
        module: A module.

    Returns:
        The layers that have tensors, and the products that they sum.

    Example:
        >>> rounding_of(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 4)))
        Rounding(depth=2, products=5, unit=5.960464477539063e-08, measured=None)
    """
    layers = [child for child in module.modules() if adapter_of(child) is not None]
    return Rounding(max(1, len(layers)), max(1, sum(map(products_of, layers))), unit_of(module))
