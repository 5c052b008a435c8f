"""From a store to the text of a file and its state dict, both in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Sequence

from neutral import __version__
from neutral.graph import Input, Value
from neutral.store import Store
from neutral.store.digests import sha256
from neutral.store.source_files import source_file_chunks
from neutral_to_torch.emission.expression.terms import Conditional, applied
from neutral_to_torch.emission.expression.text import identifier
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.pipeline import lower
from neutral_to_torch.emission.lowering.program import Program, Statement
from neutral_to_torch.emission.printing.forward import Forward
from neutral_to_torch.emission.printing.helper_source import helpers
from neutral_to_torch.emission.printing.source import ClassText, file_text
from neutral_to_torch.emission.printing.state import State
from neutral_to_torch.emission.structure.folding import fold
from neutral_to_torch.emission.structure.grouping import block_tree, model_tree
from neutral_to_torch.emission.structure.labels import Labels
from neutral_to_torch.emission.structure.module_ir import Block, has_weights, owned
from neutral_to_torch.emission.structure.naming import GLOBALS, Unique, tokens
from neutral_to_torch.emission.structure.tree import Tree, flat_tree


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


def compose(
    store: Store,
    *,
    outputs: Sequence[str] | None = None,
    until: str | None = None,
    class_name: str | None = None,
    folded: bool = True,
) -> Emission:
    """The source and state of ``store``'s model. Without ``folded`` every layer is an attribute of the model."""
    program = lower(store, outputs, until)
    name = class_name or class_name_of(store)
    if not folded:
        return _written(store, name, program, program.statements, [], flat=True)
    statements, blocks = fold(program, {name, *GLOBALS, *helpers()})
    return _written(store, name, program, statements, blocks, flat=False)


def _written(
    store: Store, name: str, program: Program, statements: Sequence[Statement], blocks: Sequence[Block], flat: bool
) -> Emission:
    labels = Labels(statements, blocks)
    reserved = GLOBALS | set(helpers()) | {name} | {block.name for block in blocks}
    classes: list[ClassText] = []
    trees: dict[Block, dict[int, str]] = {}
    for block in blocks:
        tree = block_tree(block, labels)
        trees[block] = {k: tree.paths[item] for k, item in enumerate(block.owns) if item in tree.paths}
        classes.append(_block_class(block, tree, reserved))
    if flat:
        tree = flat_tree(statements, program.outputs, {item: labels.top(item) for item in owned(statements)})
    else:
        tree = model_tree(statements, program.outputs, labels)
    state = State()
    for item, path in tree.paths.items():
        state.add(item, path, trees)
    classes.append(_model_class(name, program, tree, labels, reserved, state))
    source = file_text(document(store, name, program), classes)
    return Emission(source, name, state, program.inputs, program.outputs)


def _block_class(block: Block, tree: Tree, reserved: frozenset[str]) -> ClassText:
    if tree.sequence is not None:
        return ClassText(block.name, block.doc, block.parameters, (), block.derived, sequence=tree.sequence)
    unique = Unique(reserved)
    names = ["x"] if len(block.inputs) == 1 else ["x", *(_side_name(value) for value in block.inputs[1:])]
    arguments = [(value, unique(text)) for value, text in zip(block.inputs, names)]
    forward = _forward(tree, lambda statement: _hint(statement, tree) or _last_word(tokens(statement.name)), reserved)
    return ClassText(
        block.name,
        block.doc,
        block.parameters,
        tree.attributes,
        block.derived,
        [(text, "Tensor") for _, text in arguments],
        forward.lines(arguments, tree.statements, block.outputs),
        len(block.outputs),
    )


def _side_name(value: Value) -> str:
    return _last_word(tokens(value.node))


def _model_class(
    name: str, program: Program, tree: Tree, labels: Labels, reserved: frozenset[str], state: State
) -> ClassText:
    unique = Unique(reserved)
    arguments = [(Value(item.name), unique(item.name)) for item in program.inputs]
    forward = _forward(
        tree, lambda statement: _hint(statement, tree) or _last_word(labels.without_prefix(statement.name)), reserved
    )
    return ClassText(
        name,
        "The model; inputs and outputs are described above.",
        (),
        tree.attributes,
        (),
        [(text, "Tensor") for _, text in arguments],
        forward.lines(arguments, tree.statements, program.outputs),
        len(program.outputs),
        after=[f"        self.{second} = self.{first}" for first, second in state.ties()],
    )


def _forward(tree: Tree, hint: Callable[[Statement], str], reserved: frozenset[str]) -> Forward:
    return Forward(
        own=lambda item: f"self.{tree.names[item]}", has_weights=has_weights, hint=hint, reserved=reserved, flow="x"
    )


def _hint(statement: Statement, tree: Tree) -> str | None:
    """A variable is called as the submodule that makes it; what goes around a block is its shortcut."""
    term = statement.term.otherwise if isinstance(statement.term, Conditional) else statement.term
    own = applied(term)
    if own is None:
        return None
    name = tree.names[own.declaration]
    if name.startswith("downsample"):
        return "shortcut"
    return name.lower() if len(name) <= HEURISTICS.longest_variable else _last_word(tokens(name))


def _last_word(parts: Sequence[str]) -> str:
    """The last token, or as many as begin with a letter, without its number."""
    for count in range(1, len(parts) + 1):
        name = identifier("_".join(parts[-count:])).lower().rstrip("0123456789").rstrip("_")
        if name and name[0].isalpha():
            return identifier(name)
    return "value"


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
        for file in source.files:
            lines.append(f"    {file.name}: {file.size} bytes")
            lines.append(f"        SHA-256 {file.sha256 or sha256(source_file_chunks(store, file))}")
    lines += ["", "Inputs:"]
    lines += [f"    {item.name}: {_shape(item)}" for item in program.inputs] or ["    none"]
    lines += ["", "Outputs:"]
    lines += [f"    {value.node}" + (f" (output {value.output})" if value.output else "") for value in program.outputs]
    return "\n".join(_printable(line) for line in lines)


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
