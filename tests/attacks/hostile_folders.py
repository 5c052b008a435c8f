"""Make folders as a killed run, a full disk or an enemy leaves them, by name; ``hostile_files.py`` makes files.

``PYTHONPATH=tests/support python tests/attacks/hostile_folders.py NAME FOLDER`` prints the file to give to a command.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Callable

import numpy as np

from cli_cases import linear_store, ndarray_list
from hdf5_damage import first_tensor
from neutral.store import Store, shards
from neutral.tensor import from_numpy

State = Callable[[Path], Path]

STATES: dict[str, State] = {}

SHARD_SIZE = 24
"""Bytes of data in a shard: three shards for the sample model."""


def state(function: State) -> State:
    """Register a state by the name of its function."""
    STATES[function.__name__] = function
    return function


def model(offset: int) -> Store:
    """Return a model of one architecture, whose weights depend on ``offset``."""
    store = linear_store()
    tensors = {key: from_numpy(store[key] + np.full((), offset, store[key].dtype)) for key in store.tensors}
    return Store(store.layers, tensors, store.graph, store.source)


def _sets(folder: Path) -> tuple[list[str], list[str]]:
    """Write the shards of two models of one architecture; return the paths of each."""
    first = shards.write(model(0), str(folder / "m.safetensors"), max_shard_size=SHARD_SIZE)
    (folder / "other").mkdir()
    return first, shards.write(model(5), str(folder / "other" / "m.safetensors"), max_shard_size=SHARD_SIZE)


@state
def shards_of_two_sets(folder: Path) -> Path:
    """Put a shard of a newer set beside those of the older one, under the older index."""
    old, new = _sets(folder)
    os.replace(new[1], old[1])
    return Path(old[-1])


@state
def index_of_another_set(folder: Path) -> Path:
    """Put the index of a newer set over the shards of the older one."""
    old, new = _sets(folder)
    os.replace(new[-1], old[-1])
    return Path(old[-1])


@state
def weights_of_another_model(folder: Path) -> Path:
    """Put the weights of a newer model of the same architecture beside the older source."""
    import neutral_to_torch

    neutral_to_torch.emit(model(0), folder / "net.py", class_name="Net")
    (folder / "other").mkdir()
    neutral_to_torch.emit(model(5), folder / "other" / "net.py", class_name="Net")
    os.replace(folder / "other" / "net.safetensors", folder / "net.safetensors")
    return folder / "net.py"


@state
def shards_of_another_hub_folder(folder: Path) -> Path:
    """Put a shard of a newer model of the same architecture beside the older source in a folder for model hubs."""
    import neutral_to_torch

    for name, offset in (("hub", 0), ("newer", 5)):
        neutral_to_torch.write_hub(model(offset), folder / name, class_name="Net", max_shard_size=SHARD_SIZE)
    shard = "model-00001-of-00002.safetensors"
    os.replace(folder / "newer" / shard, folder / "hub" / shard)
    return folder / "hub" / "model.py"


@state
def folder_of_a_killed_run(folder: Path) -> Path:
    """Kill a process that writes a folder before it is complete."""
    from neutral.store.atomic_folder import atomic_folder

    child = os.fork()
    if child == 0:
        with atomic_folder(folder / "hub") as unfinished:
            (unfinished / "model.py").write_text("half of a")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    return folder / "hub"


@state
def two_sources_of_one_name(folder: Path) -> Path:
    """Make two folders with different checkpoints of one name."""
    for number in (1, 2):
        (folder / f"source{number}").mkdir()
        content = ndarray_list({"dense0_weight": np.full((4, 2), number, "<f4")})
        (folder / f"source{number}" / "model.params").write_bytes(content)
    return folder


def _hdf5(folder: Path) -> Path:
    path = folder / "attack.h5"
    model(0).save(path)
    return path


@state
def changed_attribute_in_hdf5(folder: Path) -> Path:
    """Change an attribute that people see who browse the file, but not the manifest."""
    import h5py

    path = _hdf5(folder)
    with h5py.File(path, "r+") as file:
        file["layers/fc1"].attrs["out_features"] = 3
    return path


@state
def unreadable_attribute_in_hdf5(folder: Path) -> Path:
    """Damage the heap of the texts of attributes, which h5py then cannot read; no tensor uses those bytes."""
    path = _hdf5(folder)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"GCOL", b"GCOX"))
    return path


@state
def layer_removed_from_hdf5(folder: Path) -> Path:
    """Move the group of a layer away from the layers, with its tensors."""
    import h5py

    path = _hdf5(folder)
    with h5py.File(path, "r+") as file:
        file.move("layers/fc1", "tensors/fc1")
    return path


@state
def exchanged_tensors_in_hdf5(folder: Path) -> Path:
    """Exchange the names of two tensors."""
    import h5py

    path = _hdf5(folder)
    with h5py.File(path, "r+") as file:
        layer = file[first_tensor(path).rpartition("/")[0]]
        layer.move("weight", "w")
        layer.move("bias", "weight")
        layer.move("w", "bias")
    return path


@state
def model_larger_than_the_disk(folder: Path) -> Path:
    """Write a model of 200 KB, for a disk with less room than that."""
    weight, bias = np.ones((160, 320), np.float32), np.zeros(160, np.float32)
    store = linear_store()
    layer = store.layers["fc1"]
    layer = type(layer)("fc1", "linear", {"out_features": 160, "flatten": False}, layer.tensors)
    graph = store.graph
    assert graph is not None
    node = type(graph.nodes[0])("fc1", "linear", graph.nodes[0].inputs, layer.attributes, layer="fc1")
    tensors = {"fc1.weight": from_numpy(weight), "fc1.bias": from_numpy(bias)}
    path = folder / "large.safetensors"
    Store({"fc1": layer}, tensors, type(graph)(graph.inputs, (node,), graph.outputs)).save(path)
    return path


if __name__ == "__main__":
    print(STATES[sys.argv[1]](Path(sys.argv[2])))
