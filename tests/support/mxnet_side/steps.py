"""One training step of a whole checkpoint in real MXNet, in float64 where its operators have it.

The step is deterministic: dropout is off, and the loss is the product of the outputs with fixed random numbers.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Iterable, Mapping, Sequence

import mxnet as mx
import numpy as np


def prepare(prefix: str, target: str, dtype: str) -> None:
    """Save a checkpoint without dropout in another precision as ``target-symbol.json`` and ``target-0000.params``."""
    with open(f"{prefix}-symbol.json") as file:
        document = json.load(file)
    _prepare_nodes(document, dtype)
    with open(f"{target}-symbol.json", "w") as file:
        json.dump(document, file)
    arrays = _load(f"{prefix}-0000.params")
    mx.nd.save(f"{target}-0000.params", {name: _legacy(_cast(value, dtype)) for name, value in arrays.items()})


def _distinct(names: Iterable[str]) -> list[str]:
    """Return names of which a repeated one gets its number, as nodes of a store do: ``a``, ``a#2``."""
    counts: Counter[str] = Counter()
    distinct = []
    for name in names:
        counts[name] += 1
        distinct.append(name if counts[name] == 1 else f"{name}#{counts[name]}")
    return distinct


def run(
    target: str, inputs: Mapping[str, np.ndarray], heads: Sequence[tuple[str, int]], dtype: str, seed: int = 0
) -> list[Any]:
    """Run the step of a prepared checkpoint, and save its results as the checkpoint's epoch 1.

    In the place of each parameter is its gradient, and in that of each auxiliary state its value after the step.

    Args:
        target: The prefix of the prepared checkpoint.
        inputs: Values of the inputs that are not parameters.
        heads: The nodes and the indices of the values that the step begins from; none for the outputs.
        dtype: The dtype of floating inputs.
        seed: That of the factors of the heads.

    Returns:
        The value of each head, its factors, and the gradient of each input by its name.
    """
    symbol = mx.sym.load(f"{target}-symbol.json")
    if heads:
        internals = symbol.get_internals()
        document = json.loads(internals.tojson())
        nodes = _distinct(node["name"] for node in document["nodes"])
        at = {(nodes[node], i): k for k, (node, i, *_) in enumerate(document["heads"])}
        symbol = mx.sym.Group([internals[at[tuple(head)]] for head in heads])
    stored = {name.partition(":")[2]: value for name, value in _load(f"{target}-0000.params").items()}
    given = {name: mx.nd.array(value, dtype=_wider(value, dtype)) for name, value in inputs.items()}
    known = {**stored, **given}
    names = symbol.list_arguments()
    missing = [name for name in names if name not in known]
    lacking = [name for name in missing if not name.endswith("label")]
    if lacking:
        raise ValueError(f"the checkpoint has no array {lacking[0]}, which MXNet packs of others")
    if missing:
        shapes = {name: known[name].shape for name in names if name in known}
        found = dict(zip(names, symbol.infer_shape_partial(**shapes)[0]))
        known.update((name, mx.nd.zeros(found[name], dtype=dtype)) for name in missing)
    arguments = {name: known[name] for name in names}
    varied = {name: value for name, value in arguments.items() if _is_real(value) and not _is_index(inputs.get(name))}
    gradients = {name: mx.nd.zeros_like(value) for name, value in varied.items()}
    auxiliary = {name: stored[name].copy() for name in symbol.list_auxiliary_states()}
    bind = getattr(symbol, "_bind", None) or symbol.bind
    requests = {name: "write" if name in gradients else "null" for name in names}
    executor = bind(mx.cpu(), arguments, args_grad=gradients, grad_req=requests, aux_states=auxiliary)
    outputs = [output.asnumpy() for output in executor.forward(is_train=True)]
    random = np.random.RandomState(seed)
    factors = [random.standard_normal(output.shape).astype(output.dtype) for output in outputs]
    executor.backward([mx.nd.array(each, dtype=each.dtype) for each in factors])
    mx.nd.waitall()  # reading an auxiliary state does not wait for the backward pass that updates it
    after = {f"aux:{name}": value for name, value in executor.aux_dict.items()}
    of_parameters = {f"arg:{name}": value for name, value in gradients.items() if name in stored}
    results = {**_load(f"{target}-0000.params"), **of_parameters, **after}
    mx.nd.save(f"{target}-0001.params", {name: _legacy(value) for name, value in results.items()})
    return [outputs, factors, {name: gradients[name].asnumpy() for name in given if name in gradients}]


def _load(path: str) -> dict[str, Any]:
    """Load a file of arrays; MXNet gives a list for a file without any."""
    return dict(mx.nd.load(path) or {})


def _prepare_nodes(document: dict[str, Any], dtype: str) -> None:
    for node in document["nodes"]:
        attributes = node.get("attrs", {})
        if node["op"] in ("Dropout", "RNN", "_npx_dropout"):
            attributes["p"] = "0"
        if dtype == "float64":
            attributes.update((k, "float64") for k in ("dtype", "__dtype__") if attributes.get(k) == "float32")
        for inner in node.get("subgraphs", ()):
            _prepare_nodes(inner, dtype)


def _cast(value: Any, dtype: str) -> Any:
    return value.astype(dtype) if _is_real(value) else value


def _is_real(value: Any) -> bool:
    return np.dtype(value.dtype).kind == "f"


def _is_index(value: np.ndarray | None) -> bool:
    """Return whether an input holds whole numbers alone, whose gradient MXNet may refuse to compute."""
    return value is not None and bool((value == np.round(value)).all())


def _wider(value: np.ndarray, dtype: str) -> Any:
    return dtype if value.dtype.kind == "f" else value.dtype


def _legacy(value: Any) -> Any:
    """Return an array of MXNet 2's NumPy mode as one that ``mx.nd.save`` takes."""
    return value.as_nd_ndarray() if hasattr(value, "as_nd_ndarray") else value
