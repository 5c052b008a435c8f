"""Look up the values of tensors while a module runs; add nodes for those that are not known."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neutral.graph import Node, Value
from neutral_to_torch.adapters.state import state_of
from neutral_to_torch.trace.record import Draft, make_call
from neutral_to_torch.trace.values import Gather, Geometry, Overlay, TensorValues, Write


class ValueLookup:
    """The values of all tensors of a run, and the record's draft, to which nodes are added.

    Args:
        module: The module that runs.

    Attributes:
        draft: The draft.
        path: The paths of the modules that are running, the innermost last.
        names: How often each name has been used.
    """

    def __init__(self, module: nn.Module) -> None:
        self.draft = Draft()
        self.path: list[str] = []
        self.names: dict[str, int] = {}
        self._tensors = state_of(module)
        self._parameters = {id(tensor): name for name, tensor in reversed(self._tensors.items())}
        self._places = {name: Geometry.of(tensor) for name, tensor in self._tensors.items()}
        self._by_storage: dict[int, list[torch.Tensor]] = {}
        for name, tensor in self._tensors.items():
            self._by_storage.setdefault(self._places[name].storage, []).append(tensor)
        self._values = TensorValues()

    def written(self, tensor: torch.Tensor, value: Value) -> None:
        """Set the value of a tensor that was written, which changes the tensors in its memory.

        Args:
            tensor: The tensor that was changed in place.
            value: The value that it holds now.
        """
        self._values.written(tensor, value)

    def bind(self, tensor: torch.Tensor, value: Value) -> None:
        """Record the value that a tensor holds, with its shape and dtype.

        Args:
            tensor: A tensor of the run.
            value: The value of the graph.
        """
        self._values.bind(tensor, value)
        self.draft.shapes[value] = tuple(tensor.shape)
        self.draft.dtypes[value] = tensor.dtype

    def value(self, tensor: torch.Tensor) -> Value:
        """Return the value of a tensor: of an unknown one, a part of the tensor that shares its memory, or a constant.

        Args:
            tensor: A tensor of the run.

        Returns:
            The value of the graph that it holds.
        """
        known = self._values.get(tensor)
        if known is not None:
            value, writes = known
            for write in writes:
                value = self._after_write(tensor, value, write)
            if writes:
                self.bind(tensor, value)
            return value
        name = self._parameters.get(id(tensor))
        node = Node(f"parameter {name}", "parameter", (), {}, layer=name)
        is_first_use = Value(node.name) not in self.draft.shapes
        if name is not None and is_first_use and Geometry.of(tensor) == self._places[name]:
            self.draft.nodes.append(node)
            self.bind(tensor, Value(node.name))
            return Value(node.name)
        return self._value_in_memory(tensor) or self._constant(tensor)

    def _value_in_memory(self, tensor: torch.Tensor) -> Value | None:
        """Return the value of a tensor that is in the memory of known ones, None where there are none."""
        place = Geometry.of(tensor)
        for own in self._by_storage.get(place.storage, ()):
            if own is not tensor:
                self.value(own)
        sharing = [(other, Geometry.of(other)) for other in self._values.sharing(tensor)]
        for other, other_place in sharing:
            if other_place == place:
                value = self.value(other)
                self.bind(tensor, value)
                return value
        for other, other_place in sharing:
            function = Gather.between(other_place, place)
            if function is not None:
                value = self._call("slice", {}, function, self.value(other), tensor=tensor)
                self.bind(tensor, value)
                return value
        if not sharing:
            return None
        value = self.unknown("alias", tensor, tuple(self.value(other) for other, _ in sharing))
        self.bind(tensor, value)
        return value

    def _after_write(self, tensor: torch.Tensor, value: Value, write: Write) -> Value:
        """Return the value of a tensor after a write through another tensor in its memory."""
        function = Overlay.of(write.place, Geometry.of(tensor))
        if function is None:
            return self.unknown("write", tensor, (value, write.value))
        if not function.is_needed:
            return value
        return self._call("opaque", {"operator": "write"}, function, value, write.value, tensor=tensor)

    def _call(self, kind: str, attributes: dict[str, Any], function: Any, *operands: Value, tensor: Any) -> Value:
        """Add a node that calls a function."""
        node = Node(self.new_name(attributes.get("operator", kind)), kind, operands, attributes)
        self.draft.nodes.append(node)
        self.draft.calls[node.name] = make_call(function, *operands)
        self.draft.shapes[Value(node.name)], self.draft.dtypes[Value(node.name)] = tuple(tensor.shape), tensor.dtype
        return Value(node.name)

    def unknown(self, operation: str, tensor: torch.Tensor, operands: tuple[Value, ...]) -> Value:
        """Add a node for a value that cannot be computed again, and return it.

        Args:
            operation: The name of the operation, for the node.
            tensor: The tensor that holds the value.
            operands: The values that it depends on.

        Returns:
            The output of an opaque node.
        """
        node = Node(self.new_name(operation), "opaque", operands, {"operator": operation})
        self.draft.nodes.append(node)
        self.draft.shapes[Value(node.name)], self.draft.dtypes[Value(node.name)] = tuple(tensor.shape), tensor.dtype
        return Value(node.name)

    def _constant(self, tensor: torch.Tensor) -> Value:
        node = Node(self.new_name("constant"), "constant", (), {})
        if not tensor.is_meta:
            self.draft.examples[node.name] = tensor.detach().clone()  # it may be written later
        self.draft.nodes.append(node)
        self.bind(tensor, Value(node.name))
        return Value(node.name)

    def new_name(self, base: str) -> str:
        """Return a name that no node has, below the module that is running.

        Args:
            base: The wanted name.

        Returns:
            A name that no node or input of the graph has.
        """
        name = f"{self.path[-1]}:{base}" if self.path and self.path[-1] else base
        self.names[name] = self.names.get(name, 0) + 1
        return name if self.names[name] == 1 else f"{name}#{self.names[name]}"
