"""Record the operators that run in a module, with their operands, where torch dispatches them."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator, Mapping

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_unflatten

from neutral.errors import UsageError
from neutral.graph import Graph, Input, Node, Operand, Value
from neutral_to_torch.adapters import adapter_of, has_known_forward
from neutral_to_torch.trace.lookup import ValueLookup
from neutral_to_torch.trace.operators import LITERALS, takes_literals, translate
from neutral_to_torch.trace.outputs import is_transformed, tensors_in
from neutral_to_torch.trace.record import Call, Record, argument_names, bound_arguments
from neutral_to_torch.trace.writes import written_arguments


class Recorder(TorchDispatchMode):
    """Dispatch mode that records operators as nodes. A module whose type determines its computation is one node.

    Args:
        module: The module to run. Its hooks are looked at now, not when it runs.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would make torch import its compiler at the first operator, which takes a second

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.values = ValueLookup(module)
        self.draft = self.values.draft
        self.module = module
        self._known_layers = {child for child in module.modules() if has_known_forward(child)}
        self._is_layer: list[bool] = []

    def run(
        self,
        named: Mapping[str, Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        examples: Mapping[str, torch.Tensor],
    ) -> Record:
        """Call the module and return the record.

        Args:
            named: The tensors among the arguments, by name.
            args: The positional arguments.
            kwargs: The keyword arguments.
            examples: The values of the tensors among the arguments, which may be on another device.

        Returns:
            The record of the run.

        Raises:
            UsageError: The module returns no tensor.
        """
        for name, tensor in named.items():
            self.draft.inputs.append(Input(name, tuple(tensor.shape)))
            self.draft.examples.update({name: examples[name]} if not examples[name].is_meta else {})
            self.values.bind(tensor, Value(name))
            self.values.names[name] = 1
        with self._hooks(), self:
            result = self.module(*args, **kwargs)
        outputs = tuple(self.values.value(item) for item in tensors_in(result))
        if not outputs:
            raise UsageError(
                f"{type(self.module).__name__} returns {type(result).__name__} on the example, without a tensor. Let "
                "forward return its outputs as tensors, or in a tuple, dict or dataclass."
            )
        draft = self.draft
        graph = Graph(tuple(draft.inputs), tuple(draft.nodes), outputs)
        return Record(graph, draft.shapes, draft.dtypes, draft.calls, draft.examples)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if any(self._is_layer):
            return func(*args, **kwargs)
        flat, structure = tree_flatten((args, kwargs))
        if any(isinstance(item, torch.Tensor) and item.is_meta for item in flat):
            flat = [item.to("meta") if isinstance(item, torch.Tensor) else item for item in flat]
            args, kwargs = tree_unflatten(flat, structure)
        arguments = tuple(self.values.value(item) if isinstance(item, torch.Tensor) else item for item in flat)
        result = func(*args, **kwargs)
        outputs = [item for item in tree_flatten(result)[0] if isinstance(item, torch.Tensor)]
        self._record(func, arguments, structure, outputs, flat)
        return result

    def _record(
        self, func: Any, arguments: tuple[Any, ...], structure: Any, outputs: list[Any], flat: list[Any]
    ) -> None:
        names = argument_names(func, structure)
        bound = bound_arguments(func, *tree_unflatten(list(arguments), structure))
        written = list(written_arguments(func, *tree_unflatten(flat, structure)).values())
        if not outputs and not written:
            return
        kind, attributes = translate(func, bound)
        operands: list[Operand] = [item for item in arguments if isinstance(item, Value)]
        if takes_literals(kind):
            operands = [
                item
                for item, name in zip(arguments, names)
                if isinstance(item, Value) or (name in LITERALS and isinstance(item, (int, float)))
            ]
        node = Node(
            self.values.new_name(kind if kind != "opaque" else attributes["operator"]),
            kind,
            tuple(operands),
            attributes,
        )
        self.draft.nodes.append(node)
        self.draft.calls[node.name] = Call(func, arguments, structure, names)
        for index, output in enumerate(outputs):
            self.values.bind(output, Value(node.name, index))
        for tensor in written:
            position = next((position for position, output in enumerate(outputs) if output is tensor), None)
            value = Value(node.name, position or 0)
            self.values.written(tensor, self.values.unknown("write", tensor, (value,)) if position is None else value)

    @contextlib.contextmanager
    def _hooks(self) -> Iterator[None]:
        handles = []
        for path, child in self.module.named_modules():
            if isinstance(child, torch.jit.ScriptModule):  # has no hooks; its operators are recorded
                continue
            handles.append(child.register_forward_pre_hook(_with_path(self._enter, path), with_kwargs=True))
            handles.append(child.register_forward_hook(_with_path(self._leave, path), with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, path: str, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Begin a call: of a layer as a whole if its type is known, and it does not train in a run that infers.

        Inside a transform of functions (``torch.vmap``) the operators of a layer are recorded, on whole batches.
        """
        self.values.path.append(path)
        is_inside = any(map(is_transformed, tensors_in((args, kwargs))))
        self._is_layer.append(module in self._known_layers and not module.training and not is_inside)

    def _leave(self, path: str, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        self.values.path.pop()
        is_layer = self._is_layer.pop()
        if is_layer and not any(self._is_layer):
            self._record_layer(path, module, args, kwargs, output)

    def _record_layer(self, path: str, layer: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        adapter = adapter_of(layer)
        assert adapter is not None
        inputs = tuple(self.values.value(item) for item in tensors_in((args, kwargs)))
        count = self.values.names[path] = self.values.names.get(path, 0) + 1
        name = path if count == 1 else f"{path}#{count}"
        self.draft.nodes.append(Node(name or "module", adapter.kind, inputs, adapter.attributes(layer), layer=path))
        for index, item in enumerate(tensors_in(output)):
            self.values.bind(item, Value(name or "module", index))


def _with_path(hook: Callable[..., None], path: str) -> Callable[..., None]:
    return lambda *arguments: hook(path, *arguments)
