"""The docstring of an emitted file: the network, how to load it, where it came from, inputs and outputs."""

from __future__ import annotations

import re
from collections import Counter
from typing import Iterable, Sequence

from neutral import __version__
from neutral.graph import Input
from neutral.store import Store
from neutral.store.digests import sha256
from neutral.store.source_files import source_file_chunks
from neutral_to_torch.emission.expression.identifiers import identifier
from neutral_to_torch.emission.expression.layout import WIDTH
from neutral_to_torch.emission.expression.terms import Declaration
from neutral_to_torch.emission.lowering.program import Program
from neutral_to_torch.emission.printing.helper_source import helpers
from neutral_to_torch.emission.printing.state import State
from neutral_to_torch.emission.structure.module_ir import Block, owned
from neutral_to_torch.emission.structure.naming import GLOBALS

_LAYER_NOUNS = {
    "convolution": "convolution", "transposed_convolution": "transposed convolution", "linear": "linear layer",
    "deformable_convolution": "deformable convolution", "embedding": "embedding", "lstm": "LSTM", "gru": "GRU",
    "rnn": "RNN", "lstm_cell": "LSTM cell", "gru_cell": "GRU cell", "rnn_cell": "RNN cell",
}  # fmt: skip
_UNITS = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))


def file_docstring(
    store: Store, name: str, program: Program, blocks: Sequence[Block], state: State, weights: str
) -> str:
    """Return the docstring of an emitted file.

    Args:
        store: The store that the model comes from.
        name: The name of the model's class.
        program: The program before folding.
        blocks: The classes of the file beside the model's.
        state: The model's state dict.
        weights: The name of the file with the state dict.

    Returns:
        Printable text in several lines, without quotes.
    """
    lines = [_summary(store, name, program, blocks, state), "", *_example(name, weights)]
    source = store.source
    lines.append("")
    if source is not None:
        version = f" {source.version}" if source.version else ""
        lines.append(f"Converted from {source.framework}{version} by Neutral {__version__}:")
        for file in source.files:
            lines.append(f"    {file.name}: {file.size} bytes")
            lines.append(f"        SHA-256 {file.sha256 or sha256(source_file_chunks(store, file))}")
    lines.append("Inputs:")
    lines += [f"    {item.name}: {shape_text(item)}" for item in program.inputs] or ["    none"]
    lines.append("Outputs:")
    lines += [f"    {value.node}" + (f" (output {value.output})" if value.output else "") for value in program.outputs]
    return "\n".join(_printable(line) for line in lines)


def _summary(store: Store, name: str, program: Program, blocks: Sequence[Block], state: State) -> str:
    """Return ``Model: 11.7 million parameters in 20 convolutions and 1 linear layer, 8 of class BasicBlock.``"""
    items = [item for item in owned(program.statements) if isinstance(item, Declaration) and item.has_weights]
    layers = Counter(_LAYER_NOUNS[item.kind] for item in items if item.kind in _LAYER_NOUNS)
    count = sum(store.tensors[key].size for key in set(state.keys.values()))
    text = f"{name}: {_rounded(count)} parameters"
    if layers:
        text += " in " + _joined(f"{n} {noun}{'s' if n > 1 else ''}" for noun, n in layers.most_common())
    classes = [block for block in blocks if not block.is_unit and len(block.members) > 2]
    if classes:
        most = max(classes, key=lambda block: len(block.members) * len(block.statements))
        longer = f"{text}, with {len(most.members)} blocks of class {most.name}"
        text = longer if len(longer) < WIDTH - len('"""') else text
    return text + "."


def _rounded(count: int) -> str:
    for size, word in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {word}"
    return str(count)


def _joined(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _example(name: str, weights: str) -> list[str]:
    if weights.endswith(".pth"):
        return [f"    model = {name}()", f'    model.load_state_dict(torch.load("{weights}"))', "    model.eval()"]
    return [
        "    from safetensors.torch import load_file",
        f"    model = {name}().eval()",
        f'    model.load_state_dict(load_file("{weights}"))',
    ]


def class_name_of(store: Store) -> str:
    """Return a class name made from the name of the source's symbol file or the store.

    Args:
        store: The store.

    Returns:
        An identifier in CamelCase.
    """
    files = () if store.source is None else store.source.files
    names = [file.name for file in files if file.role in ("symbol", "graph")] or [file.name for file in files]
    stem = re.sub(r"(-symbol|-\d{4})?(\.\w+)*$", "", re.split(r"[\\/]", names[0])[-1]) if names else ""
    words = [word for word in re.split(r"[^0-9A-Za-z]+", stem) if word]
    name = identifier("".join(word[0].upper() + word[1:] for word in words) or "Model")
    return "Model" if name[0] == "_" or name in GLOBALS or name in helpers() else name


def shape_text(item: Input) -> str:
    """Return an input's shape: ``(N, 3, *, *), float32``; ``N`` is the batch, ``*`` any other free dimension.

    Args:
        item: An input of the graph.

    Returns:
        The shape, and the dtype where it is known.
    """
    if item.shape is None:
        shape = "any shape"
    else:
        names = [
            "N" if k == 0 and dim is None else "*" if dim is None else str(dim) for k, dim in enumerate(item.shape)
        ]
        shape = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
    dtype = item.dtype or ("floating point" if item.floating else "")
    return shape + (f", {dtype}" if dtype else "")


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line).rstrip()
