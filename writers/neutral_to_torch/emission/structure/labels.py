"""Labels of submodules: the tokens of their names in the source, without the prefix that all names share."""

from __future__ import annotations

import re
from collections import Counter
from typing import Sequence

from neutral_to_torch.emission.expression.terms import Declaration
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.module_ir import Block, Instance, Owned, callee, has_weights, owned
from neutral_to_torch.emission.structure.naming import common, pattern, tokens

BASE_NAMES = {
    "convolution": "conv", "transposed_convolution": "deconv", "deformable_convolution": "conv", "batch_norm": "bn",
    "layer_norm": "norm", "instance_norm": "norm", "group_norm": "norm", "local_response_norm": "norm",
    "linear": "fc", "embedding": "embedding", "max_pool": "pool", "average_pool": "pool", "sum_pool": "pool",
    "global_average_pool": "pool", "global_max_pool": "pool", "adaptive_average_pool": "pool", "dropout": "dropout",
    "prelu": "prelu", "relu": "relu", "clamp": "relu", "leaky_relu": "act", "elu": "act", "selu": "act",
    "activation": "act", "gelu": "act", "silu": "act", "hard_swish": "act", "hard_sigmoid": "act",
    "hard_sigmoid_of_sixths": "act", "upsample_nearest": "upsample",
    "lstm": "lstm", "gru": "gru", "rnn": "rnn", "dot_product_attention": "attention",
    "self_dot_product_attention": "attention", "cross_dot_product_attention": "attention",
    "sigmoid": "sigmoid", "tanh": "tanh", "softmax": "softmax", "flatten": "flatten", "parameter": "value",
}  # fmt: skip
"""Names of submodules by catalogue kind, for layers that the source names by their kind only."""

KIND_WORDS = frozenset((
    *BASE_NAMES.values(), "convolution", "conv2d", "batchnorm", "syncbatchnorm", "batchnormcudnnoff", "layernorm",
    "dense", "activation", "fullyconnected", "pooling", "leakyrelu", "swish", "fwd",
)) - {"attention"}  # fmt: skip
"""Words by which sources name layers after their kind; with a counter from 0 they say nothing else. Attention is not
among them: it is the scope of its projections."""

ARGUMENT_WORDS = frozenset(("stride", "padding", "dilation", "groups", "bias", "kernel_size", "channels", "features"))
"""Names of arguments, which would mislead as names of layers."""

_MEANINGLESS = {"node"}


class Labels:
    """The tokens of submodules and parameters. Those of an instance are the common beginning of its layers' names."""

    def __init__(self, statements: Sequence[Statement], blocks: Sequence[Block]) -> None:
        self._tokens: dict[Owned, list[str]] = {}
        items = owned(statements)
        top = list(items)
        for block in blocks:
            items += [item for member in block.members for item in member.owns if item is not None]
        with_tensors = [i for i in items if isinstance(i, Declaration) and (i.tensors or i.constants)]
        shared = common(tokens(item.owner) for item in with_tensors) if len(with_tensors) > 1 else []
        self._shared = shared if all(len(tokens(i.owner)) > len(shared) for i in with_tensors) else shared[:-1]
        if self._shared and with_tensors:
            rests = [self.without_prefix(i.owner) for i in with_tensors]
            if not any(rest and rest[0][0].isalpha() for rest in rests):
                self._shared = []
        self._counted = {_stem(tokens(item.owner)[-1]) for item in items if _is_first(tokens(item.owner))}
        self._heads = Counter(tuple(self.tokens(item)[:-1]) for item in top)

    def without_prefix(self, name: str) -> list[str]:
        """Return the tokens of a name without the common beginning of all layers' names.

        Args:
            name: The name of a layer or node.

        Returns:
            At least one token.
        """
        parts = tokens(name)
        count = len(self._shared)
        return parts[count:] if parts[:count] == self._shared and len(parts) > count else parts

    def tokens(self, item: Owned) -> list[str]:
        """Return the tokens of a layer or node, or those that most layers of an instance share.

        Args:
            item: A submodule, parameter or buffer.

        Returns:
            The tokens, without the common beginning of all names; empty for an instance whose layers share none.
        """
        if item not in self._tokens:
            self._tokens[item] = self._of_instance(item) if isinstance(item, Instance) else self._of_layer(item)
        return self._tokens[item]

    def _of_layer(self, item: Declaration) -> list[str]:
        """Return the tokens of a layer; a counter that the source gave by itself becomes the name of the kind."""
        parts = self.without_prefix(item.owner)
        if parts and parts[-1][-1:].isdigit() and _stem(parts[-1]) in self._counted:
            return [*parts[:-1], base(item)]
        return parts

    def _of_instance(self, item: Instance) -> list[str]:
        with_tensors = [own for own in item.owns if own is not None and has_tensors(own)]
        inner = [self.tokens(own) + [""] * isinstance(own, Instance) for own in with_tensors]
        if not inner:
            return []
        if item.block.is_unit and len(inner) <= HEURISTICS.longest_unit_label:
            weighted = [self.tokens(own) for own in item.owns if own is not None and has_weights(own)]
            return (weighted or inner)[0]
        prefix: list[str] = []
        while True:
            longer = Counter(tuple(parts[: len(prefix) + 1]) for parts in inner if len(parts) > len(prefix) + 1)
            best, count = longer.most_common(1)[0] if longer else ((), 0)
            counted = bool(best) and best[-1] in KIND_WORDS
            if counted or count < len(inner) * HEURISTICS.shared_prefix or list(best[:-1]) != prefix:
                return prefix
            prefix = list(best)

    def top(self, item: Owned) -> str:
        """Return the label of a submodule of the model itself.

        Args:
            item: A submodule, parameter or buffer of the model.

        Returns:
            Tokens joined by underscores, or the name of its kind; several items may have the same.
        """
        parts = self.tokens(item)
        if not parts or parts[0] in _MEANINGLESS or (parts[-1] in ARGUMENT_WORDS and has_tensors(item)):
            return base(item)
        if not has_tensors(item) and _stem(parts[0]) in KIND_WORDS:
            return base(item)
        plain = isinstance(item, Declaration) and has_tensors(item) and len(parts) > 1 and parts[-1] == base(item)
        if plain and parts[-2][0].isalpha() and self._heads[tuple(parts[:-1])] == 1:
            parts = parts[:-1]
        return "_".join(parts)

    def inside(self, block: Block) -> dict[Owned, str]:
        """Return the labels of a block's submodules: the shared part of its members' names. Some may be equal.

        Args:
            block: The class.

        Returns:
            The label by submodule, parameter or buffer.
        """
        rests: list[list[list[str]]] = []
        for position in range(len(block.owns)):
            owns = [(member, member.owns[position]) for member in block.members]
            rests.append([self._rest(own, member) for member, own in owns if own is not None])
        patterns = [pattern(names) if all(names) else "" for names in rests]
        varying = {_bare(p) for p, names in zip(patterns, rests) if len(set(map(tuple, names))) > 1}
        names_inside = []
        for item, label in zip(block.owns, patterns):
            label = _bare(label) if _bare(label) in varying else label
            good = label and label.partition("_")[0] not in _MEANINGLESS
            good = good and (has_tensors(item) or "_" not in label) and label not in ARGUMENT_WORDS
            names_inside.append(label if good and not isinstance(item, Instance) else base(item))
        return dict(zip(block.owns, _without_shared(names_inside)))

    def _rest(self, own: Owned, member: Instance) -> list[str]:
        """Return the tokens of something inside an instance, without those of the instance."""
        parts, prefix = self.tokens(own), self.tokens(member)
        shared = len(common([parts, prefix]))
        rest = parts[shared:] if len(parts) > shared else parts[-1:]
        if shared and rest and rest[0].isdigit() and len(rest) < len(parts):
            rest = [prefix[shared - 1].rstrip("0123456789"), *rest]
        return rest


