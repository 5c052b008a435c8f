"""From a store to the text of a file and its state dict, both in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Sequence

from neutral import __version__
from neutral.errors import UsageError
from neutral.graph import Graph, Input, Value
from neutral.store import Store
from neutral_to_torch.emit.forward import Forward
from neutral_to_torch.emit.helper_source import helpers
from neutral_to_torch.emit.lower import Lowering, Op, Program, cut
from neutral_to_torch.emit.naming import GLOBALS, Unique, strip_common
from neutral_to_torch.emit.scope import Instance, Owned, owned
from neutral_to_torch.emit.source import ClassText, file_text
from neutral_to_torch.emit.state import State
from neutral_to_torch.emit.terms import Name
from neutral_to_torch.emit.text import identifier
from neutral_to_torch.emit.tree import flat_tree


@dataclass(frozen=True)
class Emission:
    """A model as source and state.

    ``ties`` are state dict keys that share one tensor. ``inputs`` and ``outputs`` are the graph's after the cut.
    """

    source: str
    class_name: str
    state: State
    inputs: tuple[Input, ...]
    outputs: tuple[Value, ...]


def lowered(store: Store, outputs: Sequence[str] | None, until: str | None) -> Program:
    """The program of the cut graph. Raises UnsupportedError with every problem there is."""
    lowering = Lowering(store)
    program = lowering.program(_graph(store, outputs, until))
    lowering.raise_problems(store.path or "the model")
    return program


def _graph(store: Store, outputs: Sequence[str] | None, until: str | None) -> Graph:
    if store.graph is None:
        raise UsageError(
            f"{store.path or 'the store'} has no graph, only layers: there is nothing to write source from. "
            "Load its weights into a module of your own with load_into."
        )
    return cut(store.graph, outputs, until)


def compose(
    store: Store,
    *,
    outputs: Sequence[str] | None = None,
    until: str | None = None,
    class_name: str | None = None,
) -> Emission:
    """The source and state of ``store``'s model."""
    program = lowered(store, outputs, until)
    name = class_name or class_name_of(store)
    labels = _labels(program.ops)
    tree = flat_tree(program.ops, labels)
    state = State()
    for item, path in tree.paths.items():
        state.add(item, path, {})
    unique = Unique(GLOBALS | set(helpers()))
    arguments = [(Value(item.name), unique(item.name)) for item in program.inputs]
    hints = strip_common([op.name for op in tree.ops])
    forward = Forward(
        own=lambda item: f"self.{tree.paths[item]}",
        heavy=is_heavy,
        hint=lambda op: identifier("_".join(hints[op.name])).lower(),
        reserved=GLOBALS | set(helpers()) | {name},
        flow="x",
    )
    model = ClassText(
        name,
        f"The model: {len(program.inputs)} input{'s' * (len(program.inputs) != 1)}, see above.",
        (),
        tree.attributes,
        [(text, "Tensor") for _, text in arguments],
        forward.lines(arguments, tree.ops, program.outputs),
        len(program.outputs),
        after=[f"        self.{second} = self.{first}" for first, second in state.ties()],
    )
    source = file_text(document(store, name, program), [model])
    return Emission(source, name, state, program.inputs, program.outputs)


def _labels(ops: Sequence[Op]) -> dict[Owned, str]:
    items = owned(ops)
    stripped = strip_common([item.owner for item in items])
    return {item: "_".join(stripped[item.owner]) for item in items}


_LIGHT = ("BatchNorm", "InstanceNorm", "LayerNorm", "GroupNorm", "PReLU", "Pool", "Dropout", "fixed_scale", "ReLU",
          "Sigmoid", "Tanh", "Softmax", "Flatten")  # fmt: skip


def is_heavy(item: Owned) -> bool:
    """Whether applying it deserves a line: what bears large weights, and blocks."""
    if isinstance(item, Instance):
        return True
    constructor = item.constructor
    callee = getattr(constructor, "callee", None)
    return not (isinstance(callee, Name) and any(word in callee.text for word in _LIGHT))


def class_name_of(store: Store) -> str:
    """A class name made from the name of the source's symbol file or the store."""
    files = () if store.source is None else store.source.files
    names = [file.name for file in files if file.role in ("symbol", "graph")] or [file.name for file in files]
    stem = re.sub(r"(-symbol|-\d{4})?(\.\w+)*$", "", re.split(r"[\\/]", names[0])[-1]) if names else ""
    words = [word for word in re.split(r"[^0-9A-Za-z]+", stem) if word]
    name = identifier("".join(word[0].upper() + word[1:] for word in words) or "Model")
    return "Model" if name[0] == "_" or name in GLOBALS or name in helpers() else name


def document(store: Store, name: str, program: Program) -> str:
    """The file's docstring: where the model came from, what goes in and what comes out."""
    source = store.source
    lines = [f"{name}, written by Neutral {__version__}."]
    if source is not None:
        version = f" {source.version}" if source.version else ""
        lines += ["", f"Converted from {source.framework}{version}:"]
        lines += [_file_line(file.name, file.size, file.sha256) for file in source.files]
    lines += ["", "Inputs:"]
    lines += [f"    {item.name}: {_shape(item)}" for item in program.inputs] or ["    none"]
    lines += ["", "Outputs:"]
    lines += [f"    {value.node}" + (f" (output {value.output})" if value.output else "") for value in program.outputs]
    return "\n".join(_printable(line) for line in lines)


def _file_line(name: str, size: int, digest: str | None) -> str:
    return f"    {name}: {size} bytes" + (f", SHA-256 {digest}" if digest else "")


def _shape(item: Input) -> str:
    if item.shape is None:
        shape = "any shape"
    else:
        names = [
            "N" if k == 0 and dim is None else "*" if dim is None else str(dim) for k, dim in enumerate(item.shape)
        ]
        shape = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
    return shape + (f", {item.dtype}" if item.dtype else "")


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line).rstrip()
