"""Map the keys of the emitted module's state dict to tensors of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from neutral.store import Store
from neutral.tensor import Tensor
from neutral_to_torch.emission.structure.module_ir import Block, Instance, Owned


@dataclass
class State:
    """The state dict of an emitted model, and where its layers are.

    Attributes:
        keys: The key in the store, by the key in the state dict.
        constants: The tensors that the store does not hold, by the key in the state dict.
        layers: The path of the torch module that computes a layer or a node, by its name.
        blocks: The path of the block that ends with a layer or a node, by its name.
    """

    keys: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Tensor] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)

    @property
    def modules(self) -> dict[str, str]:
        """The path for each layer or node: of the layer of torch's where there is one, else of the block."""
        return {**self.blocks, **self.layers}

    def add(self, item: Owned, path: str, trees: Mapping[Block, Mapping[int, str]]) -> None:
        """Add the tensors of a layer, or of the layers inside a block.

        Args:
            item: The layer or block.
            path: Its path in the model, such as ``features.0``.
            trees: For each block the path of each of its declarations, by position.
        """
        stack = [(item, path)]
        while stack:
            item, path = stack.pop()
            (self.blocks if isinstance(item, Instance) else self.layers).setdefault(item.owner, path)
            if isinstance(item, Instance):
                inner = trees[item.block]
                present = [(k, own) for k, own in enumerate(item.owns) if own is not None and k in inner]
                stack += [(own, f"{path}.{inner[k]}") for k, own in present]
                continue
            for part, key in item.tensors.items():
                self.keys[f"{path}.{part}" if part else path] = key
            for part, tensor in item.constants.items():
                self.constants[f"{path}.{part}" if part else path] = tensor

    def tied_keys(self) -> list[tuple[str, str]]:
        """Return pairs of state dict keys that hold the same tensor of the store: (the first, another).

        Returns:
            A pair for each further key.
        """
        first: dict[str, str] = {}
        pairs = []
        for key, stored in self.keys.items():
            if stored in first:
                pairs.append((first[stored], key))
            first.setdefault(stored, key)
        return pairs

    def tensors(self, store: Store) -> dict[str, Tensor]:
        """Return the state dict's content; nothing is read.

        Args:
            store: The store that the source was emitted from.

        Returns:
            The tensor by state-dict key, constants of the source included.
        """
        tensors = {key: store.tensors[stored] for key, stored in self.keys.items()}
        return {**tensors, **self.constants}
