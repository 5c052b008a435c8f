"""Docstrings of emitted blocks: the layers that the block has, in words that hold for each of its instances."""

from __future__ import annotations

from functools import lru_cache
from typing import Callable, Iterable, Sequence

from neutral.operators import catalogue
from neutral_to_torch.emission.expression.layout import WIDTH
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.block_facts import POOLS, BlockFacts, Convolution
from neutral_to_torch.emission.structure.module_ir import Block

ACTIVATIONS = {
    "relu": "ReLU", "leaky_relu": "leaky ReLU", "prelu": "PReLU", "elu": "ELU", "selu": "SELU", "gelu": "GELU",
    "gelu_tanh": "GELU", "silu": "SiLU", "hard_swish": "hardswish", "mish": "Mish", "clamp": "clipped ReLU",
    "tanh": "tanh", "softplus": "softplus", "softsign": "softsign",
}  # fmt: skip
NORMS = {"batch_norm": "batch norm", "layer_norm": "layer norm", "group_norm": "group norm",
         "instance_norm": "instance norm"}  # fmt: skip
LONGEST = WIDTH - len("    ") - 2 * len('"""')
"""Letters of a docstring of one line."""

MOST_LISTED = 6
"""Operations that a docstring names one by one; of more it counts the layers."""


def block_doc(block: Block, architecture: str | None) -> str:
    """Return the docstring of a block.

    Args:
        block: The class, its varying numbers already parameters.
        architecture: The name that :func:`~.architectures.recognize` gave it, or None.

    Returns:
        One sentence, such as ``Residual block: two 3x3 convolutions with batch norm and ReLU.``
    """
    facts = BlockFacts(block.statements, block.inputs)
    if architecture in _WRITERS:
        return _WRITERS[architecture](facts)
    residual = facts.residual()
    if residual is not None and facts.convolutions_of(residual[0]):
        return _convolutions("Residual block: ", facts, residual[0])
    if facts.is_parallel:
        return _parallel_branches(facts)
    first, *others = facts.kinds or ["", ""]
    if first == "parameter" and others[:1] == ["slice_like"] and set(others[1:]) <= {"reshape", "flatten"}:
        return "A parameter cut to the size of the input" + (" and reshaped." if others[1:] else ".")
    return f"{_capital(listing(block.statements))}."


def _residual(head: str) -> Callable[[BlockFacts], str]:
    def write(facts: BlockFacts) -> str:
        residual = facts.residual()
        return _convolutions(f"{head}: ", facts, facts.statements if residual is None else residual[0])

    return write


def _branched(head: str) -> Callable[[BlockFacts], str]:
    return lambda facts: f"{head}: {_branches(facts)}."


def _fixed(sentence: str) -> Callable[[BlockFacts], str]:
    return lambda facts: sentence


_WRITERS: dict[str | None, Callable[[BlockFacts], str]] = {
    "Attention": _fixed("Attention with a residual connection."),
    "FeedForward": _fixed("Two linear layers around an activation, with a residual connection."),
    "TransformerLayer": _fixed("Attention, then a feed-forward network."),
    "SqueezeExcite": _fixed("Scale the channels by gates computed from the globally pooled input."),
    "SplitAttention": _fixed("Weigh groups of channels by a softmax of the globally pooled input."),
    "BasicBlock": _residual("Residual block"),
    "Bottleneck": _residual("Bottleneck"),
    "InvertedResidual": _residual("Inverted residual"),
    "DepthwiseSeparable": _residual("Depthwise separable"),
    "DenseLayer": lambda facts: _convolutions("Append new channels to the input: ", facts, facts.statements),
    "Fire": _branched("Fire module: squeeze the channels, expand them in parallel"),
    "Inception": lambda facts: _parallel_branches(facts),
}


def _convolutions(head: str, facts: BlockFacts, statements: Sequence[Statement]) -> str:
    """Return ``head`` and ``1x1, 3x3 depthwise and 1x1 convolutions with ReLU and batch norm.`` as far as it fits."""
    words = [_words(convolution) for convolution in facts.convolutions_of(statements)]
    if len(words) == 2 and words[0] == words[1]:
        body = f"{head}two {words[0]} convolutions"
    else:
        body = f"{head}{_joined(words)} convolution{'s' if len(words) > 1 else ''}"
    kinds = facts.kinds_of(statements)
    beside = [text for name, text in _PARTS.items() if any(kind.startswith(name) for kind in kinds)]
    beside += dict.fromkeys(ACTIVATIONS[kind] for kind in kinds if kind in ACTIVATIONS)
    beside += [text for kind, text in NORMS.items() if kind in kinds]
    while beside and len(f"{body} with {_joined(beside)}.") > LONGEST:
        beside.pop()
    return body + (f" with {_joined(beside)}." if beside else ".")


