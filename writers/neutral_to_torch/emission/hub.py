"""Write a folder for model hubs: weights, source, ``config.json`` and a model card."""

from __future__ import annotations

import ast
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from neutral import __version__
from neutral.graph import Input
from neutral.store import Store
from neutral.store.atomic import AtomicFiles
from neutral.store.atomic_folder import atomic_folder, require_new_folder
from neutral.store.safetensors import read_tensors
from neutral.store.shards import write_tensors as write_shards
from neutral.text import printable
from neutral_to_torch.emission.emit import EmitReport, emit
from neutral_to_torch.emission.lowering.pipeline import lower
from neutral_to_torch.emission.lowering.program import Program
from neutral_to_torch.emission.pair import digest_of, digest_of_shards, name_shards

CARD = """\
---
library_name: pytorch
license: unknown
tags:
- {framework}
- neutral
---

# {name}

Converted from {framework}{version} by Neutral {neutral}. The weights have the values of the checkpoint.

`model.py` imports {imports}; its weights are read by the package safetensors (`pip install {packages}`). In this
folder:

```python
from model import {name}
{loaded}model.eval()
```

## Inputs and outputs

| | name | shape | dtype |
|---|---|---|---|
{interface}

Free dimensions are `*`. Inputs are prepared as for the original model, which its checkpoint does not describe.

## License

The licence of the weights is unknown: a checkpoint does not name it. Ask those who made the files below before you pass
the weights on, and write it in the place of `license: unknown` at the top of this page.

## Layers

| kind | layers | parameters |
|---|--:|--:|
{kinds}

## Source and weights

| file | bytes | SHA-256 |
|---|--:|---|
{written}

## Files of the checkpoint

| file | bytes | SHA-256 |
|---|--:|---|
{files}
"""


LOADED = """\
from safetensors.torch import load_file

model = {name}()
model.load_state_dict(load_file("model.safetensors"))
"""

LOADED_FROM_SHARDS = """\
import json
from safetensors.torch import load_file

model = {name}()
state = {{}}
for shard in set(json.load(open("model.safetensors.index.json"))["weight_map"].values()):
    state.update(load_file(shard))
model.load_state_dict(state)
"""


def write_hub(
    store: Store,
    folder: str | os.PathLike[str],
    *,
    class_name: str | None = None,
    max_shard_size: int | None = None,
) -> EmitReport:
    """Write ``model.py``, ``model.safetensors``, ``config.json`` and ``README.md`` into a new folder.

    The folder appears whole or not at all.

    Args:
        store: A store with a graph.
        folder: The folder; it must be absent or empty.
        class_name: The model's class; by default it is made from the source's name.
        max_shard_size: Weights of more bytes become shards and an index.

    Returns:
        The paths of the source and of the weights, and how their content maps to the store.

    Raises:
        TargetError: The folder has files in it, or cannot be written.
        UnsupportedError: See :func:`neutral_to_torch.emit`.

    Example:
        >>> import tempfile
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_hub(Store({}, {}, graph), os.path.join(folder, "net"), class_name="Net")
        ...     sorted(os.listdir(os.path.join(folder, "net")))
        ['README.md', 'config.json', 'model.py', 'model.safetensors']
    """
    target = Path(folder)
    require_new_folder(target)
    with atomic_folder(target) as staging:
        report = emit(store, staging / "model.py", class_name=class_name)
        program = lower(store)
        weights = "model.safetensors"
        tensors = read_tensors(staging / weights)
        if max_shard_size is not None and sum(tensor.nbytes for tensor in tensors.values()) > max_shard_size:
            weights = os.path.basename(write_shards(tensors, str(staging / weights), max_shard_size=max_shard_size)[-1])
            (staging / "model.safetensors").unlink()
            source = staging / "model.py"
            text = name_shards(source.read_text(encoding="utf-8"), weights, digest_of_shards(staging / weights))
            source.write_text(text, encoding="utf-8")
        config = json.dumps(_config(store, program, report), indent=2, ensure_ascii=False) + "\n"
        card = _card(store, program, report, weights, staging)
        with AtomicFiles() as files:
            files.open(staging / "config.json").write(config.encode())
            files.open(staging / "README.md").write(card.encode())
    return EmitReport(
        target / "model.py",
        target / weights,
        report.class_name,
        report.lines,
        report.keys,
        report.modules,
        report.tied_keys,
    )


def _config(store: Store, program: Program, report: EmitReport) -> dict[str, Any]:
    source = store.source
    files = () if source is None else source.files
    return {
        "architectures": [report.class_name],
        "model_file": "model.py",
        "neutral_version": __version__,
        "inputs": [{"name": item.name, "shape": item.shape, "dtype": item.dtype} for item in program.inputs],
        "outputs": [value.node for value in program.outputs],
        "source": {
            "framework": None if source is None else source.framework,
            "version": None if source is None else source.version,
            "files": [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in files],
        },
    }


def _card(store: Store, program: Program, report: EmitReport, weights: str, folder: Path) -> str:
    source = store.source
    layers: Counter[str] = Counter(layer.kind for layer in store.layers.values())
    sizes: Counter[str] = Counter()
    for layer in store.layers.values():
        sizes[layer.kind] += sum(store.tensors[key].size for key in layer.tensors.values())
    interface = [f"| input | {_cell(item.name)} | {_shape(item)} | {item.dtype or ''} |" for item in program.inputs]
    interface += [f"| output | {_cell(value.node)} | | |" for value in program.outputs]
    files = () if source is None else source.files
    packages = imported_packages((folder / "model.py").read_text(encoding="utf-8"))
    return CARD.format(
        name=report.class_name,
        loaded=(LOADED if weights == "model.safetensors" else LOADED_FROM_SHARDS).format(name=report.class_name),
        framework="another framework" if source is None else source.framework,
        version="" if source is None or source.version is None else f" {source.version}",
        neutral=__version__,
        imports=" and ".join(packages),
        packages=" ".join((*packages, "safetensors")),
        interface="\n".join(interface),
        kinds="\n".join(f"| {kind} | {count} | {sizes[kind]:,} |" for kind, count in layers.most_common()),
        written="\n".join(_file_row(path) for path in sorted(folder.iterdir()) if path.is_file()),
        files="\n".join(f"| {_cell(file.name)} | {file.size:,} | {file.sha256 or ''} |" for file in files),
    )


def imported_packages(source: str) -> list[str]:
    """Return the packages that a source imports, without those of Python.

    Args:
        source: Python source.

    Returns:
        The names of the packages, sorted.

    Example:
        >>> imported_packages("import math\\nimport torch.nn.functional as F\\nfrom torch import nn\\n")
        ['torch']
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return sorted(name for name in names if name not in _STANDARD)


_STANDARD = frozenset(getattr(sys, "stdlib_module_names", ())) | {"__future__", "collections", "math", "typing"}
"""Modules of Python; before 3.10 those that emitted source uses."""


def _file_row(path: Path) -> str:
    with open(path, "rb") as file:
        return f"| {_cell(path.name)} | {path.stat().st_size:,} | {digest_of(file)} |"


def _shape(item: Input) -> str:
    return "" if item.shape is None else "(" + ", ".join("*" if n is None else str(n) for n in item.shape) + ")"


def _cell(text: str) -> str:
    """Return a name of the source for a table cell, without markup."""
    return "`" + printable(text).replace("`", "'").replace("|", "\\|") + "`"
