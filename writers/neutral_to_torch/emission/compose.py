"""Compose a store's model as the text of a file and a state dict, both in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Sequence

from neutral import limits
from neutral.errors import UnsupportedError
from neutral.graph import Input, Value
from neutral.store import Store
from neutral_to_torch.emission.expression.literals import constant
from neutral_to_torch.emission.lowering.pipeline import lower
from neutral_to_torch.emission.lowering.program import Program, Statement
from neutral_to_torch.emission.printing.file_docstring import class_name_of, file_docstring
from neutral_to_torch.emission.printing.forward import Forward
from neutral_to_torch.emission.printing.helper_source import helpers
from neutral_to_torch.emission.printing.nouns import nouns
from neutral_to_torch.emission.printing.source import ClassText, file_text
from neutral_to_torch.emission.printing.state import State
from neutral_to_torch.emission.printing.variable_names import ARGUMENT_NAMES, argument_names, variable_name
from neutral_to_torch.emission.structure.block_tree import block_tree
from neutral_to_torch.emission.structure.folding import fold
from neutral_to_torch.emission.structure.labels import Labels
from neutral_to_torch.emission.structure.model_arguments import classifier_argument
from neutral_to_torch.emission.structure.model_tree import model_tree
from neutral_to_torch.emission.structure.module_ir import Block, has_own_line, owned
from neutral_to_torch.emission.structure.naming import GLOBALS, UniqueIdentifiers, tokens
from neutral_to_torch.emission.structure.stage_counts import stage_counts_argument
from neutral_to_torch.emission.structure.tree import Tree, flat_tree


@dataclass(frozen=True)
class Emission:
    """A model as source and state.

    Attributes:
        source: The text of the file.
        class_name: The name of the model's class.
        state: The tensor of each state dict key.
        inputs: The inputs of the graph after the cut.
        outputs: The outputs of the graph after the cut.
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
    weights: str = "model.safetensors",
) -> Emission:
    """Write a store's model as source and state, in memory.

    Args:
        store: The store, with a graph.
        outputs: Nodes, or ``node:output``, that the model gives; None for the graph's outputs.
        until: The one node that the model gives.
        class_name: The name of the model's class; None for one made from the source's file name.
        folded: Whether repeated parts become classes; else every layer is an attribute of the model.
        weights: The name of the file with the state dict, for the example in the docstring.

    Returns:
        The source, the names of its classes and submodules, and the tensor of the store by state-dict key.

    Raises:
        UsageError: The store has no graph, or the graph no such node.
        UnsupportedError: Parts of the graph cannot be written exactly; it names all of them.
    """
    program = lower(store, outputs, until)
    name = class_name or class_name_of(store)
    if not folded:
        return _Composition(store, name, program, program.statements, [], flat=True).emission(weights)
    statements, blocks = fold(program, {name, *GLOBALS, *helpers()})
    return _Composition(store, name, program, statements, blocks).emission(weights)


@dataclass(frozen=True)
class _Composition:
    """A program that is structured, as the classes of a file.

    Attributes:
        store: The store.
        name: The name of the model's class.
        program: The program.
        statements: Its statements, with blocks in the place of repeated parts.
        blocks: The blocks, each after those that it uses.
        flat: Whether every layer is an attribute of the model.
    """

    store: Store
    name: str
    program: Program
    statements: Sequence[Statement]
    blocks: Sequence[Block]
    flat: bool = False

    @property
    def reserved(self) -> frozenset[str]:
        """The names that no variable and argument may have."""
        return GLOBALS | set(helpers()) | {self.name} | {block.name for block in self.blocks}

    def emission(self, weights: str) -> Emission:
        """Return source and state; ``weights`` is the name of the file with the state dict."""
        labels = Labels(self.statements, self.blocks)
        classes: list[ClassText] = []
        trees: dict[Block, dict[int, str]] = {}
        for block in self.blocks:
            tree = block_tree(block, labels)
            trees[block] = {k: tree.paths[item] for k, item in enumerate(block.owns) if item in tree.paths}
            classes.append(_block_class(block, tree, self.reserved))
        if self.flat:
            names = {item: labels.top(item) for item in owned(self.statements)}
            tree = flat_tree(self.statements, self.program.outputs, names)
        else:
            tree = model_tree(self.statements, self.program.outputs, labels)
        state = State()
        for item, path in tree.paths.items():
            state.add(item, path, trees)
        _check_constants(self.store, state)
        classes.append(self._model_class(tree, labels, state))
        docstring = file_docstring(self.store, self.name, self.program, self.blocks, state, weights)
        return Emission(file_text(docstring, classes), self.name, state, self.program.inputs, self.program.outputs)

    def _model_class(self, tree: Tree, labels: Labels, state: State) -> ClassText:
        program, reserved = self.program, self.reserved
        unique = UniqueIdentifiers(reserved - ARGUMENT_NAMES)
        arguments = [(Value(item.name), unique(item.name)) for item in program.inputs]
        forward = _forward(tree, labels.without_prefix, reserved)
        checks = [
            f"        {text} = require_floating_point({text}, {constant(item.name)})"
            for item, (_, text) in zip(program.inputs, arguments)
            if item.floating
        ]
        kinds = {statement.kind for statement in program.statements}
        parameters, attributes = (
            classifier_argument(self.statements, program.outputs, tree.attributes)
            if "convolution" in kinds
            else ([], tree.attributes)
        )
        counts, attributes = stage_counts_argument(self.statements, attributes)
        return ClassText(
            self.name,
            "",
            [*parameters, *counts],
            attributes,
            (),
            [(text, "Tensor") for _, text in arguments],
            [*checks, *forward.lines(arguments, tree.statements, program.outputs)],
            len(program.outputs),
            after=[f"        self.{second} = self.{first}" for first, second in state.tied_keys()],
        )


def _check_constants(store: Store, state: State) -> None:
    """Refuse a model whose constants would make the weights much larger than the store."""
    total = sum(tensor.nbytes for tensor in state.constants.values())
    if total > limits.CONSTANT_TOTAL_BYTES.value:
        raise UnsupportedError(
            f"{store.path or 'the model'}: its {len(state.constants)} constants take {total} bytes in the weights. "
            f"{limits.CONSTANT_TOTAL_BYTES.advice}"
        )


def _block_class(block: Block, tree: Tree, reserved: frozenset[str]) -> ClassText:
    if tree.sequence is not None:
        return ClassText(block.name, block.doc, block.parameters, (), block.derived, sequence=tree.sequence)
    unique = UniqueIdentifiers(reserved - ARGUMENT_NAMES)
    arguments = [
        (value, unique(text)) for value, text in zip(block.inputs, argument_names(block.inputs, nouns(tree.statements)))
    ]
    forward = _forward(tree, tokens, reserved)
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


def _forward(tree: Tree, split: Callable[[str], Sequence[str]], reserved: frozenset[str]) -> Forward:
    return Forward(
        own=lambda item: f"self.{tree.names[item]}",
        has_own_line=has_own_line,
        hint=lambda statement: variable_name(statement, tree, split(statement.name)),
        reserved=reserved,
        flow="x",
        nouns=nouns(tree.statements),
    )
