"""What a block is called: by what it does where that has a name in the field, else by its layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from neutral_to_torch.emission.expression.terms import (
    Call,
    Declaration,
    ListOrTuple,
    Literal,
    Member,
    ModuleOrFunction,
    Name,
    Operation,
    Ref,
    Term,
    applied,
    walk,
)
from neutral_to_torch.emission.lowering.lower import Statement
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph
from neutral_to_torch.emission.structure.module_ir import Instance, Owned, callee, has_weights, owned
from neutral_to_torch.emission.structure.naming import common, tokens


@dataclass(frozen=True)
class BlockName:
    text: str
    doc: str


_PIECES = {
    "Conv": "Conv", "Linear": "Linear", "BatchNorm": "BN", "fixed_scale": "BN", "InstanceNorm": "IN", "LayerNorm": "LN",
    "GroupNorm": "GN", "PReLU": "PReLU", "LeakyReLU": "LeakyReLU", "ReLU": "ReLU", "Pool": "Pool", "Dropout": "Dropout",
    "Sigmoid": "Sigmoid", "Tanh": "Tanh",
}  # fmt: skip


def block_name(template: CanonicalSubgraph, taken: set[str]) -> BlockName:
    """A class name that is not taken, and the docstring."""
    name, doc = _describe(template)
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}{number}", number + 1
    return BlockName(candidate, doc)


def has_name(template: CanonicalSubgraph) -> bool:
    """Whether the field has a name for it."""
    return _known(template) is not None


def _describe(template: CanonicalSubgraph) -> tuple[str, str]:
    known = _known(template)
    if known is not None:
        return known
    straight = all(len(statement.operands) < 2 for statement in template.statements)
    return (_by_pieces if straight else _by_source)(template.statements), f"{_listing(template.statements)}."


def _known(template: CanonicalSubgraph) -> tuple[str, str] | None:
    entry = template.inputs[0] if template.inputs else None
    merge = next(
        (
            statement
            for statement in reversed(template.statements)
            if len(statement.operands) > 1 and not _is_block(statement)
        ),
        None,
    )
    if [_piece(statement) for statement in template.statements] == ["Attention", "FeedForward"]:
        return "TransformerLayer", "Attention and a feed-forward network."
    items = owned(template.statements)
    kernels = [kernel for item in items for kernel in _kernels(item)]
    depthwise = any(_is_depthwise(item) for item in items)
    pieces = [_piece(statement) for statement in template.statements]
    if merge is None:
        if depthwise and len(kernels) == 2:
            return "DepthwiseSeparable", "A depthwise and a pointwise convolution."
        if depthwise and len(kernels) == 3:
            return "InvertedResidual", "Expand, convolve each channel by itself, project."
        if pieces[0] == "Conv" and pieces[-1] == "Expand":
            return "Fire", "Squeeze the channels, then expand them in two ways."
        return None
    shape = _merge_kind(merge.term)
    if shape == "add":
        if depthwise:
            return "InvertedResidual", "Expand, convolve each channel by itself, project, and add the input."
        if any("softmax" in _words(statement.term) for statement in template.statements):
            return "Attention", "Attention over the input, added to it."
        if len(kernels) >= 3 and kernels[0] == 1 and any(k != 1 for k in kernels):
            return "Bottleneck", "A residual unit that narrows, convolves and widens again."
        if kernels:
            return "BasicBlock", "A residual unit."
        if sum("Linear" in callee(item.constructor) for item in items) >= 2:
            return "FeedForward", "Two linear maps around an activation, added to their input."
        return "Residual", "A residual unit."
    if shape == "cat":
        direct = entry in merge.operands
        if direct:
            return "DenseLayer", "Computes new channels and appends them to its input."
        if len(kernels) == 3 and len(merge.operands) == 2:
            return "Fire", "Squeeze the channels, expand them on two ways, and join both."
        if len(kernels) >= len(merge.operands) > 1:
            return "Inception", "Several ways from the input, joined along the channels."
    words = " ".join(
        [*(_words(statement.term) for statement in template.statements), *(callee(item.constructor) for item in items)]
    )
    pooled = "pool" in words.lower() or "mean" in words
    if shape == "multiply" and entry in merge.operands and pooled and any(has_weights(item) for item in items):
        return "SqueezeExcite", "Scales the channels of its input by what it sees of the whole."
    return None


def _is_block(statement: Statement) -> bool:
    own = applied(statement.term)
    return own is not None and isinstance(own.declaration, Instance)


def _merge_kind(term: Term) -> str:
    if isinstance(term, ModuleOrFunction):
        term = term.inline
    for item in walk(term):
        if isinstance(item, Operation) and len(item.operands) == 2:
            return {"+": "add", "*": "multiply"}.get(item.symbol, "other")
        if isinstance(item, ListOrTuple) and len([x for x in item.items if isinstance(x, Ref)]) > 1:
            return "cat"
    return "other"


def _words(term: Term) -> str:
    return " ".join(
        (item.text if isinstance(item, Name) else item.name).lower()
        for item in walk(term)
        if isinstance(item, (Name, Member))
    )


def _kernels(item: Owned) -> list[int]:
    """The kernel extents of the convolutions in it; 0 for what is not square."""
    if isinstance(item, Instance) and item.block.is_unit:
        given = dict(_arguments(item))
        found = [kernel for own in item.block.owns for kernel in _kernel_terms(own)]
        return [_extent(given.get(k.text, k) if isinstance(k, Name) else k) for k in found]
    return [_extent(kernel) for kernel in _kernel_terms(item)]


def _kernel_terms(item: Owned) -> list[Term]:
    constructor = item.constructor
    if not isinstance(constructor, Call) or "nn.Conv" not in callee(constructor):
        return []
    return [dict(constructor.kwargs)["kernel_size"]]


def _extent(kernel: Term) -> int:
    return kernel.value if isinstance(kernel, Literal) and isinstance(kernel.value, int) else 0


def _arguments(item: Instance) -> list[tuple[str, Term]]:
    call = item.constructor
    if not isinstance(call, Call):
        return []
    return [*((p.name, a) for p, a in zip(item.block.parameters, call.args)), *call.kwargs]


def _is_depthwise(item: Owned) -> bool:
    constructor = item.constructor
    if not isinstance(constructor, Call) or "Conv" not in callee(constructor) or not constructor.args:
        return False
    groups = dict(constructor.kwargs).get("groups")
    return groups is not None and groups != Literal(1) and groups == constructor.args[0]


def _by_pieces(statements: Sequence[Statement]) -> str:
    pieces = [_piece(statement) for statement in statements]
    if any(isinstance(item, Instance) and not item.block.is_unit for item in owned(statements)):
        return "Layer"
    return "".join(pieces) if len(pieces) <= 5 and all(pieces) else _by_source(statements)


def _by_source(statements: Sequence[Statement]) -> str:
    """A class name out of what the names of the layers have in common, else Block."""
    names = [tokens(item.owner) for item in owned(statements) if isinstance(item, Declaration) and item.tensors]
    shared = common(names) if len(names) > 1 else [token for name in names for token in name[:-1]]
    word = _without_counter(shared[-1]) if shared else ""
    return word[0].upper() + word[1:] if len(word) > 3 and word[0].isalpha() else "Block"


def _without_counter(word: str) -> str:
    """``yolooutputv30`` is the first ``yolooutputv3``."""
    bare = word.rstrip("0123456789")
    return word[:-1] if len(word) - len(bare) > 1 else bare


def _piece(statement: Statement) -> str:
    own = applied(statement.term)
    if own is None:
        return ""
    if isinstance(own.declaration, Instance):
        return str(own.declaration.block.name)
    name = callee(own.declaration.constructor)
    return next((short for word, short in _PIECES.items() if word in name), "")


_NOUNS = {
    "Conv": "convolution", "Linear": "linear map", "BN": "batch norm", "IN": "instance norm", "LN": "layer norm",
    "GN": "group norm", "Pool": "pooling", "Dropout": "dropout", "Sigmoid": "sigmoid", "Tanh": "tanh",
}  # fmt: skip


def _listing(statements: Sequence[Statement]) -> str:
    found = [_NOUNS.get(piece, piece) for piece in map(_piece, statements) if piece]
    if not found or len(found) > 6:
        return "A part that the model repeats"
    text = ", ".join(found)
    return text[0].upper() + text[1:]


def option_name(removed: Sequence[Statement], template: CanonicalSubgraph, taken: Sequence[str]) -> str:
    """The flag of a part that is there or not."""
    if not owned(removed):
        name = {"add": "residual", "cat": "concatenate"}.get(_merge_kind(removed[-1].term), "extended")
    elif len(removed) == 1 and isinstance(removed[0].term, ModuleOrFunction):
        name = "activation"
    else:
        result = removed[-1].results
        merges = [
            statement
            for statement in template.statements
            if result in statement.operands and len(statement.operands) > 1
        ]
        name = "downsample" if merges else "expand"
    number, candidate = 2, name
    while candidate in taken:
        candidate, number = f"{name}{number}", number + 1
    return candidate
