"""Draw inputs on which a module and a store are compared, in the shapes of an example or of the stored graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

import torch
from torch import nn

from neutral.errors import NeutralError
from neutral.graph import Graph, Input
from neutral.store import Store
from neutral.verification.golden import Golden
from neutral.verification.index_limits import index_limits
from neutral_to_torch.emission.compose import Emission
from neutral_to_torch.loading.proof_shapes import possible_shapes, uneven_shapes
from neutral_to_torch.trace.examples import Arguments, given_arguments, golden_arguments
from neutral_to_torch.trace.inputs import bind_arguments, by_name_or_order
from neutral_to_torch.trace.outputs import tensors_in

DRAWS = ((0, 0.1), (1, 400.0), (2, 1.0), (3, 2.0), (4, 5.0), (5, 15.0))
"""The seed and the standard deviation of each draw.

Small numbers show added constants; large ones show bounds, also those beyond the values of images.
"""

FEW_DRAWS = 3
"""The draws of inputs with many numbers, one of which shows what one of few may miss."""

_MANY = 4096
"""Numbers of inputs from which on there are few draws."""

LARGE_DRAW = 1
"""The draw whose every second row is smaller: numbers of some units, where a network that saturates does not yet."""

_SMALLER = 1 / 60

EVEN_DRAW = 2
"""The draw whose numbers are nearly equal along the last axis, so that no least or last number is special there."""


@dataclass(frozen=True)
class Template:
    """Arguments of the module whose tensors are replaced by drawn ones.

    Attributes:
        args: Positional arguments.
        kwargs: Keyword arguments.
        names: The names of the tensors among them, in order.
        from_example: Whether the values are those of an example.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    names: tuple[str, ...]
    from_example: bool

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The tensors among the arguments, in order."""
        return [*tensors_in(self.args), *tensors_in(self.kwargs)]

    def with_tensors(self, values: Sequence[torch.Tensor]) -> Arguments:
        """Return the arguments with other tensors, in order.

        Args:
            values: As many tensors as the arguments hold.

        Returns:
            Positional arguments and keyword arguments.
        """
        remaining = iter(values)
        args = tuple(_substitute(item, remaining) for item in self.args)
        return args, {name: _substitute(item, remaining) for name, item in self.kwargs.items()}


def templates(
    module: nn.Module, store: Store, emission: Emission, example: Any, golden: Golden | None
) -> Iterator[Template]:
    """Yield arguments to try: those of the example, else of the golden file, else in shapes that the graph allows.

    Args:
        module: The module, which is not run.
        store: A store with a graph.
        emission: Its emission.
        example: Arguments of the module, or None.
        golden: A recorded run, or None.

    Yields:
        A template, the likeliest first.
    """
    assert store.graph is not None
    if example is not None:
        yield _template(module, given_arguments(module, example), True)
    elif golden is not None:
        yield _template(module, golden_arguments(module, golden), True)
    else:
        for shapes in possible_shapes(store, emission):
            yield _of_shapes(module, store.graph, shapes)


def uneven_template(module: nn.Module, store: Store) -> Template | None:
    """Return arguments of uneven sizes, where the stored graph leaves sizes free; else None.

    Even sizes do not show how windows are rounded, nor sizes that a module has as constants.

    Args:
        module: The module, which is not run.
        store: A store with a graph.
    """
    assert store.graph is not None
    shapes = uneven_shapes(store)
    return None if shapes is None else _of_shapes(module, store.graph, shapes)


def _of_shapes(module: nn.Module, graph: Graph, shapes: Sequence[tuple[int, ...]]) -> Template:
    named = {item.name: torch.zeros(shape) for item, shape in zip(graph.inputs, shapes)}
    args, kwargs, _ = by_name_or_order(module, named, "the stored graph")
    return _template(module, (args, kwargs), False)


def count_draws(template: Template) -> int:
    """Return the number of draws for some arguments.

    Args:
        template: The arguments.

    Example:
        >>> [count_draws(Template((torch.zeros(1, size),), {}, ("x",), True)) for size in (4, 50_000)]
        [6, 3]
    """
    return FEW_DRAWS if sum(tensor.numel() for tensor in template.tensors) >= _MANY else len(DRAWS)


def draw(
    store: Store, inputs: Sequence[Input], like: Sequence[torch.Tensor], number: int, known: bool
) -> list[torch.Tensor]:
    """Return a drawn tensor for each input of the stored graph, in the shape of the module's.

    Indices of an embedding are drawn from all of its rows; other whole numbers from one to the example's largest.

    Args:
        store: The store.
        inputs: The inputs of its model.
        like: A tensor of the module's shape for each of them.
        number: The draw's place in :data:`DRAWS`.
        known: Whether the values of ``like`` are those of an example.
    """
    seed, scale = DRAWS[number]
    generator = torch.Generator().manual_seed(seed)
    rows = index_limits(store)
    values = []
    for item, tensor in zip(inputs, like):
        shape = tuple(tensor.shape)
        limit = rows.get(item.name) or _whole_limit(item, tensor, known)
        if limit is not None:
            low = 0 if item.name in rows else 1
            drawn = torch.randint(low, max(limit, low + 1), shape, generator=generator).double()
            if number == EVEN_DRAW and shape and item.name in rows:
                drawn[..., 1:] = drawn[..., -1:]
            values.append(drawn)
        else:
            drawn = torch.randn(shape, generator=generator, dtype=torch.float64) * scale
            if number == LARGE_DRAW and shape:
                drawn[1::2] *= _SMALLER
            values.append(drawn[..., -1:] + 0.1 * drawn if number == EVEN_DRAW and shape else drawn)
    return values


def _whole_limit(item: Input, tensor: torch.Tensor, known: bool) -> int | None:
    """Return the end of the range of an input of whole numbers that is not an index, None for other inputs."""
    whole = not tensor.is_floating_point() or (item.dtype or "float32").startswith(("int", "uint"))
    if tensor.dim() <= 1 and known and tensor.numel():
        whole = whole or bool((tensor == tensor.round()).all() and tensor.abs().max() > 1)
    if not whole:
        return None
    return int(tensor.max()) + 1 if known and tensor.numel() else 2


def _template(module: nn.Module, arguments: Arguments, from_example: bool) -> Template:
    args, kwargs = arguments
    try:
        bound = bind_arguments(module, args, kwargs)
    except TypeError as error:
        raise NeutralError(f"forward does not take these arguments: {error}") from None
    named: list[tuple[int, str]] = []
    for name, value in bound.items():
        tensors = list(tensors_in(value))
        single = isinstance(value, torch.Tensor)
        named += [(id(item), name if single else f"{name}.{index}") for index, item in enumerate(tensors)]
    names = dict(named)
    order = [*tensors_in(args), *tensors_in(kwargs)]
    return Template(args, kwargs, tuple(names.get(id(item), "") for item in order), from_example)


def _substitute(value: Any, remaining: Iterator[torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return next(remaining)
    if isinstance(value, Mapping):
        return {name: _substitute(item, remaining) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        items = [_substitute(item, remaining) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value
