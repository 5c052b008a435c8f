"""The interface of what a writer says of the files that it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping, Protocol, Sequence

if TYPE_CHECKING:
    from pathlib import Path


class EmittedModel(Protocol):
    """The files that ``emit`` wrote, and where each tensor of the store is in them.

    Example:
        >>> from pathlib import Path
        >>> from typing import NamedTuple
        >>> class Files(NamedTuple):
        ...     path: Path
        ...     weights: Path
        ...     class_name: str
        ...     lines: int
        ...     keys: dict
        ...     modules: dict
        ...     tied_keys: tuple
        >>> model: EmittedModel = Files(
        ...     Path("net.py"), Path("net.safetensors"), "Net", 40, {"fc.weight": "fc1.weight"}, {"fc1": "fc"}, ()
        ... )
        >>> model.keys["fc.weight"], model.modules["fc1"]
        ('fc1.weight', 'fc')
    """

    path: Path
    """The source file."""
    weights: Path
    """The file of the weights, or the index of shards."""
    class_name: str
    """The class or function of the whole model."""
    lines: int
    """Lines of the source file."""
    keys: Mapping[str, str]
    """Keys of the weights file to keys of the store's tensors."""
    modules: Mapping[str, str]
    """Layers and nodes of the store to paths of submodules; empty for a target without modules."""
    tied_keys: Sequence[tuple[str, str]]
    """Pairs of keys of the weights file that hold one shared tensor."""


class WrittenCheckpoint(Protocol):
    """The files of a checkpoint that ``write`` wrote or would write.

    Example:
        >>> from pathlib import Path
        >>> from typing import NamedTuple
        >>> class Files(NamedTuple):
        ...     paths: tuple
        ...     names: dict
        ...     notes: tuple
        >>> written: WrittenCheckpoint = Files((Path("net-0000.params"),), {"fc1.weight": "head.weight"}, ())
        >>> [path.name for path in written.paths]
        ['net-0000.params']
    """

    paths: Sequence[Path]
    names: Mapping[str, str]
    """Keys of the tensors in ``like`` to names of the tensors that fill them."""
    notes: Sequence[str]
