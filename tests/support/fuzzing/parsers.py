"""Targets that end at a parser: thousands of cases a second, where the whole path allows ten."""

from __future__ import annotations

import io
import json
import random
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Sequence

from fuzzing import samples
from fuzzing.mutations import mutate_bytes, mutate_document
from fuzzing.targets import Target, stores

PLAN = """neutral_plan = 1
fold_batch_norms = false
"conv0" = "features.0"
"q + k + v" = "attention.qkv"
[layers]
"bn0" = "features.1"
"""


def _make_arrays(generator: random.Random) -> bytes:
    return mutate_bytes(generator.choice(samples.parameter_files()), generator)


def _run_arrays(content: bytes, folder: Path) -> None:
    from mxnet_to_neutral.arrays import read_arrays

    path = folder / "model.params"
    path.write_bytes(content)
    read_arrays(path)


def _make_symbol(generator: random.Random) -> bytes:
    symbol, _ = generator.choice(samples.checkpoints())
    if generator.random() < 0.2:
        return mutate_bytes(symbol, generator)
    return json.dumps(mutate_document(json.loads(symbol), generator)).encode("utf-8", "surrogatepass")


def _run_symbol(content: bytes, folder: Path) -> None:
    from mxnet_to_neutral.convert import convert_symbol
    from mxnet_to_neutral.symbol import parse_symbol

    convert_symbol(parse_symbol(content, "model-symbol.json"), {}, "model-symbol.json")


def _make_header(generator: random.Random) -> tuple[bytes, int]:
    """Return a mutated header, whose length is right in three of four cases, and the bytes of the tensors."""
    content = generator.choice(stores())
    length = 8 + int.from_bytes(content[:8], "little")
    text = mutate_bytes(content[8:length], generator)
    size = content[:8] if generator.random() < 0.25 else len(text).to_bytes(8, "little")
    return size + text, len(content) - length


def _run_header(content: tuple[bytes, int], folder: Path) -> None:
    from neutral.store.header_parser import header_length, parse_header

    raw, data = content
    header_length(raw[:8], len(raw) + data, "model.safetensors")
    parse_header(raw, len(raw) + data, "model.safetensors")


def _make_manifest(generator: random.Random) -> Any:
    return mutate_document(generator.choice(_manifests()), generator)


@lru_cache(maxsize=None)
def _manifests() -> Sequence[Any]:
    manifests = []
    for content in stores():
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        manifests.append(json.loads(header["__metadata__"]["neutral"]))
    return tuple(manifests)


def _run_manifest(content: Any, folder: Path) -> None:
    from neutral.manifest import decode

    decode(json.dumps(content), "model.safetensors")


def _make_plan(generator: random.Random) -> bytes:
    return mutate_bytes(PLAN.encode(), generator)


def _run_plan(content: bytes, folder: Path) -> None:
    from neutral.matching.mapping_file import read_mapping

    path = folder / "plan.toml"
    path.write_bytes(content)
    read_mapping(path)


@lru_cache(maxsize=None)
def _state_dicts() -> Sequence[bytes]:
    import torch
    from safetensors.torch import save

    tensors = {"conv.weight": torch.ones(2, 1, 3, 3), "conv.bias": torch.zeros(2), "half": torch.ones(2).bfloat16()}
    pickled = io.BytesIO()
    torch.save(tensors, pickled)
    return pickled.getvalue(), save(tensors)


def _make_state_dict(generator: random.Random) -> bytes:
    return mutate_bytes(generator.choice(_state_dicts()), generator)


def _run_state_dict(content: bytes, folder: Path) -> None:
    import torch_to_neutral

    path = folder / "weights.pth"
    path.write_bytes(content)
    torch_to_neutral.read(path)


def _make_index(generator: random.Random) -> bytes:
    index = generator.choice(_indices())
    if generator.random() < 0.5:
        return mutate_bytes(index, generator)
    return json.dumps(mutate_document(json.loads(index), generator)).encode("utf-8", "surrogatepass")


@lru_cache(maxsize=None)
def _indices() -> Sequence[bytes]:
    import neutral
    from neutral.store import shards

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.safetensors"
        path.write_bytes(stores()[0])
        with neutral.open(path) as store:
            written = shards.write(store, str(Path(name) / "sharded.safetensors"), max_shard_size=300)
        return (Path(written[-1]).read_bytes(),)


def _run_index(content: bytes, folder: Path) -> None:
    from neutral.store.shard_index import read_index

    path = folder / "model.safetensors.index.json"
    path.write_bytes(content)
    read_index(str(path))


@lru_cache(maxsize=None)
def _onnx_files() -> Sequence[bytes]:
    """Return a model with its weights in it, and one that takes them from elsewhere."""
    import neutral_to_onnx
    from cli_cases import linear_store

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "net.onnx"
        contents = []
        for external in (False, True):
            neutral_to_onnx.write(linear_store(), path, external_data=external)
            contents.append(path.read_bytes())
        return tuple(contents)


def _make_onnx(generator: random.Random) -> bytes:
    return mutate_bytes(generator.choice(_onnx_files()), generator)


def _run_onnx(content: bytes, folder: Path) -> None:
    from neutral_to_onnx.verification.sessions import OnnxModel

    path = folder / "net.onnx"
    path.write_bytes(content)
    (folder / "net.onnx.data").write_bytes(bytes(32))
    OnnxModel.open(path)


@lru_cache(maxsize=None)
def _array_files() -> Sequence[bytes]:
    import numpy as np

    contents = []
    for save in (np.save, np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, np.ones((2, 3), np.float32))
        contents.append(stream.getvalue())
    return tuple(contents)


def _make_array_file(generator: random.Random) -> bytes:
    return mutate_bytes(generator.choice(_array_files()), generator)


def _run_array_file(content: bytes, folder: Path) -> None:
    from neutral.cli.arrays import read_inputs

    path = folder / "input.npz"
    path.write_bytes(content)
    read_inputs([("data", str(path))])


def _prepare() -> None:
    samples.checkpoints()
    samples.parameter_files()
    _manifests()


def _prepare_onnx() -> None:
    import onnxruntime  # noqa: F401 - before the memory limit

    _onnx_files()


def _prepare_array_files() -> None:
    _array_files()


def _prepare_index() -> None:
    _indices()


def _prepare_torch() -> None:
    _state_dicts()


PARSERS = {
    target.name: target
    for target in (
        Target("arrays", _make_arrays, _run_arrays, _prepare),
        Target("symbol_graph", _make_symbol, _run_symbol, _prepare),
        Target("header", _make_header, _run_header, _prepare),
        Target("manifest_text", _make_manifest, _run_manifest, _prepare),
        Target("plan", _make_plan, _run_plan, _prepare),
        Target("state_dict", _make_state_dict, _run_state_dict, _prepare_torch),
        Target("index", _make_index, _run_index, _prepare_index),
        Target("onnx", _make_onnx, _run_onnx, _prepare_onnx),
        Target("array_files", _make_array_file, _run_array_file, _prepare_array_files),
    )
}
