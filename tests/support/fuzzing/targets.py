"""The input formats that are fuzzed: their samples, and the code path that takes each."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Sequence

from fuzzing import samples
from fuzzing.mutations import mutate_bytes, mutate_document


@dataclass(frozen=True)
class Target:
    """An input format.

    Attributes:
        name: The format's name, by which the command line and the kept corpus know it.
        make: Return a mutated input, drawn from the generator.
        run: Give an input to the code under test; the folder is empty and may be written to.
        prepare: Import the heavy modules and make the samples, before the memory limit is set.
        isolated: Neutral reads the format in a child process of its own, whose end by a signal is a refusal.
        evaluates: The graph runs, in which attributes of any size may make values of any size.
    """

    name: str
    make: Callable[[random.Random], Any]
    run: Callable[[Any, Path], None]
    prepare: Callable[[], None] = field(default=lambda: None)
    isolated: bool = False
    evaluates: bool = False


def follow_the_whole_path(store: Any, folder: Path) -> None:
    """Take an accepted store through every verb that a user could call on it next.

    Saves, opens and checks it, and emits and builds its graph where it has one.
    """
    import neutral
    import neutral_to_torch
    from neutral.store.check import check

    target = folder / "accepted.safetensors"
    store.save(target)
    report = check(target, data=True)
    if not report.ok:
        raise AssertionError(f"export wrote a store that check refuses: {report.problems[0]}")
    with neutral.open(target) as opened:
        if opened.graph is not None:
            neutral_to_torch.build(opened)


def _bytes_of(variants: Callable[[], Sequence[bytes]]) -> Callable[[random.Random], bytes]:
    return lambda generator: mutate_bytes(generator.choice(variants()), generator)


def _run_params(content: bytes, folder: Path) -> None:
    import mxnet_to_neutral

    path = folder / "model-0000.params"
    path.write_bytes(content)
    with mxnet_to_neutral.read(path) as store:
        follow_the_whole_path(store, folder)


def _make_symbol(generator: random.Random) -> tuple[bytes, bytes]:
    symbol, params = generator.choice(samples.checkpoints())
    if generator.random() < 0.1:
        return mutate_bytes(symbol, generator), params
    return json.dumps(mutate_document(json.loads(symbol), generator)).encode("utf-8", "surrogatepass"), params


def _run_checkpoint(content: tuple[bytes, bytes], folder: Path) -> None:
    import mxnet_to_neutral

    (folder / "model-symbol.json").write_bytes(content[0])
    (folder / "model-0000.params").write_bytes(content[1])
    with mxnet_to_neutral.read(folder / "model-symbol.json", folder / "model-0000.params") as store:
        follow_the_whole_path(store, folder)


def _run_on_arrays(content: tuple[bytes, bytes], folder: Path) -> None:
    """Record the values of a graph, and describe the run as ``inspect --summary`` does."""
    import mxnet_to_neutral
    from neutral import reference
    from neutral.cli.summary import summarize

    (folder / "model-symbol.json").write_bytes(content[0])
    (folder / "model-0000.params").write_bytes(content[1])
    with mxnet_to_neutral.read(folder / "model-symbol.json", folder / "model-0000.params") as store:
        free = store.graph.inputs if store.graph is not None else ()
        shapes = {item.name: (2, 3) for item in free if item.name == "data" and item.shape is None}
        summarize(store, shapes, all_nodes=True)
        inputs, notes = reference.draw_inputs(store, {}, shapes)
        reference.record(store, inputs, folder / "golden.safetensors", notes=notes)


def _run_to_onnx(content: tuple[bytes, bytes], folder: Path) -> None:
    import mxnet_to_neutral
    import neutral_to_onnx

    (folder / "model-symbol.json").write_bytes(content[0])
    (folder / "model-0000.params").write_bytes(content[1])
    with mxnet_to_neutral.read(folder / "model-symbol.json", folder / "model-0000.params") as store:
        neutral_to_onnx.write(store, folder / "model.onnx")


def _run_archive(content: bytes, folder: Path) -> None:
    import mxnet_to_neutral

    path = folder / "model.tar.gz"
    path.write_bytes(content)
    with mxnet_to_neutral.read(path) as store:
        follow_the_whole_path(store, folder)


@lru_cache(maxsize=None)
def _archives() -> Sequence[bytes]:
    symbol, params = samples.checkpoints()[0]
    members = {"model-symbol.json": symbol, "model-0000.params": params}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return plain.getvalue(), packed.getvalue()


@lru_cache(maxsize=None)
def stores(suffix: str = ".safetensors") -> Sequence[bytes]:
    import mxnet_to_neutral

    contents = []
    with tempfile.TemporaryDirectory() as name:
        for symbol, params in samples.checkpoints():
            source = Path(name) / "model-symbol.json"
            source.write_bytes(symbol)
            (Path(name) / "model-0000.params").write_bytes(params)
            target = Path(name) / f"store{suffix}"
            with mxnet_to_neutral.read(source, Path(name) / "model-0000.params") as store:
                store.save(target)
            contents.append(target.read_bytes())
    return tuple(contents)


def _run_store(content: bytes, folder: Path) -> None:
    import neutral
    import neutral_to_torch

    path = folder / "model.safetensors"
    path.write_bytes(content)
    with neutral.open(path) as store:
        store.save(folder / "copy.safetensors")
        if store.graph is not None:
            neutral_to_torch.build(store)


def _make_manifest(generator: random.Random) -> bytes:
    """Return a store whose manifest was changed and whose header is sealed again, as a hostile writer would."""
    content = generator.choice(stores())
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    manifest = mutate_document(json.loads(header["__metadata__"]["neutral"]), generator)
    return samples.sealed(header, manifest, content[8 + length :])


def _run_hdf5(content: bytes, folder: Path) -> None:
    """Read in this process what Neutral reads in a child; what is called sound must have the original content."""
    import neutral
    from neutral.store.check import check
    from neutral.store.hdf5.reading import remember_written

    path = folder / "model.h5"
    path.write_bytes(content)
    remember_written(str(path))
    with neutral.open(path) as store:
        if check(path, data=True).ok and hdf5_content(path) not in _hdf5_contents():
            raise AssertionError("check calls a changed file sound")
        store.save(folder / "copy.safetensors")


def hdf5_content(path: Path) -> str:
    """Return a digest of all that h5py shows of a file: names, links, attributes and data."""
    import h5py
    import numpy as np

    lines = []
    with h5py.File(path, "r") as file:
        groups: list[tuple[str, Any]] = [("/", file)]
        for place, item in groups:
            for name in sorted(item.attrs):
                value = item.attrs[name]
                shown = value if isinstance(value, str) else (np.asarray(value).dtype.str, np.asarray(value).tolist())
                lines.append(f"{place} @{name} {shown!r}")
            if isinstance(item, h5py.Group):
                groups += [(f"{place.rstrip('/')}/{name}", item[name]) for name in sorted(item)]
            else:
                lines.append(f"{place} {item.dtype.str} {item.shape} {item[()].tobytes().hex()}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


@lru_cache(maxsize=None)
def _hdf5_contents() -> set[str]:
    contents = set()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.h5"
        for content in (*stores(".h5"), *_small_hdf5()):
            path.write_bytes(content)
            contents.add(hdf5_content(path))
    return contents


@lru_cache(maxsize=None)
def _small_hdf5() -> Sequence[bytes]:
    """Return stores whose bytes are mostly the structure of HDF5, with a shared tensor and a kept one."""
    import numpy as np

    from neutral.graph import Layer
    from neutral.source import Piece, SourceFile, StoreSource
    from neutral.store import Store, hdf5
    from neutral.tensor import from_numpy

    attributes = {"operator": "Scale", "attributes": {"axes": "(0, 1)"}, "reason": "unknown"}
    layers = {
        "bn": Layer("bn", "opaque", attributes, {"weight": "bn.weight"}),
        "tied": Layer("tied", "parameter", {}, {"value": "bn.weight"}),
    }
    tensors = {"bn.weight": from_numpy(np.arange(6, dtype=np.float32).reshape(2, 3))}
    tensors["source.kept"] = from_numpy(np.arange(3, dtype=np.int8))
    file = SourceFile("a.params", "parameters", "list", 27, (Piece("bn.weight"), Piece("source.kept")))
    store = Store(layers, tensors, source=StoreSource("any", None, (file,)))
    contents = []
    with tempfile.TemporaryDirectory() as name:
        for compression in (None, "gzip"):
            path = Path(name) / "small.h5"
            hdf5.write(store, str(path), compression=compression)
            contents.append(path.read_bytes())
    return tuple(contents)


def _run_golden(content: bytes, folder: Path) -> None:
    from neutral.verification.golden import open_golden

    path = folder / "golden.safetensors"
    path.write_bytes(content)
    golden = open_golden(path)
    for item in golden.inputs:
        golden.array(item.key)
    for key in golden.outputs:
        golden.array(key)


def _make_golden(generator: random.Random) -> bytes:
    content = samples.golden()
    if generator.random() < 0.5:
        return mutate_bytes(content, generator)
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    for key, text in header["__metadata__"].items():
        try:
            document = json.loads(text)
        except ValueError:
            continue
        header["__metadata__"][key] = json.dumps(mutate_document(document, generator))
    encoded = json.dumps(header if generator.random() < 0.5 else mutate_document(header, generator)).encode()
    return len(encoded).to_bytes(8, "little") + encoded + content[8 + length :]


def _import_everything() -> None:
    import mxnet_to_neutral  # noqa: F401
    import neutral_to_torch
    from neutral.store import hdf5  # noqa: F401

    assert callable(neutral_to_torch.build)
    samples.checkpoints()
    stores()


def _import_onnx() -> None:
    import neutral_to_onnx

    assert callable(neutral_to_onnx.write)
    samples.checkpoints()


def _prepare_hdf5() -> None:
    _import_everything()
    _hdf5_contents()


TARGETS = {
    target.name: target
    for target in (
        Target("params", _bytes_of(samples.parameter_files), _run_params, _import_everything),
        Target("symbol", _make_symbol, _run_checkpoint, _import_everything),
        Target("symbol_run", _make_symbol, _run_on_arrays, _import_everything, evaluates=True),
        Target("symbol_to_onnx", _make_symbol, _run_to_onnx, _import_onnx),
        Target("archive", _bytes_of(_archives), _run_archive, _import_everything),
        Target("store", _bytes_of(stores), _run_store, _import_everything),
        Target("manifest", _make_manifest, _run_store, _import_everything),
        Target("hdf5", _bytes_of(lambda: stores(".h5")), _run_hdf5, _prepare_hdf5, isolated=True),
        Target("hdf5_small", _bytes_of(_small_hdf5), _run_hdf5, _prepare_hdf5, isolated=True),
        Target("golden", _make_golden, _run_golden, _import_everything),
    )
}
