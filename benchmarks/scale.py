"""Measure each verb on checkpoints and stores of extreme sizes: many tensors, large tensors, long names, deep graphs.

python benchmarks/scale.py [many] [large] [names] [graph] [--tensors N ...]

Large tensors are sparse files, whose bytes take no room on the disk; what is copied from them goes to a pipe.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import sys
from pathlib import Path

from common import MAGIC_V2, Run, folder, measure, table, write_params

from neutral import manifest
from neutral.graph import Layer
from neutral.store import Store
from neutral.store.header import encode_header
from neutral.store.header_digest import KEY, PLACEHOLDER, write_header_digest
from neutral.tensor import Tensor

GIB = 1 << 30
NEUTRAL = (sys.executable, "-m", "neutral", "--quiet")


def row(size: str, verb: str, run: Run, refused: str = "") -> list[str]:
    row = [size, verb, f"{run.seconds:.1f}", f"{run.peak:,.0f}" + refused]
    print(*row, file=sys.stderr)
    return row


def verb(size: str, name: str, *words: object, code: int = 0) -> list[str]:
    """Run a verb with its output going nowhere, and return its row."""
    run = measure([*NEUTRAL, name, *map(str, words)], code=code)
    return row(size, " ".join([name, *(str(word) for word in words if str(word).startswith("--"))]), run)


def many(place: Path, counts: list[int]) -> list[list[str]]:
    """Stores of ever more tensors of one element: time and memory grow with the number at most."""
    rows = []
    for count in counts:
        params, store = place / "many.params", place / "many.safetensors"
        write_params(params, count, 1)
        size = f"{count:,}"
        rows += [verb(size, "inspect", params), verb(size, "inspect", params, "--json")]
        fits = count <= 200_000  # more layers than that are too many for one header, which the export says
        rows.append(verb(size, "export", params, "-o", store, code=0 if fits else 8))
        if not fits:
            continue
        rows += [
            verb(size, "inspect", store),
            verb(size, "check", store),
            verb(size, "check", store, "--data"),
            verb(size, "slice", store, "layer1_weight*", "-o", place / "slice.safetensors"),
            verb(size, "cast", store, "--to", "float16", "-o", place / "cast.safetensors"),
            verb(size, "convert", store, place / "converted.safetensors", "--max-shard-size", "100KB"),
            verb(size, "restore", store, "-o", place / f"restored{count}"),
        ]
        for path in place.glob("*.safetensors*"):
            path.unlink()
    return rows


def sparse_params(path: Path, elements: int) -> None:
    """Write a parameter file of one float32 array of zeros, as a sparse file."""
    with open(path, "wb") as file:
        file.write(struct.pack("<3QIiiq3i", 0x112, 0, 1, MAGIC_V2, 0, 1, elements, 1, 0, 0))
        file.seek(elements * 4, os.SEEK_CUR)
        name = b"arg:embedding_weight"
        file.write(struct.pack("<2Q", 1, len(name)) + name)


def sparse_store(path: Path, tensors: int, elements: int) -> None:
    """Write a store of float32 tensors of zeros, without digests, as a sparse file."""
    keys = [f"layer{index}.value" for index in range(tensors)]
    layers = {key[:-6]: Layer(key[:-6], "parameter", {}, {"value": key}, typed_by="names") for key in keys}
    contents = {key: Tensor("F32", (elements,), ()) for key in keys}
    text = "".join(manifest.encode(Store(layers, contents), {}, {}))
    header = encode_header(contents, {"format": "pt", manifest.KEY: text, KEY: PLACEHOLDER})
    path.write_bytes(write_header_digest(header))
    os.truncate(path, len(header) + tensors * elements * 4)


def large(place: Path) -> list[list[str]]:
    """One tensor of 3 GiB and a store of 20 GiB: memory does not depend on either."""
    params, store = place / "large.params", place / "large.safetensors"
    sparse_params(params, 3 * GIB // 4)
    sparse_store(store, 20, GIB // 4)
    part = place / "part.safetensors"
    sparse_store(part, 1, 3 * GIB // 4)
    return [
        verb("3 GiB", "inspect", params),
        verb("3 GiB", "export", params, "-o", "-", "--no-digests"),
        verb("3 GiB", "convert", part, "-"),
        verb("3 GiB", "cast", part, "--to", "float16", "-o", "-"),
        verb("3 GiB", "hash", part),
        verb("20 GiB", "inspect", store),
        verb("20 GiB", "check", store),
        verb("20 GiB", "hash", store),
        verb("20 GiB", "slice", store, "layer7", "-o", "-"),
    ]


def names(place: Path) -> list[list[str]]:
    """Names of 64 KiB."""
    params, store = place / "names.params", place / "names.safetensors"
    count, length = 100, 1 << 16
    with open(params, "wb") as file:
        file.write(struct.pack("<3Q", 0x112, 0, count))
        for _ in range(count):
            file.write(struct.pack("<Iiiq3i", MAGIC_V2, 0, 1, 1, 1, 0, 0) + b"\0" * 4)
        file.write(struct.pack("<Q", count))
        for index in range(count):
            file.write(struct.pack("<Q", length) + f"arg:n{index}_".encode().ljust(length, b"x"))
    size = f"{count} names of 64 KiB"
    return [
        verb(size, "inspect", params),
        verb(size, "export", params, "-o", store),
        verb(size, "inspect", store),
        verb(size, "check", store, "--data"),
        verb(size, "restore", store, "-o", place / "restored"),
    ]


def graph(place: Path, counts: list[int]) -> list[list[str]]:
    """Chains of ever more layers with weights; the limit of a symbol is 16 MiB."""
    rows = []
    for count in counts:
        nodes: list[dict[str, object]] = [{"op": "null", "name": "data", "inputs": []}]
        for index in range(count):
            nodes.append({"op": "null", "name": f"fc{index}_weight", "inputs": []})
            inputs = [[max(len(nodes) - 2, 0), 0, 0], [len(nodes) - 1, 0, 0]]
            attributes = {"num_hidden": "1", "no_bias": "True"}
            nodes.append({"op": "FullyConnected", "name": f"fc{index}", "attrs": attributes, "inputs": inputs})
        variables = [index for index, node in enumerate(nodes) if node["op"] == "null"]
        heads = [[len(nodes) - 1, 0, 0]]
        document = {"nodes": nodes, "arg_nodes": variables, "heads": heads, "attrs": {"mxnet_version": ["int", 10901]}}
        symbol, params, store = place / "chain-symbol.json", place / "chain-0000.params", place / "chain.safetensors"
        symbol.write_text(json.dumps(document))
        with open(params, "wb") as file:
            file.write(struct.pack("<3Q", 0x112, 0, count))
            for _ in range(count):
                file.write(struct.pack("<Iii2q3i", MAGIC_V2, 0, 2, 1, 1, 1, 0, 0) + struct.pack("<f", 1))
            file.write(struct.pack("<Q", count))
            for index in range(count):
                name = f"arg:fc{index}_weight".encode()
                file.write(struct.pack("<Q", len(name)) + name)
        size = f"{count:,} layers in a chain"
        rows += [
            verb(size, "export", place / "chain", "-o", store),
            verb(size, "inspect", store),
            verb(size, "check", store),
            verb(size, "slice", store, "--until", f"fc{count // 2}", "-o", place / "half.safetensors"),
            verb(size, "diff", store, store),
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=["many", "large", "names", "graph", []])
    parser.add_argument("--tensors", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    head = ["size", "verb", "seconds", "peak MiB"]
    for case in arguments.cases or ["many", "large", "names", "graph"]:
        with folder() as place:
            if case == "many":
                rows = many(place, arguments.tensors)
            elif case == "graph":
                rows = graph(place, [1_000, 10_000, 50_000])
            else:
                rows = (large if case == "large" else names)(place)
        table(case, [head, *rows])


if __name__ == "__main__":
    main()
