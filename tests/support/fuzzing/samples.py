"""Small valid inputs, from which mutations start: checkpoints over many operators, parameter files, a golden file."""

from __future__ import annotations

import json
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from neutral.store.safetensors import write_tensors
from neutral.tensor import from_numpy
from reader.checkpoints import SymbolBuilder, params_bytes
from reader.ndarray_bytes import array_list, csr, dense, floats, integers, none, npy, npz, row_sparse, sparse_folder


def _numbers(*shape: int) -> np.ndarray:
    return np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def _image_classifier() -> tuple[bytes, bytes]:
    symbol = SymbolBuilder()
    x = symbol.variable("data", __shape__="(0, 3, 8, 8)")
    x = symbol.add(
        "Convolution", "conv0", [x, "w0", "b0"], kernel="(3, 3)", num_filter="4", pad="(1, 1)", stride="(1, 1)"
    )
    names = [f"bn0_{role}" for role in ("gamma", "beta", "moving_mean", "moving_var")]
    x = symbol.add("BatchNorm", "bn0", [x, *names], eps="1e-5", fix_gamma="False")
    x = symbol.add("Activation", "relu0", [x], act_type="relu")
    window = {"kernel": "(2, 2)", "stride": "(2, 2)"}
    x = symbol.add("Pooling", "pool0", [x], pool_type="max", pooling_convention="full", **window)
    y = symbol.add("Convolution", "conv1", [x, "w1"], kernel="(1, 1)", num_filter="4", no_bias="True", num_group="2")
    y = symbol.add("LeakyReLU", "prelu0", [y, "slope"], act_type="prelu")
    x = symbol.add("elemwise_add", "sum0", [x, y])
    x = symbol.add("Deconvolution", "up0", [x, "w2"], num_filter="4", no_bias="True", **window)
    x = symbol.add("Dropout", "drop0", [x], p="0.5")
    x = symbol.add("Pooling", "pool1", [x], global_pool="True", kernel="(1, 1)", pool_type="avg")
    x = symbol.add("Flatten", "flat0", [x])
    x = symbol.add("FullyConnected", "fc0", [x, "w3", "b3"], num_hidden="5")
    symbol.add("SoftmaxOutput", "softmax", [x, "softmax_label"])
    arrays = {"arg:w0": _numbers(4, 3, 3, 3), "arg:b0": _numbers(4), "arg:w1": _numbers(4, 2, 1, 1)}
    arrays.update({"arg:slope": _numbers(4), "arg:w2": _numbers(4, 4, 2, 2), "arg:w3": _numbers(5, 4)})
    arrays.update({"arg:b3": _numbers(5), "arg:bn0_gamma": _numbers(4), "arg:bn0_beta": _numbers(4)})
    arrays.update({"aux:bn0_moving_mean": _numbers(4), "aux:bn0_moving_var": _numbers(4) + 2})
    return symbol.json().encode(), params_bytes(arrays)


def _sequence_model() -> tuple[bytes, bytes]:
    symbol = SymbolBuilder()
    x = symbol.add("Embedding", "embed0", ["data", "table"], input_dim="6", output_dim="4")
    x = symbol.add("SwapAxis", "swap0", [x], dim1="0", dim2="1")
    state = symbol.add("_zeros", "state0", [], shape="(1, 2, 3)", dtype="float32")
    cell = symbol.add("_zeros", "cell0", [], shape="(1, 2, 3)", dtype="float32")
    x = symbol.add("RNN", "lstm0", [x, "packed", state, cell], mode="lstm", num_layers="1", state_size="3", p="0.0")
    x = symbol.add("LayerNorm", "norm0", [x, "gamma", "beta"], axis="-1", eps="1e-5")
    x = symbol.add("Reshape", "shape0", [x], shape="(-3, 0)", reverse="False")
    x = symbol.add("slice", "slice0", [x], begin="(0, 0)", end="(None, 2)", step="(1, 1)")
    halves = symbol.add("SliceChannel", "split0", [x], num_outputs="2", axis="1")
    x = symbol.add("Concat", "concat0", [(halves, 0), (halves, 1)], dim="1", num_args="2")
    y = symbol.add("_npi_einsum", "einsum0", [x, x], subscripts="ij,ij->ij", num_args="2")
    x = symbol.add("clip", "clip0", [y], a_min="-1", a_max="1")
    x = symbol.add("one_hot", "hot0", [x], depth="4", dtype="int32", on_value="1", off_value="0")
    x = symbol.add("Cast", "cast0", [x], dtype="float16")
    x = symbol.add("topk", "top0", [x], k="2", axis="-1", ret_typ="indices", dtype="float32")
    x = symbol.add("sum", "sum0", [x], axis="(0, 1)", keepdims="False", exclude="False")
    x = symbol.add("_plus_scalar", "plus0", [x], scalar="1.5")
    symbol.add("transpose", "transpose0", [x], axes="()")
    rows = 4 * 3 * (4 + 3) + 2 * 4 * 3
    arrays = {
        "arg:table": _numbers(6, 4),
        "arg:packed": _numbers(rows),
        "arg:gamma": _numbers(3),
        "arg:beta": _numbers(3),
    }
    return symbol.json().encode(), params_bytes(arrays)