def _bare(label: str) -> str:
    return label.rstrip("0123456789")


def _without_shared(names: Sequence[str]) -> list[str]:
    """Return the names without the first word that all of them have."""
    split = [name.split("_") for name in names]
    while len(split) > 1 and len({parts[0] for parts in split}) == 1:
        if not all(len(parts) > 1 and parts[1][:1].isalpha() for parts in split):
            break
        split = [parts[1:] for parts in split]
    return ["_".join(parts) for parts in split]


def numbered(names: Sequence[str]) -> list[str]:
    """Append numbers to names that occur more than once: conv1, conv2.

    Args:
        names: Names, in order.

    Returns:
        As many names, in the same order.
    """
    totals, counts = Counter(names), Counter[str]()
    result = []
    for name in names:
        counts[name] += 1
        separator = "_" if name[-1:].isdigit() else ""
        result.append(f"{name}{separator}{counts[name]}" if totals[name] > 1 else name)
    return result


def has_tensors(item: Owned) -> bool:
    """Return whether a part of the module has an entry in the state dict.

    Args:
        item: A submodule, parameter or buffer.

    Returns:
        True for every instance of a block.
    """
    return isinstance(item, Instance) or bool(item.tensors or item.constants)


def base(item: Owned) -> str:
    """Return a submodule's name by its kind.

    Args:
        item: A submodule, parameter or buffer.

    Returns:
        Such as ``conv``; ``convs`` for a chain of convolutions, for other blocks the class name in lower case.
    """
    if isinstance(item, Instance):
        if item.block.is_unit:
            layer = next((own for own in item.block.owns if has_weights(own)), None)
            if layer is not None and (isinstance(layer, Declaration) or layer.block.is_unit):
                return base(layer)
        if item.block.is_chain and item.block.name.count("Conv") > 1:
            return "convs"
        name = re.sub("P?ReLU|[BILG]N(?=[A-Z]|$)", lambda match: match[0].capitalize(), item.block.name)
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if callee(item.constructor) in ("nn.Parameter", "torch.empty") or item.buffer:
        return "value"
    return BASE_NAMES.get(item.kind, "part")


def _stem(token: str) -> str:
    return token.rstrip("0123456789")


def _is_first(parts: Sequence[str]) -> bool:
    """Return whether a name ends with a kind's word and the counter 0, as the source's own names do."""
    return bool(parts) and parts[-1][-1:] == "0" and parts[-1][:-1] in KIND_WORDS
