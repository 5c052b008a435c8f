"""Turn names of the source into names of modules: tokens, common prefixes, unique identifiers."""

from __future__ import annotations

import builtins
import re
from functools import lru_cache
from typing import Iterable, Sequence

from neutral.rewriting import UniqueNames
from neutral_to_torch.emission.expression.identifiers import identifier

GLOBALS = frozenset(("torch", "nn", "F", "math", "Tensor", "OrderedDict", "self", *dir(builtins)))
"""Names that no variable of ``forward`` may have."""

_WORDS = (
    "alignment", "anchor", "atrous", "attention", "aux", "bn", "bert", "block", "box", "center", "class", "classifier",
    "conv", "custom", "decoder", "deep", "detection", "detector", "down", "downsample", "embedding", "encoder",
    "expansion", "extractor", "fast", "faster", "fcn", "feature", "features", "fpn", "fusion", "generator", "global",
    "head", "hybrid", "lab", "learning", "light", "mask", "model", "module", "multi", "net", "norm", "normalized",
    "output", "per", "pool", "pooling", "pose", "position", "predictor", "proposal", "psp", "pyramid", "relu", "rcnn",
    "residual", "resnet", "roberta", "rpn", "sample", "siam", "simple", "ssd", "stage", "to", "track", "transition",
    "up", "vgg", "yolo",
)  # fmt: skip
"""Words that sources write together: ``convpredictor`` is ``conv`` and ``predictor``."""

_WORD = re.compile(f"(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})(?:v?[0-9]+)?")
_SUFFIXES = re.compile(r"(_fwd|_output)$")


@lru_cache(maxsize=None)
def module_members() -> frozenset[str]:
    """Names that a submodule may not have, because nn.Module or nn.Sequential uses them.

    Returns:
        Names of attributes and methods.
    """
    from torch import nn

    return frozenset(dir(nn.Sequential())) | {"forward"}


def tokens(name: str) -> list[str]:
    """Return the parts of a name: ``stage1_unit1.conv1`` has three.

    Args:
        name: The name of a layer or node.

    Returns:
        The parts between characters other than ASCII letters and digits, without suffixes of operators.
    """
    return [token for token in re.split(r"[^0-9A-Za-z]+", _SUFFIXES.sub("", name)) if token]


def split_words(token: str) -> str:
    """Return a token with an underscore between its words, where all are known.

    Args:
        token: A word of a name, such as ``convpredictor``.

    Example:
        >>> split_words("convpredictor")
        'conv_predictor'
        >>> split_words("resnetv1")
        'resnetv1'
    """
    words = _WORD.findall(token)
    return "_".join(words) if "".join(words) == token else token


def common(names: Iterable[Sequence[str]]) -> list[str]:
    """Return the tokens that all names begin with.

    Args:
        names: The tokens of each name.

    Returns:
        The longest common beginning, empty if there is none.
    """
    shared: list[str] = []
    for column in zip(*names):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return shared


def strip_common(names: Sequence[str]) -> dict[str, list[str]]:
    """Return each name's tokens without the common beginning of all; at least one token stays.

    Args:
        names: Names of layers or nodes.

    Returns:
        The remaining tokens by name.
    """
    split = {name: tokens(name) or ["value"] for name in names}
    shared = len(common(split.values())) if len(split) > 1 else 0
    shortest = min(map(len, split.values()), default=1)
    return {name: parts[min(shared, shortest - 1) :] for name, parts in split.items()}


def pattern(names: Sequence[Sequence[str]]) -> str:
    """Return the name that several instances' names share, without their numbers.

    ``[stage1, conv3]`` and ``[stage2, conv7]`` give ``stage_conv``.

    Args:
        names: The tokens of each instance's name.
    """
    if len({tuple(name) for name in names}) == 1:
        return "_".join(names[0])
    if len({len(name) for name in names}) > 1:
        size = min(map(len, names))
        names = [name[-size:] for name in names]
    parts = []
    for column in zip(*names):
        if len(set(column)) == 1:
            parts.append(column[0])
        else:
            stems = {re.match("[A-Za-z]*", token)[0] for token in column}  # type: ignore[index]
            stem = stems.pop() if len(stems) == 1 else ""
            if stem:
                parts.append(stem)
    return "_".join(part for part, before in zip(parts, ["", *parts]) if part != before)


class UniqueIdentifiers(UniqueNames):
    """Make identifiers of Python unique by appending a number.

    Args:
        taken: Identifiers that must not be given.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        super().__init__(taken, separator="")

    def __call__(self, name: str) -> str:
        """Return the name as an identifier, with a number or, for members of modules, an underscore if it is taken."""
        base = identifier(name)
        if base in self and f"{base}_" not in self and base in module_members():
            base = f"{base}_"
        return super().__call__(base)

    def numbered(self, name: str, number: int) -> str:
        """Return a name with a number, after an underscore where the name ends with a digit.

        Args:
            name: An identifier.
            number: The number to append.

        Returns:
            Such as ``conv2``, or ``v1_2`` for ``v1``.
        """
        return f"{name}{'_' if name[-1].isdigit() else ''}{number}"
