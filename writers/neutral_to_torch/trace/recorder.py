"""Record the operators that run in a module, with their operands, where torch dispatches them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_unflatten
from torch.utils.weak import WeakIdKeyDictionary

from neutral.graph import Graph, Input, Node, Operand, Value
from neutral_to_torch.adapters import adapted_type, adapter_of
from neutral_to_torch.adapters.state import state_of
from neutral_to_torch.trace.operators import takes_literals, translate


@dataclass(frozen=True)
class Call:
    """Call of an operator, which can be repeated on other values.

    Attributes:
        function: The torch operator.
        arguments: The flat arguments; a :class:`Value` stands for a tensor.
        structure: The structure of positional and keyword arguments.
        names: The name in the operator's schema of the argument that each flat argument is, or is in.
    """

    function: Any
    arguments: tuple[Any, ...]
    structure: Any
    names: tuple[str | None, ...] = ()

    def run(self, values: Mapping[Value, Any]) -> list[Any]:
        """Return the output tensors for other values, which are not changed."""
        changes = self.function._schema.is_mutable
        flat = [
            (values[item].clone() if changes else values[item]) if isinstance(item, Value) else item
            for item in self.arguments
        ]
        args, kwargs = tree_unflatten(flat, self.structure)
        function: Any = _ANY_STRIDES.get(self.function, self.function)
        return [item for item in tree_flatten(function(*args, **kwargs))[0] if isinstance(item, torch.Tensor)]


_ANY_STRIDES: dict[Any, Any] = {
    torch.ops.aten.view.default: torch.ops.aten.reshape.default,
    torch.ops.aten._unsafe_view.default: torch.ops.aten.reshape.default,
}
"""Operators that require certain strides, and operators that do the same for any."""


@dataclass(frozen=True)
class Record:
    """Record of a run of a module.

    Attributes:
        graph: The dataflow in the catalogue's terms.
        shapes: The shape of each value.
        dtypes: The dtype of each value.
        calls: The call of each node that is not a layer.
        examples: The tensors of the graph's inputs and constants, by name.
    """

    graph: Graph
    shapes: Mapping[Value, tuple[int, ...]]
    dtypes: Mapping[Value, torch.dtype]
    calls: Mapping[str, Call]
    examples: Mapping[str, torch.Tensor]


@dataclass
class _Draft:
    nodes: list[Node] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    shapes: dict[Value, tuple[int, ...]] = field(default_factory=dict)
    dtypes: dict[Value, torch.dtype] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    examples: dict[str, torch.Tensor] = field(default_factory=dict)


class Recorder(TorchDispatchMode):
    """Dispatch mode that records operators as nodes. A module whose type has an adapter is one node.

    Args:
        module: The module to run.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would make torch import its compiler at the first operator, which takes a second

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.draft = _Draft()
        self.module = module
        self._known: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._parameters = {id(tensor): name for name, tensor in reversed(state_of(module).items())}
        self._path: list[str] = []
        self._inside_layer = 0
        self._names: dict[str, int] = {}

    def run(self, named: Mapping[str, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Record:
        """Call the module and return the record.

        Args:
            named: The tensors among the arguments, by name.
            args: The positional arguments.
            kwargs: The keyword arguments.
        """
        for name, tensor in named.items():
            self.draft.inputs.append(Input(name, tuple(tensor.shape)))
            self.draft.examples[name] = tensor
            self._bind(tensor, Value(name))
            self._names[name] = 1
        with self._hooks(), self:
            result = self.module(*args, **kwargs)
        outputs = tuple(self._value(item) for item in tree_flatten(_plain(result))[0] if isinstance(item, torch.Tensor))
        draft = self.draft
        graph = Graph(tuple(draft.inputs), tuple(draft.nodes), outputs)
        return Record(graph, draft.shapes, draft.dtypes, draft.calls, draft.examples)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._inside_layer:
            return func(*args, **kwargs)
        flat, structure = tree_flatten((args, kwargs))
        if any(isinstance(item, torch.Tensor) and item.is_meta for item in flat):
            flat = [item.to("meta") if isinstance(item, torch.Tensor) else item for item in flat]
            args, kwargs = tree_unflatten(flat, structure)
        arguments = tuple(self._value(item) if isinstance(item, torch.Tensor) else item for item in flat)
        result = func(*args, **kwargs)
        outputs = [item for item in tree_flatten(result)[0] if isinstance(item, torch.Tensor)]
        if outputs:
            self._record(func, arguments, structure, outputs, flat)
        return result

    def _record(
        self, func: Any, arguments: tuple[Any, ...], structure: Any, outputs: list[Any], flat: list[Any]
    ) -> None:
        names = _argument_names(func, structure)
        bound = _bound(func, *tree_unflatten(list(arguments), structure))
        operator = func.overloadpacket.__name__
        kind, attributes = translate(operator, bound)
        operands: list[Operand] = [item for item in arguments if isinstance(item, Value)]
        if takes_literals(kind):
            operands = [
                item
                for item, name in zip(arguments, names)
                if isinstance(item, Value) or (name in ("self", "other", "exponent") and isinstance(item, (int, float)))
            ]
        node = Node(self._name(kind if kind != "opaque" else attributes["operator"]), kind, tuple(operands), attributes)
        self.draft.nodes.append(node)
        self.draft.calls[node.name] = Call(func, arguments, structure, names)
        for index, output in enumerate(outputs):
            written = next((item for item in flat if item is output), None)
            self._bind(output, Value(node.name, index))
            if written is not None and written._is_view() and written._base is not None:
                self._written_through(written, Value(node.name, index))

    def _written_through(self, view: torch.Tensor, value: Value) -> None:
        """Record that writing into a view changes the tensor that it is a view of."""
        base = view._base
        assert base is not None
        node = Node(self._name("write"), "opaque", (self._value(base), value), {"operator": "write"})
        self.draft.nodes.append(node)
        self._bind(base, Value(node.name))

    def _bind(self, tensor: torch.Tensor, value: Value) -> None:
        self._known[tensor] = value
        self.draft.shapes[value] = tuple(tensor.shape)
        self.draft.dtypes[value] = tensor.dtype

    def _value(self, tensor: torch.Tensor) -> Value:
        """Return the value of a tensor; an unknown tensor is a parameter of the module or a constant."""
        value: Value | None = self._known.get(tensor)
        if value is None:
            name = self._parameters.get(id(tensor))
            node = Node(f"parameter {name}", "parameter", (), {}, layer=name) if name is not None else None
            if node is None:
                node = Node(self._name("constant"), "constant", (), {})
                self.draft.examples[node.name] = tensor.detach()
            self.draft.nodes.append(node)
            value = Value(node.name)
            self._bind(tensor, value)
        return value

    def _name(self, base: str) -> str:
        name = f"{self._path[-1]}:{base}" if self._path and self._path[-1] else base
        self._names[name] = self._names.get(name, 0) + 1
        return name if self._names[name] == 1 else f"{name}#{self._names[name]}"

    @contextlib.contextmanager
    def _hooks(self) -> Iterator[None]:
        handles = []
        for path, child in self.module.named_modules():
            known = adapted_type(child)
            is_layer = known is not None and type(child).forward is known.forward
            enter, leave = (self._enter_layer, self._leave_layer) if is_layer else (self._enter, self._leave)
            handles.append(child.register_forward_pre_hook(_with_path(enter, path), with_kwargs=True))
            handles.append(child.register_forward_hook(_with_path(leave, path), with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, path: str, *_: Any) -> None:
        self._path.append(path)

    def _leave(self, path: str, *_: Any) -> None:
        self._path.pop()

    def _enter_layer(self, path: str, *_: Any) -> None:
        self._inside_layer += 1

    def _leave_layer(self, path: str, layer: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        self._inside_layer -= 1
        if self._inside_layer:
            return
        adapter = adapter_of(layer)
        assert adapter is not None
        inputs = tuple(
            self._value(item) for item in tree_flatten(_plain((args, kwargs)))[0] if isinstance(item, torch.Tensor)
        )
        count = self._names[path] = self._names.get(path, 0) + 1
        name = path if count == 1 else f"{path}#{count}"
        self.draft.nodes.append(Node(name or "module", adapter.kind, inputs, adapter.attributes(layer), layer=path))
        outputs = [item for item in tree_flatten(_plain(output))[0] if isinstance(item, torch.Tensor)]
        for index, item in enumerate(outputs):
            self._bind(item, Value(name or "module", index))


def _with_path(hook: Callable[..., None], path: str) -> Callable[..., None]:
    return lambda *arguments: hook(path, *arguments)


def _plain(value: Any) -> Any:
    """Return nested lists and dicts in place of subclasses, which only their own packages can flatten."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


def _argument_names(func: Any, structure: Any) -> tuple[str | None, ...]:
    """Return the name in the schema of the argument that each flat argument belongs to."""
    args, kwargs = tree_unflatten(list(range(structure.num_leaves)), structure)
    names: list[str | None] = [None] * structure.num_leaves
    for name, value in _bound(func, args, kwargs, defaults=False).items():
        for position in tree_flatten(value)[0]:
            names[position] = name
    return tuple(names)


def _bound(func: Any, args: Any, kwargs: Any, defaults: bool = True) -> dict[str, Any]:
    """Return the arguments by their names in the operator's schema."""
    bound = dict(kwargs)
    for argument, value in zip(func._schema.arguments, args):
        bound[argument.name] = value
    if defaults:
        for argument in func._schema.arguments:
            if argument.name not in bound:
                bound[argument.name] = argument.default_value if argument.has_default_value() else None
    return bound
