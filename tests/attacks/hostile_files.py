"""Make hostile input files by name: ``PYTHONPATH=tests/support python tests/attacks/hostile_files.py NAME FOLDER``.

Each function writes one attack into a folder and returns the path to give to a command. Payloads that try to run code
create the file ``MARKER`` in the current folder.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import tarfile
from pathlib import Path
from typing import Any, Callable

import numpy as np

import hdf5_damage
from fuzzing import samples
from reader.checkpoints import SymbolBuilder, params_bytes
from samples import sample_store

MARKER = "code-was-run"
PAYLOAD = f"__import__('pathlib').Path('{MARKER}').touch()"

Attack = Callable[[Path], Path]

ATTACKS: dict[str, Attack] = {}


def attack(function: Attack) -> Attack:
    """Register an attack by the name of its function."""
    ATTACKS[function.__name__] = function
    return function


def write_symbol(folder: Path, symbol: SymbolBuilder, *heads: int) -> Path:
    """Write a symbol without parameters and return its path."""
    path = folder / "attack-symbol.json"
    path.write_text(symbol.json(*heads), encoding="utf-8")
    return path


@attack
def code_in_einsum_subscripts(folder: Path) -> Path:
    """End a string literal of the emitted source within free text, twice, so that the line becomes a call."""
    symbol = SymbolBuilder()
    x = symbol.add("_npi_einsum", "e0", ["data", "other"], subscripts='ij,jk->ik"\\', num_args="2")
    symbol.add("_npi_einsum", "e1", [x, "other"], subscripts=f"ij,jk->ik');{PAYLOAD}#\"", num_args="2")
    return write_symbol(folder, symbol)


@attack
def code_in_names(folder: Path) -> Path:
    """Put quotes, newlines and calls into the names of nodes, inputs and outputs."""
    symbol = SymbolBuilder()
    x = symbol.variable(f'data"""\n{PAYLOAD}\n"""')
    symbol.add("Activation", f"relu'''\n{PAYLOAD}\n#", [x], act_type="relu")
    return write_symbol(folder, symbol)


def _store_with(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write a store whose manifest was changed and whose header digest is valid again."""
    import mxnet_to_neutral

    symbol = folder / "sound-symbol.json"
    symbol.write_bytes(samples.checkpoints()[1][0])
    parameters = folder / "sound-0000.params"
    parameters.write_bytes(samples.checkpoints()[1][1])
    path = folder / "attack.safetensors"
    with mxnet_to_neutral.read(symbol, parameters) as store:
        store.save(path)
    symbol.unlink()
    parameters.unlink()
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    manifest = json.loads(header["__metadata__"]["neutral"])
    change(manifest)
    path.write_bytes(samples.sealed(header, manifest, content[8 + length :]))
    return path


@attack
def code_in_a_dtype(folder: Path) -> Path:
    """Name another attribute of torch, and then code, as the dtype of a node."""

    def change(manifest: dict[str, Any]) -> None:
        for node in manifest["graph"]["nodes"]:
            if node["kind"] == "one_hot":
                node["attributes"]["dtype"] = f"float32, {PAYLOAD}"

    return _store_with(folder, change)


