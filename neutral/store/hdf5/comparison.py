"""Compare the groups, attributes and places of an HDF5 store with its manifest, which is authoritative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping
from urllib.parse import unquote

from neutral.errors import StoreError
from neutral.manifest.schema import KEY
from neutral.store.hdf5.datasets import attribute, member, members, text_attribute
from neutral.store.hdf5.layout import VERSION, escape_key, escape_name, layer_attributes

if TYPE_CHECKING:
    import h5py

    from neutral.graph import Layer


def tree_problems(path: str, file: h5py.File, layers: Mapping[str, Layer], step: Callable[[], None]) -> Iterator[str]:
    """Yield every difference between the file and one that a writer makes of the layers, one line each.

    Args:
        path: The path of the file, for messages.
        file: The file.
        layers: The layers of the manifest by name.
        step: Called before each object that is read.

    Yields:
        The place in the file and the fault.

    Raises:
        StoreError: If an object cannot be read, or leads out of the file.
    """
    yield from _name_problems("/", file, {"layers", "tensors", "manifest"})
    yield from _attribute_problems(path, "/", file, {"format": KEY, "version": VERSION})
    yield from _attribute_problems(path, "/manifest", member(path, file, "manifest"), {})
    groups = member(path, file, "layers")
    yield from _attribute_problems(path, "/layers", groups, {})
    expected = {escape_name(name): layer for name, layer in layers.items()}
    yield from _name_problems("/layers", groups, expected)
    datasets: dict[str, Any] = {}
    for name, group in members(path, "/layers", groups):
        step()
        if name in expected:
            yield from _layer_problems(path, f"/layers/{name}", group, expected[name], datasets)
    yield from _other_tensor_problems(path, member(path, file, "tensors"), datasets, step)


def _layer_problems(path: str, place: str, group: Any, layer: Layer, datasets: dict[str, Any]) -> Iterator[str]:
    """Compare a layer's group; ``datasets`` collects the dataset of every key."""
    yield from _attribute_problems(path, place, group, layer_attributes(layer))
    roles = {escape_name(role): key for role, key in layer.tensors.items()}
    yield from _name_problems(place, group, roles)
    for name, dataset in members(path, place, group):
        if name not in roles:
            continue
        key = roles[name]
        if datasets.setdefault(key, dataset) != dataset:
            yield f"{place}/{name}: a copy of the tensor {key!r}; expected a hard link to the same dataset"
        yield from _tensor_problems(path, f"{place}/{name}", dataset, key)


def _other_tensor_problems(
    path: str, group: Any, datasets: Mapping[str, Any], step: Callable[[], None]
) -> Iterator[str]:
    yield from _attribute_problems(path, "/tensors", group, {})
    for name, dataset in members(path, "/tensors", group):
        step()
        key = unquote(text_attribute(path, f"/tensors/{name}", dataset, "key"))
        if escape_name(key) != name or key in datasets:
            yield f"/tensors/{name}: it is the tensor {key!r}, whose place is another one"
        yield from _tensor_problems(path, f"/tensors/{name}", dataset, key)


def _tensor_problems(path: str, place: str, dataset: Any, key: str) -> Iterator[str]:
    code = text_attribute(path, place, dataset, "dtype")  # compared with the type when the file is opened
    yield from _attribute_problems(path, place, dataset, {"key": escape_key(key), "dtype": code})


def _name_problems(place: str, group: Any, expected: Any) -> Iterator[str]:
    names = set(group)
    for name in sorted(set(expected) - names):
        yield f"{place}: {unquote(name)!r} is missing"
    for name in sorted(names - set(expected)):
        yield f"{place}: {unquote(name)!r} is not in the manifest"


def _attribute_problems(path: str, place: str, item: Any, expected: Mapping[str, Any]) -> Iterator[str]:
    names = set(item.attrs)
    for name in sorted(names - set(expected)):
        yield f"{place}: its attribute {name!r} is not in the manifest"
    for name, value in expected.items():
        if name not in names:
            yield f"{place}: its attribute {name!r} is missing"
            continue
        try:
            stored = attribute(path, place, item, name)
        except StoreError as error:
            yield str(error)
            continue
        if not _is_same(stored, value):
            yield f"{place}: its attribute {name!r} is {stored!r} and the manifest says {value!r}"


def _is_same(stored: Any, expected: Any) -> bool:
    import numpy as np

    if isinstance(expected, str) or isinstance(stored, str):
        return isinstance(expected, str) and isinstance(stored, str) and stored == expected
    stored, expected = np.asarray(stored), np.asarray(expected)
    return (stored.dtype, stored.shape) == (expected.dtype, expected.shape) and stored.tobytes() == expected.tobytes()
