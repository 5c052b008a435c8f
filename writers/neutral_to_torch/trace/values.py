"""Recorded values of tensors, for tensors that share memory too: views, ``.data``, writes through one of them."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar, Iterator, NamedTuple

import torch
from torch.utils.weak import WeakIdKeyDictionary

from neutral.graph import Value


class Geometry(NamedTuple):
    """The place of a tensor in memory: its storage, and the elements of the storage that it has.

    Attributes:
        storage: A key of the storage.
        offset: The position of the first element.
        shape: The shape.
        strides: The strides in elements.
        dtype: The dtype.
    """

    storage: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Geometry:
        """Return the geometry of a tensor. One without a storage shares no memory.

        Args:
            tensor: Any tensor; its elements are not read.

        Returns:
            The place; that of a tensor without a storage is unique.
        """
        try:
            storage, offset = tensor.untyped_storage()._cdata, int(tensor.storage_offset())
            return cls(storage, offset, tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype)
        except (NotImplementedError, RuntimeError):
            return cls(-id(tensor), 0, tuple(tensor.shape), (), tensor.dtype)

    def positions(self) -> torch.Tensor:
        """Return the position in the storage of each element.

        Returns:
            An int64 tensor of the same shape, in elements from the start of the storage.
        """
        positions = torch.tensor(self.offset)
        for axis, (extent, stride) in enumerate(zip(self.shape, self.strides)):
            steps = torch.arange(extent) * stride
            positions = positions.unsqueeze(-1) + steps.reshape(*(1 for _ in range(axis)), -1)
        return positions


class Write(NamedTuple):
    """A write into memory: the value that was written and its place."""

    value: Value
    place: Geometry


@dataclass(frozen=True)
class Gather:
    """Function that takes elements of a flattened tensor, in the shape of ``indices``."""

    indices: torch.Tensor
    _schema: ClassVar[Any] = SimpleNamespace(is_mutable=False)

    def __call__(self, source: torch.Tensor) -> torch.Tensor:
        return source.reshape(-1)[self.indices]

    def __str__(self) -> str:
        return f"gather {hash(self.indices.numpy().tobytes())}"

    @classmethod
    def between(cls, source: Geometry, target: Geometry) -> Gather | None:
        """Return the function that makes a tensor from one of the same storage, None where that lacks elements.

        Args:
            source: The place of the tensor that is taken from.
            target: The place of the tensor that is made.

        Returns:
            A function of the source's tensor.
        """
        indices = _lookup(source, target)
        return None if indices is None or bool((indices < 0).any()) else cls(indices)


@dataclass(frozen=True)
class Overlay:
    """Function that replaces the elements of a tensor that were written through another one.

    Attributes:
        indices: For each element its position in the flattened tensor that was written; -1 for the others.
    """

    indices: torch.Tensor
    _schema: ClassVar[Any] = SimpleNamespace(is_mutable=False)

    def __call__(self, old: torch.Tensor, written: torch.Tensor) -> torch.Tensor:
        return torch.where(self.indices < 0, old, written.reshape(-1)[self.indices.clamp(min=0)])

    def __str__(self) -> str:
        return f"overlay {hash(self.indices.numpy().tobytes())}"

    @classmethod
    def of(cls, written: Geometry, target: Geometry) -> Overlay | None:
        """Return the function that updates a tensor after a write, None where both do not have one dtype.

        Args:
            written: The place that was written.
            target: The place of the tensor that is updated.

        Returns:
            A function of the tensor before and of the written one.
        """
        indices = _lookup(written, target)
        return None if indices is None else cls(indices)

    @property
    def is_needed(self) -> bool:
        """Whether the write changed any element."""
        return bool((self.indices >= 0).any())


def _lookup(source: Geometry, target: Geometry) -> torch.Tensor | None:
    """Return for each element of ``target`` its index in the flattened ``source``, -1 where it has none."""
    if source.dtype != target.dtype or source.storage < 0 or source.storage != target.storage:
        return None
    places, wanted = source.positions().reshape(-1), target.positions()
    if not places.numel() or not wanted.numel():
        return torch.full(wanted.shape, -1)
    table = torch.full((int(max(places.max(), wanted.max())) + 1,), -1)
    table[places] = torch.arange(places.numel())
    return table[wanted]


class TensorValues:
    """The value of each tensor that is alive, and the writes into its memory since it was bound."""

    def __init__(self) -> None:
        self._bound: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._by_storage: dict[int, list[weakref.ref[torch.Tensor]]] = {}

    def bind(self, tensor: torch.Tensor, value: Value) -> None:
        """Set the value of a tensor; writes before are part of it.

        Args:
            tensor: A tensor of the run.
            value: The value that it holds.
        """
        place = Geometry.of(tensor)
        old = self._bound.get(tensor)
        self._bound[tensor] = (value, place, [])
        if old is None or old[1].storage != place.storage:
            self._by_storage.setdefault(place.storage, []).append(weakref.ref(tensor))

    def get(self, tensor: torch.Tensor) -> tuple[Value, list[Write]] | None:
        """Return the value of a tensor and the writes since; None for an unknown one, or if its memory was replaced.

        Args:
            tensor: A tensor of the run.

        Returns:
            The value when it was bound, and the later writes into its memory, in order.
        """
        entry = self._bound.get(tensor)
        if entry is None or entry[1] != Geometry.of(tensor):
            return None
        return entry[0], entry[2]

    def written(self, tensor: torch.Tensor, value: Value) -> None:
        """Set the value of a tensor that was written; the tensors that share its memory get a note of the write.

        Args:
            tensor: The tensor that was changed in place.
            value: The value that it holds now.
        """
        self.bind(tensor, value)
        write = Write(value, Geometry.of(tensor))
        for other in self.sharing(tensor):
            self._bound[other][2].append(write)

    def sharing(self, tensor: torch.Tensor) -> Iterator[torch.Tensor]:
        """Yield the other known tensors that are in the same memory.

        Args:
            tensor: A tensor of the run.

        Yields:
            A tensor that is still alive.
        """
        storage = Geometry.of(tensor).storage
        references = [reference for reference in self._by_storage.get(storage, ()) if reference() is not None]
        self._by_storage[storage] = references
        for other in [reference() for reference in references]:
            if other is None or other is tensor:
                continue
            entry = self._bound.get(other)
            if entry is not None and entry[1] == Geometry.of(other):
                yield other