@attack
def code_in_notes(folder: Path) -> Path:
    """Put code into the notes and file names of a manifest, which reach docstrings."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["notes"] = [f'"""\n{PAYLOAD}\n"""']
        for file in manifest["source"]["files"]:
            file["name"] = f'x"""\n{PAYLOAD}\n"""'.replace("/", "")

    return _store_with(folder, change)


def _tar(folder: Path, *members: tarfile.TarInfo) -> Path:
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        symbol = samples.checkpoints()[0][0]
        info = tarfile.TarInfo("model-symbol.json")
        info.size = len(symbol)
        archive.addfile(info, io.BytesIO(symbol))
        for member in members:
            archive.addfile(member)
    return path


def _link(kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo("model-0000.params")
    info.type = kind
    info.linkname = target
    return info


@attack
def symbolic_link_for_parameters(folder: Path) -> Path:
    """Store a symbolic link to a file of the host in the place of the parameters."""
    return _tar(folder, _link(tarfile.SYMTYPE, "/etc/passwd"))


@attack
def hard_link_for_parameters(folder: Path) -> Path:
    """Store a hard link to a member that is not there in the place of the parameters."""
    return _tar(folder, _link(tarfile.LNKTYPE, "elsewhere.params"))


@attack
def device_for_parameters(folder: Path) -> Path:
    """Store a character device in the place of the parameters."""
    return _tar(folder, _link(tarfile.CHRTYPE, ""))


@attack
def sparse_tar_member(folder: Path) -> Path:
    """Announce a sparse member of 7 GB in 2 KB, as GNU tar packs them."""
    info = tarfile.TarInfo("model-0000.params")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    size = 7 * 2**30
    header[124:136] = b"00000000000\0"
    header[386:398] = f"{size:011o}".encode() + b"\0"  # offset of the only, empty, sparse chunk
    header[398:410] = b"00000000000\0"
    header[483:495] = f"{size:011o}".encode() + b"\0"  # the real size
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    symbol = samples.checkpoints()[0][0]
    plain = tarfile.TarInfo("model-symbol.json")
    plain.size = len(symbol)
    path = folder / "model.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(plain, io.BytesIO(symbol))
    content = path.read_bytes().rstrip(b"\0")
    content += b"\0" * (-len(content) % 512)
    path.write_bytes(content + bytes(header) + b"\0" * 1024)
    return path


@attack
def normalization_without_variance(folder: Path) -> Path:
    """Leave out the running variance of a batch normalization."""
    symbol = SymbolBuilder()
    names = [f"bn0_{role}" for role in ("gamma", "beta", "moving_mean", "moving_var")]
    symbol.add("BatchNorm", "bn0", ["data", *names], fix_gamma="False")
    write_symbol(folder, symbol)
    arrays = {f"arg:bn0_{role}": np.ones(4, np.float32) for role in ("gamma", "beta")}
    (folder / "attack-0000.params").write_bytes(params_bytes({**arrays, "aux:bn0_moving_mean": np.ones(4, np.float32)}))
    return folder / "attack-0000.params"


@attack
def graph_with_a_cycle(folder: Path) -> Path:
    """Let the first node of a manifest take the output of the last."""

    def change(manifest: dict[str, Any]) -> None:
        nodes = manifest["graph"]["nodes"]
        nodes[0]["inputs"][0] = [nodes[-1]["name"], 0]

    return _store_with(folder, change)


@attack
def many_sparse_arrays(folder: Path) -> Path:
    """Announce 200 row-sparse arrays of a gigabyte each, with no row stored, in 18 KB."""
    record = struct.pack("<IiI2q", 0xF993FAC9, 1, 2, 0, 2**14) + struct.pack("<I2q", 2, 2**14, 2**14)
    record += struct.pack("<iii", 1, 0, 0) + struct.pack("<iIq", 6, 1, 0)
    names = b"".join(struct.pack("<Q", len(name)) + name for name in (b"arg:w%d" % k for k in range(200)))
    path = folder / "attack-0000.params"
    path.write_bytes(struct.pack("<3Q", 0x112, 0, 200) + record * 200 + struct.pack("<Q", 200) + names)
    return path


def _one_node(folder: Path, operator: str, inputs: list[str], **attributes: str) -> Path:
    symbol = SymbolBuilder()
    symbol.add(operator, "node0", list(inputs), **attributes)
    return write_symbol(folder, symbol)


@attack
def outputs_without_number(folder: Path) -> Path:
    """Split a value into 10^9 parts."""
    return _one_node(folder, "SliceChannel", ["data"], num_outputs="1000000000", axis="1")


@attack
def layers_without_number(folder: Path) -> Path:
    """Ask for a recurrent network of 10^9 layers."""
    attributes = {"mode": "lstm", "num_layers": "1000000000", "state_size": "2"}
    return _one_node(folder, "RNN", ["data", "packed", "state", "cell"], **attributes)


@attack
def output_of_a_high_number(folder: Path) -> Path:
    """Use output number 10^9 of an operator that has one, and of one that nobody knows."""
    symbol = SymbolBuilder()
    x = symbol.add("NobodyKnows", "node0", ["data"])
    symbol.add("Activation", "node1", [(x, 10**9)], act_type="relu")
    return write_symbol(folder, symbol)


@attack
def constants_of_gigabytes(folder: Path) -> Path:
    """Create a constant of 10^9 zeros."""
    symbol = SymbolBuilder()
    x = symbol.add("_zeros", "node0", [], shape="(1000000000,)", dtype="float32")
    symbol.add("broadcast_add", "node1", ["data", x])
    return write_symbol(folder, symbol)


@attack
def products_of_products(folder: Path) -> Path:
    """Multiply each of 60 values by the one before: as a formula it has 2^40 factors."""
    symbol = SymbolBuilder()
    before: list[Any] = ["data", "other"]
    for index in range(60):
        before.append(symbol.add("elemwise_mul", f"a{index}", before[-2:]))
    return write_symbol(folder, symbol)


@attack
def reshape_of_many_codes(folder: Path) -> Path:
    """Reshape to 100,000 dimensions."""
    return _one_node(folder, "Reshape", ["data"], shape="(" + "0, " * 100_000 + ")")


@attack
def nodes_without_inputs(folder: Path) -> Path:
    """Give no operator of a network any input."""
    symbol = SymbolBuilder()
    part = symbol.add("Reshape", "part", [], shape="(-1,)")
    packed = symbol.add("_rnn_param_concat", "packed", [part], dim="0", num_args="1")
    nodes = [symbol.add("RNN", "lstm", [packed, packed], mode="lstm", num_layers="1", state_size="2")]
    for operator in ("Convolution", "BatchNorm", "Concat", "add_n", "Embedding", "RNN", "_npi_einsum", "dot", "slice"):
        nodes.append(symbol.add(operator, f"{operator}0", []))
    return write_symbol(folder, symbol, *nodes)


@attack
def loop_without_subgraphs(folder: Path) -> Path:
    """Leave out the subgraphs of a loop, and bind its states to inputs that it does not have."""
    locations = {"cond_input_locs": "(0,)", "func_input_locs": "(0,)", "func_var_locs": "(7,)"}
    return _one_node(folder, "_while_loop", ["data"], num_out_data="1", max_iterations="3", **locations)


@attack
def external_links_in_hdf5(folder: Path) -> Path:
    """Link the top level of an HDF5 store to another file of the host."""
    import h5py

    secret = folder / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["data"] = [1.0, 2.0]
    path = folder / "attack.h5"
    with h5py.File(path, "w") as file:
        for name in ("layers", "tensors", "manifest"):
            file[name] = h5py.ExternalLink("secret.h5", "/data")
    return path


def _hdf5_store(folder: Path) -> Path:
    """Write a sound HDF5 store whose writer is another process."""
    import mxnet_to_neutral

    symbol = folder / "sound-symbol.json"
    symbol.write_bytes(samples.checkpoints()[1][0])
    parameters = folder / "sound-0000.params"
    parameters.write_bytes(samples.checkpoints()[1][1])
    path = folder / "attack.h5"
    with mxnet_to_neutral.read(symbol, parameters) as store:
        store.save(path)
    symbol.unlink()
    parameters.unlink()
    return path


@attack
def bit_that_makes_hdf5_hang(folder: Path) -> Path:
    """Flip the bit that sends the HDF5 library into an endless loop when it reads the key of a tensor."""
    path = folder / "attack.h5"
    sample_store(folder).save(path)
    hdf5_damage.make_reading_hang(path, b"fc.weight")
    return path


@attack
def manifest_of_gigabytes_in_hdf5(folder: Path) -> Path:
    """Compress a manifest of 3 GB of spaces a thousandfold."""
    path = _hdf5_store(folder)
    hdf5_damage.write_compressed_manifest(path, 3 << 30)
    return path


@attack
def chunk_of_a_gigabyte_in_hdf5(folder: Path) -> Path:
    """Put a tensor into one compressed chunk of 1 GB, which is unpacked again for every part that is read."""
    path = _hdf5_store(folder)
    hdf5_damage.write_large_chunk(path, hdf5_damage.first_tensor(path), 1 << 30)
    return path


@attack
def external_data_in_hdf5(folder: Path) -> Path:
    """Let a tensor take its data from a file of the host."""
    import h5py

    path = _hdf5_store(folder)
    place = hdf5_damage.first_tensor(path)
    with h5py.File(path, "r+") as file:
        shape, attributes = file[place].shape, dict(file[place].attrs)
        del file[place]
        size = 4
        for extent in shape:
            size *= extent
        dataset = file.create_dataset(place, shape, "<f4", external=[("/etc/passwd", 0, size)])
        dataset.attrs.update(attributes)
    return path


@attack
def soft_link_within_hdf5(folder: Path) -> Path:
    """Replace a layer, below the top level, by a link to the file itself, which has no end."""
    import h5py

    path = _hdf5_store(folder)
    with h5py.File(path, "r+") as file:
        layer = sorted(file["layers"])[0]
        del file["layers"][layer]
        file["layers"][layer] = h5py.SoftLink("/layers")
    return path


if __name__ == "__main__":
    print(ATTACKS[sys.argv[1]](Path(sys.argv[2])))