_PARTS = {"SqueezeExcite": "squeeze-and-excitation", "SplitAttention": "split attention"}


def _parallel_branches(facts: BlockFacts) -> str:
    """Return ``Parallel branches, concatenated: 1x1 | 1x1, 5x5.``, or less where the line is too long."""
    branches = _branches(facts)
    count = f"{len(facts.branches)} parallel branches, concatenated."
    texts = (f"Parallel branches, concatenated: {branches}.", f"Parallel branches: {branches}.", count)
    return next(text for text in texts if len(text) <= LONGEST or text is count)


def _branches(facts: BlockFacts) -> str:
    """Return the kernels of each branch: ``1x1 | 1x1, 5x5 | pool, 1x1``."""
    texts = []
    for branch in facts.branches:
        words = []
        for statement in branch:
            words += [_words(c) for c in facts.convolutions_of([statement])]
            words += ["pool" for kind in facts.kinds_of([statement]) if kind in POOLS]
        texts.append(", ".join(words) or "the input")
    return " | ".join(texts)


def _words(convolution: Convolution) -> str:
    size = convolution.size or "kxk"
    return f"{size} depthwise" if convolution.is_depthwise else size


def listing(statements: Sequence[Statement]) -> str:
    """Return the operations of some statements in words: ``convolution, 2 reshapes, softmax``.

    Args:
        statements: Statements in execution order.

    Returns:
        A phrase without a full stop; of many operations the layers are counted, and the others named that do more than
        arithmetic and rearranging, as far as the line is wide.
    """
    kinds = [_noun(kind) for kind in BlockFacts.kinds_of(statements)]
    if not kinds:
        return "part of the model"
    stretches: list[tuple[str, int]] = []
    for kind in kinds:
        if stretches and stretches[-1][0] == kind:
            stretches[-1] = (kind, stretches[-1][1] + 1)
        else:
            stretches.append((kind, 1))
    if len(stretches) <= MOST_LISTED:
        return ", ".join(_counted(noun, count) for noun, count in stretches)
    layers = [noun for noun in kinds if noun in _LAYERS]
    counts = [_counted(noun, layers.count(noun)) for noun in dict.fromkeys(layers)]
    telling = [noun for noun in dict.fromkeys(kinds) if noun not in _LAYERS and noun not in _plain_nouns()]
    for count in range(len(telling), 0, -1):
        phrase = f"{_joined(counts)} with {_joined(telling[:count])}" if counts else _joined(telling[:count])
        if len(phrase) < LONGEST:
            return phrase
    rest = len(kinds) - len(layers)
    return _joined([*counts, _counted("other operation", rest)] if rest else counts)


@lru_cache(maxsize=None)
def _plain_nouns() -> frozenset[str]:
    """Return the words for operators that only rearrange, cut or combine values, which say little about a block."""
    moved = {operator.kind for operator in catalogue if operator.layout_only}
    return frozenset(map(_noun, moved | _ARITHMETIC))


_ARITHMETIC = {
    "add", "subtract", "multiply", "divide", "negative", "slice", "slice_like", "split", "concatenate", "stack",
    "where", "broadcast_axes", "broadcast_like", "broadcast_to", "tile", "repeat", "cast", "full_like", "arange",
    "shape", "parameter", "divide_by_sqrt_size",
}  # fmt: skip
_NOUNS = {
    "linear": "linear layer", "max_pool": "max pooling", "average_pool": "average pooling",
    "global_average_pool": "global average pooling", "concatenate": "concatenation", "multiply": "product",
    "matmul": "matrix product", "add": "sum", "subtract": "difference", "divide": "quotient", **NORMS, **ACTIVATIONS,
}  # fmt: skip
_LAYERS = frozenset(("convolution", "transposed convolution", "linear layer", "embedding", "lstm", "gru", "rnn"))


def _noun(kind: str) -> str:
    return _NOUNS.get(kind, kind.replace("_", " "))


def _counted(noun: str, count: int) -> str:
    if count == 1:
        return noun
    plural = noun if noun.endswith(("norm", "ing", "s", "ReLU")) else noun + "s"
    return f"{count} {plural}"


def _joined(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