def _detector() -> tuple[bytes, bytes]:
    symbol = SymbolBuilder()
    x = symbol.variable("data", __shape__="(1, 3, 8, 8)")
    anchors = symbol.add("_contrib_MultiBoxPrior", "anchors0", [x], sizes="(0.5, 0.25)", ratios="(1, 2)", clip="False")
    scores = symbol.add("Reshape", "scores0", ["scores"], shape="(0, 2, -1)")
    scores = symbol.add("softmax", "probabilities0", [scores], axis="1")
    boxes = symbol.add("_contrib_MultiBoxDetection", "detect0", [scores, "locations", anchors], nms_threshold="0.5")
    kept = symbol.add(
        "_contrib_box_nms", "nms0", [boxes], overlap_thresh="0.5", coord_start="2", score_index="1", id_index="0"
    )
    x = symbol.add("Convolution", "conv0", [x, "w0"], kernel="(1, 1)", num_filter="2", no_bias="True")
    x = symbol.add("UpSampling", "up0", [x], scale="2", sample_type="nearest", num_args="1")
    x = symbol.add(
        "_contrib_ROIAlign", "align0", [x, "rois"], pooled_size="(2, 2)", spatial_scale="0.5", sample_ratio="2"
    )
    x = symbol.add("pad", "pad0", [x], mode="constant", pad_width="(0, 0, 0, 0, 1, 1, 1, 1)", constant_value="0")
    x = symbol.add("L2Normalization", "l2norm0", [x], mode="channel", eps="1e-10")
    x = symbol.add("BlockGrad", "stop0", [x])
    return symbol.json(kept, x).encode(), params_bytes({"arg:w0": _numbers(2, 3, 1, 1)})


@lru_cache(maxsize=None)
def checkpoints() -> Sequence[tuple[bytes, bytes]]:
    """Return pairs of a symbol file and a parameter file that are read without an opaque node."""
    return _image_classifier(), _sequence_model(), _detector()


@lru_cache(maxsize=None)
def parameter_files() -> Sequence[bytes]:
    """Return parameter files of every container version and storage type."""
    two = floats(1, 2)
    dense_records = [dense((1, 2), two, version=version) for version in range(4)]
    sparse_records = [row_sparse((3, 2), two, [2]), csr((2, 3), two, [0, 2], [0, 1, 2])]
    records = [*dense_records, none(0), dense((), floats(1), version=3), *sparse_records]
    folder = sparse_folder("r", "row_sparse", (3, 2), npy((1, 2), two), {"indices": npy((1,), integers(2), "I64")})
    return (
        array_list(records, ["v0", "v1", "v2", "v3", "", "é", "rows", "csr"]),
        array_list([dense((2,), two, version=0), dense((2,), two, "I32")]),
        checkpoints()[0][1],
        npy((2,), two),
        npz({"a.npy": npy((2,), two), "b.npy": npy((1, 1), bytes(2), "BF16")}, streamed=True),
        npz(folder),
    )


@lru_cache(maxsize=None)
def golden() -> bytes:
    """Return a golden file."""
    description: Mapping[str, Any] = {
        "version": 1,
        "framework": "mxnet",
        "framework_version": "1.9.1",
        "inputs": [{"name": "data", "key": "inputs.data", "label": False}],
        "outputs": ["internals.fc0_output"],
        "internals": [{"node": "fc0", "index": 0, "key": "internals.fc0_output"}],
        "notes": ["seeded inputs"],
    }
    tensors = {"inputs.data": from_numpy(_numbers(2, 3)), "internals.fc0_output": from_numpy(_numbers(2, 2))}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "golden.safetensors"
        write_tensors(tensors, path, {"golden": json.dumps(description)})
        return path.read_bytes()


def sealed(header: dict[str, Any], manifest: Any, data: bytes) -> bytes:
    """Return a safetensors file with this manifest, whose header digest is valid."""
    metadata = {**header["__metadata__"], "neutral": json.dumps(manifest, sort_keys=True), "neutral.sha256": "0" * 64}
    encoded = json.dumps({**header, "__metadata__": metadata}, separators=(",", ":")).encode("utf-8", "surrogatepass")
    encoded += b" " * (-len(encoded) % 8)
    return sign(len(encoded).to_bytes(8, "little") + encoded) + data


def sign(header: bytes) -> bytes:
    """Return the header with its own SHA-256 in the place of the zeros; see ``docs/format.md``."""
    from neutral.store.header_digest import write_header_digest

    return bytes(write_header_digest(bytearray(header)))
