"""Read a neutral store with the standard library alone, from docs/format.md: list its layers, verify every byte."""

import base64
import hashlib
import json
import sys
from itertools import product


def read(path):
    """Return the manifest, and the tensors as (shape, bytes) by key."""
    with open(path, "rb") as file:
        content = file.read()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__")
    digest, mark = metadata["neutral.sha256"].encode(), b'"neutral.sha256":"'
    blank = content[:start].replace(mark + digest, mark + b"0" * 64)
    assert hashlib.sha256(blank).hexdigest().encode() == digest, "the header is damaged"
    tensors = {}
    for key, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[key] = entry["shape"], content[start + begin : start + end]
    return json.loads(metadata["neutral"]), tensors


def transposed(shape, data, axes):
    strides, size = {}, len(data)
    for axis, dim in enumerate(shape):
        strides[axis] = size = size // max(dim, 1)  # ends as the size of an element
    places = product(*(range(0, shape[axis] * strides[axis], strides[axis]) for axis in axes if data))
    return b"".join(data[sum(place) : sum(place) + size] for place in places)


def source_file(file, tensors):
    if "text" in file:
        return file["text"].encode()
    skeleton, content = base64.b64decode(file["skeleton"]), b""
    for piece in file["pieces"]:
        if isinstance(piece, int):
            content, skeleton = content + skeleton[:piece], skeleton[piece:]
        else:
            piece = {"tensor": piece} if isinstance(piece, str) else piece
            shape, data = tensors[piece["tensor"]]
            data = transposed(shape, data, piece["permutation"]) if "permutation" in piece else data
            content += data[piece.get("start", 0) :][: piece.get("nbytes", len(data))]
    return content


if __name__ == "__main__":
    manifest, tensors = read(sys.argv[1])
    for layer in manifest["layers"]:
        print(layer["name"], layer["kind"], {role: tensors[key][0] for role, key in layer["tensors"].items()})
    for key, digest in manifest["digests"].items():
        assert hashlib.sha256(tensors[key][1]).hexdigest() == digest, key
    for file in manifest["source"]["files"]:
        assert hashlib.sha256(source_file(file, tensors)).hexdigest() == file["sha256"], file["name"]
    print("verified", len(manifest["digests"]), "tensors and", len(manifest["source"]["files"]), "files")
