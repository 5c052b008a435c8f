# /// script
# requires-python = ">=3.8,<3.12"
# dependencies = ["mxnet==1.9.1", "numpy<1.24", "pillow"]
# ///
"""Run a model in MXNet and record the output of every operator in a golden file.

This single file needs only Python 2.7 or 3.5+, NumPy and MXNet 0.9 to 2.0 beta; copy it to the machine that has them::

    uv run mxnet_capture.py run model 0 --shape data=1,3,224,224 -o golden.safetensors
    python mxnet_capture.py run model 0 --shape data=1,3,224,224 -o golden.safetensors
    python mxnet_capture.py run model 0 --input inputs.npz -o golden.safetensors
    python mxnet_capture.py run model 0 --input photos --shape data=8,3,224,224 --std 255 -o golden.safetensors
    python mxnet_capture.py run --model package.module:build_model --input inputs.npy -o golden.safetensors
    python mxnet_capture.py export package.module:build_model -o model --shape data=1,3,224,224
    python mxnet_capture.py export symbol/fresnet.py:get_symbol --params r50-0000.params -o model
    python mxnet_capture.py zoo resnet50_v1 --params resnet50_v1-cc729d95.params -o model --shape data=1,3,224,224

``uv run`` in place of ``python`` installs MXNet first; images need Pillow. ``capture(model, inputs, path)`` and
``export(model, prefix, inputs)`` do the same for models in memory: a Module, a Gluon block, or
``(symbol, arg_params, aux_params)``. Of a Gluon block whose forward MXNet cannot trace, ``capture`` records the outputs of
its blocks as they run.

The golden file is a safetensors file with the inputs, the outputs, and each operator's outputs under the name of its
node. ``docs/golden.md`` specifies it.
"""

from __future__ import absolute_import, division, print_function

import argparse
import contextlib
import glob
import hashlib
import importlib
import io
import json
import os
import re
import struct
import sys
from collections import OrderedDict

try:
    import numpy as np
    import mxnet as mx
except Exception as error:  # with NumPy 1.24 and later, importing MXNet raises AttributeError
    mx, IMPORT_ERROR = None, str(error)

# The dtypes of safetensors in the official writer's order, which keeps every tensor aligned.
DTYPES = ("U64", "I64", "F64", "F32", "U32", "I32", "BF16", "F16", "U16", "I16", "I8", "U8", "BOOL")

# MXNet's bfloat16 as a NumPy dtype: a structure of one field with the bits.
BFLOAT16 = [("bfloat16", "<u2")]

# Positions of the operator inputs that inference ignores, and of those that are initial states.
LABEL_INPUTS = {
    "Softmax": (1,),
    "SoftmaxOutput": (1,),
    "LinearRegressionOutput": (1,),
    "LogisticRegressionOutput": (1,),
    "MAERegressionOutput": (1,),
    "SVMOutput": (1,),
    "softmax_cross_entropy": (1,),
}
STATE_INPUTS = {"RNN": (2, 3)}

# Packages with model zoos, and the function of each that makes a model by name.
ZOOS = (
    ("mxnet.gluon.model_zoo.vision", "get_model"),
    ("gluoncv.model_zoo", "get_model"),
    ("gluonnlp.model", "get_model"),
)

# Parts of GluonNLP's BERT that a model may lack.
BERT_HEADS = ("pooler", "decoder", "classifier")

# Suffixes of images that Pillow reads.
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff")

OUTPUT_TOLERANCE = 1e-6  # relative to the output's largest magnitude


class CaptureError(Exception):
    """An error with a message of one line that says what to do.

    Args:
        message: The message.
        exit_code: 2 for invalid arguments, 3 for a file or a model that cannot be used.
    """

    def __init__(self, message, exit_code=3):
        super(CaptureError, self).__init__(message)
        self.exit_code = exit_code


class UntraceableError(CaptureError):
    """A Gluon block has no graph."""


def capture(model, inputs, path, seed=None, internals=True):
    """Run a model in inference mode and write a golden file.

    Args:
        model: A ``mx.mod.Module`` (or BucketingModule), a Gluon block, or ``(symbol, arg_params, aux_params)``.
        inputs: NumPy or MXNet arrays by name, a list in the order of the model's inputs, or one array.
        path: The file to write.
        seed: The seed of the model's random operators; recorded in the file. Default: 0, recorded as null.
        internals: Whether to record the outputs of all operators, or only the outputs of the model.

    Returns:
        The description that the file holds as JSON, a dict; its ``notes`` list assumptions and observations.

    Raises:
        CaptureError: The model cannot be run, the inputs do not fit it, or the file cannot be written.
    """
    try:
        graph, named = _graph_of(model, inputs)
    except UntraceableError as error:
        return _record_block(model, inputs, path, str(error), seed=seed, internals=internals)
    return _record(graph, named, path, seed=seed, internals=internals)


def export(model, prefix, inputs=None):
    """Write a model to ``prefix-symbol.json`` and ``prefix-0000.params``, with exactly the values in memory.

    Args:
        model: The model, as for ``capture``.
        prefix: The beginning of the paths of both files.
        inputs: Example inputs, needed for a Gluon block that has never run.

    Returns:
        The two paths.

    Raises:
        CaptureError: The model cannot be traced, or a file cannot be written.
    """
    return _write_checkpoint(_graph_of(model, inputs)[0], prefix)


def _write_checkpoint(graph, prefix):
    """Write a graph and its parameters as two files; return their paths."""
    paths = prefix + "-symbol.json", prefix + "-0000.params"
    stored = OrderedDict()
    for name in sorted(graph.params):
        stored[("aux:" if name in graph.auxiliary else "arg:") + name] = graph.params[name]
    with _replacing(paths[1]) as file, _semantics(graph.numpy_shape):
        mx.nd.save(file.name, stored)  # MXNet opens the file again; _replacing flushes and renames it
    with _replacing(paths[0]) as file:
        file.write(graph.text.encode("utf-8"))
    return paths


# --- Recording -----------------------------------------------------------------------------------------


def _record(graph, given, path, seed=None, internals=True, notes=None, sources=None):
    """Run the graph with and without its internal outputs, compare the runs, and write the golden file."""
    notes = [] if notes is None else notes
    _check_target(path)
    with _semantics(graph.numpy_shape):
        inputs = _complete(graph, given, notes)
        arrays = _merged(graph.params, inputs)
        tensors = OrderedDict(("inputs." + name, array) for name, array in inputs.items())
        with _without_fusion():
            outputs = _run(graph.symbol, arrays, seed)
            entries = _record_internals(graph, arrays, seed, tensors, notes) if internals else []
        recorded = {(entry["id"], entry["index"]): entry["key"] for entry in entries}
        keys = []
        for position, (node, index) in enumerate(head[:2] for head in graph.heads):
            keys.append(recorded.get((node, index), "outputs.{}".format(position)))
            tensors.setdefault(keys[-1], outputs[position])
        _compare(keys, tensors, outputs, "without its internals", notes)
        _compare_fused(keys, tensors, graph.symbol, arrays, seed, notes)
        named = [{"name": name, "key": "inputs." + name, "label": name in graph.labels} for name in inputs]
        return _write_golden(path, tensors, seed, named, keys, entries, notes, sources)


def _write_golden(path, tensors, seed, inputs, outputs, internals, notes, sources=None):
    """Write the golden file; return its description."""
    description = {
        "version": 1,
        "framework": "mxnet",
        "framework_version": mx.__version__,
        "numpy_version": np.__version__,
        "seed": seed,
        "inputs": inputs,
        "outputs": outputs,
        "internals": [{field: entry[field] for field in ("node", "index", "key")} for entry in internals],
        "notes": notes,
        "sources": sources or {},
    }
    golden = json.dumps(description, sort_keys=True)
    write_safetensors(path, tensors, OrderedDict([("format", "pt"), ("golden", golden)]))
    return description


def _record_internals(graph, arrays, seed, tensors, notes):
    """Add the visible outputs of all operators to ``tensors``; return the node, output number and key of each."""
    internals = graph.symbol.get_internals()
    names = internals.list_outputs()
    heads = [tuple(head[:2]) for head in json.loads(_to_json(internals))["heads"]]
    wanted = [i for i, (node, _) in enumerate(heads) if graph.nodes[node]["op"] != "null"]
    values = _evaluate(internals, wanted, arrays, seed)
    entries = []
    for i in wanted:
        node, index = heads[i]
        if i not in values:
            notes.append("{}: not recorded, since MXNet cannot output it.".format(names[i]))
            continue
        key = "internals." + names[i]
        repeat = 1
        while key in tensors:  # node names need not be unique
            repeat += 1
            key = "internals.{}.{}".format(names[i], repeat)
        tensors[key] = values[i]
        entries.append({"id": node, "node": graph.nodes[node]["name"], "index": index, "key": key})
    return entries


def _evaluate(internals, wanted, arrays, seed):
    """Return the internal outputs by position, all from one run or, if that fails, from runs of halves of them."""
    if not wanted:
        return {}
    try:
        return dict(zip(wanted, _run(mx.sym.Group([internals[i] for i in wanted]), arrays, seed)))
    except mx.base.MXNetError:
        if len(wanted) == 1:
            return {}
        middle = len(wanted) // 2
        values = _evaluate(internals, wanted[:middle], arrays, seed)
        values.update(_evaluate(internals, wanted[middle:], arrays, seed))
        return values


def _run(symbol, arrays, seed):
    """Return the outputs of one forward pass in inference mode on the CPU."""
    mx.random.seed(seed or 0)
    args = {name: arrays[name] for name in symbol.list_arguments()}
    aux = {name: arrays[name] for name in symbol.list_auxiliary_states()}
    if hasattr(symbol, "bind"):
        outputs = symbol.bind(mx.cpu(), args, grad_req="null", aux_states=aux).forward(is_train=False)
    else:
        outputs = _run_cached(symbol, _merged(args, aux))
    for output in outputs:
        output.wait_to_read()  # raises the error of an operator that failed
    return outputs


def _run_cached(symbol, arrays):
    """Return the outputs in MXNet 2, whose executors always record gradients; some operators have none on the CPU."""
    names = symbol.list_inputs()
    inputs = [arrays[name].copyto(mx.cpu()) for name in names]
    outputs = mx.nd.CachedOp(symbol)(*inputs, default_device=None if names else mx.cpu())
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


@contextlib.contextmanager
def _without_fusion():
    """Turn operator fusion off: MXNet 1.9 fuses by default, cannot output the operators that it fused, and computes
    wrong outputs for some networks (LFFD's face detector)."""
    before = os.environ.get("MXNET_SUBGRAPH_BACKEND")
    os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"
    try:
        yield
    finally:
        del os.environ["MXNET_SUBGRAPH_BACKEND"]
        if before is not None:
            os.environ["MXNET_SUBGRAPH_BACKEND"] = before


def _compare_fused(keys, tensors, symbol, arrays, seed, notes):
    """Note the outputs that differ from a run with MXNet's default operator fusion."""
    try:
        outputs = _run(symbol, arrays, seed)
    except mx.base.MXNetError as error:
        notes.append("MXNet cannot run this symbol with its operators fused: {}".format(_reason(error)))
    else:
        _compare(keys, tensors, outputs, "as MXNet fuses its operators", notes)


def _compare(keys, tensors, outputs, how, notes):
    """Note the recorded outputs that differ from those of another run of the symbol."""
    for key, output in zip(keys, outputs):
        difference = _difference(_to_float(tensors[key].asnumpy()), _to_float(output.asnumpy()))
        if not difference <= OUTPUT_TOLERANCE:
            notes.append("{}: the graph run {} differs by {:.1e} of the scale.".format(key, how, difference))


def _difference(one, other):
    """Return the largest difference relative to the largest finite magnitude; NaN if only one value is finite."""
    different = ~((one == other) | (np.isnan(one) & np.isnan(other)))
    if not different.any():
        return 0.0
    scale = np.abs(one[np.isfinite(one)]).max() if np.isfinite(one).any() else 0.0
    return np.abs(one[different] - other[different]).max() / (scale or 1.0)


# --- Blocks without a graph ----------------------------------------------------------------------------


def _record_block(block, inputs, path, reason, seed=None, internals=True):
    """Run a Gluon block whose forward cannot be traced, and record the outputs of the blocks in it as they run."""
    _check_target(path)
    tree = _block_arguments(inputs)
    names = _data_names(len(_leaves(tree)))
    doubles = any(np.dtype(param.dtype) == np.float64 for param in block.collect_params().values())
    notes = ["{} The outputs of its blocks are recorded, by their structural names.".format(reason)]
    arrays = []
    for name, array in zip(names, _block_arrays(tree)):
        if np.dtype(array.dtype) == np.float64 and not doubles:
            notes.append("{}: float64 values, taken as float32.".format(name))
            array = array.astype(np.float32)
        arrays.append(array)
    tensors = OrderedDict(("inputs." + name, _classic(array)) for name, array in zip(names, arrays))
    entries = []

    def record(name, results):
        results = _leaves(results)
        for index, result in enumerate(results):
            if not hasattr(result, "asnumpy"):
                continue
            key = unique = "internals.{}_output{}".format(name, index if len(results) > 1 else "")
            while unique in tensors:  # a block may run several times
                repeats[key] = repeats.get(key, 1) + 1
                unique = "{}.{}".format(key, repeats[key])
            tensors[unique] = _classic(result).copyto(mx.cpu())
            entries.append({"node": name, "index": index, "key": unique})

    repeats = {}
    mx.random.seed(seed or 0)
    blocks = _named_blocks(block) if internals else {}
    with mx.autograd.pause(), _observed(block, blocks, record):
        try:
            results = _leaves(block(*_rebuilt(tree, arrays)))
        except Exception as error:  # raised by the user's forward
            raise CaptureError("{} cannot be run: {}".format(type(block).__name__, _reason(error)))
    keys = []
    for position, result in enumerate(result for result in results if hasattr(result, "asnumpy")):
        keys.append("outputs.{}".format(position))
        tensors[keys[-1]] = _classic(result)
    named = [{"name": name, "key": "inputs." + name, "label": False} for name in names]
    return _write_golden(path, tensors, seed, named, keys, entries, notes)


def _named_blocks(block, prefix=""):
    """Return the blocks in a block by their structural names, as ``save_parameters`` has them; each once."""
    children = getattr(block, "_children", {})
    found = OrderedDict()
    for name, child in children.items() if hasattr(children, "items") else enumerate(children):
        child = child if hasattr(child, "collect_params") else child()  # MXNet 2 has weak references
        path = "{}{}".format(prefix, name)
        for inner, each in [(path, child)] + list(_named_blocks(child, path + ".").items()):
            if all(each is not other for other in found.values()):
                found[inner] = each
    return found


@contextlib.contextmanager
def _observed(root, blocks, record):
    """Pass the outputs of blocks to ``record``, while none is hybridized: a compiled graph calls no block in it."""
    active = [block for block in [root] + list(blocks.values()) if getattr(block, "_active", False)]

    def observe(name, block):
        forward = block.forward

        def observed(*args, **kwargs):
            results = forward(*args, **kwargs)
            record(name, results)
            return results

        block.__dict__["forward"] = observed

    try:
        for block in active:
            block.__dict__["_active"] = False
        for name, block in blocks.items():
            observe(name, block)
        yield
    finally:
        for block in blocks.values():
            block.__dict__.pop("forward", None)
        for block in active:
            block.__dict__["_active"] = True


# --- Inputs --------------------------------------------------------------------------------------------


def _complete(graph, given, notes):
    """Return all inputs of the graph as MXNet arrays by name: the given ones, and zeros for labels and states."""
    for name in given:
        if name not in graph.inputs:
            kind = "a parameter" if name in graph.params else "unknown to the symbol"
            message = "{} is {}; the inputs are {}.".format(name, kind, _listed(graph.inputs))
            raise CaptureError(message, exit_code=2)
    zeros = graph.labels | graph.states
    absent = [name for name in graph.inputs if name not in given and name not in zeros]
    if absent:
        raise CaptureError("No values for {}, which the parameters lack too.".format(_listed(absent)), exit_code=2)
    absent = [name for name in graph.auxiliary if name not in graph.params]
    if absent:
        raise CaptureError("The parameters lack {}.".format(_listed(absent)))
    inputs = OrderedDict((name, None) for name in graph.inputs)
    for name in graph.inputs:
        if name in given:
            inputs[name] = _to_mxnet(_in_graph_precision(graph, name, given[name], notes))
    if len(given) < len(inputs):
        known = {name: array for name, array in inputs.items() if array is not None}
        for name, shape, dtype in _inferred(graph.symbol, _merged(graph.params, known)):
            if inputs.get(name, 0) is None:
                inputs[name] = _zeros(name, shape, dtype, notes)
    return inputs


def _zeros(name, shape, dtype, notes):
    """Return zeros for a label or an initial state; lengths below 1 are those that MXNet could not infer."""
    if not shape or min(shape) <= 0:
        raise CaptureError("The shape of {0} cannot be inferred: give {0} too.".format(name), exit_code=2)
    shape = tuple(int(length) for length in shape)
    notes.append("{}: zeros of shape {}, since no values are given.".format(name, shape))
    return _to_mxnet(np.zeros(shape, dtype))


def _in_graph_precision(graph, name, array, notes):
    """Convert float64, NumPy's default dtype, to float32 unless a parameter is float64."""
    is_double = array.dtype == np.float64
    if is_double and not any(np.dtype(param.dtype) == np.float64 for param in graph.params.values()):
        notes.append("{}: float64 values, taken as float32.".format(name))
        return array.astype(np.float32)
    return array


def _inferred(symbol, known):
    """Return (name, shape, dtype) of each argument, inferred from the known arrays; float32 if MXNet cannot tell."""
    names = symbol.list_arguments()
    shapes = symbol.infer_shape_partial(**{name: known[name].shape for name in names if name in known})[0]
    try:
        types = symbol.infer_type(**{name: known[name].dtype for name in names if name in known})[0]
    except (mx.base.MXNetError, TypeError, KeyError):
        types = None
    types = types or [None] * len(names)
    return [(name, shape, dtype or np.float32) for name, shape, dtype in zip(names, shapes, types)]


def _by_name(inputs, names):
    """Return the caller's inputs as NumPy arrays by name; inputs without names are in the order of ``names``."""
    if isinstance(inputs, dict):
        return {name: _to_numpy(array) for name, array in inputs.items()}
    leaves = _leaves(inputs)
    if len(leaves) != len(names):
        message = "{} inputs given for {}.".format(len(leaves), _listed(names))
        raise CaptureError(message, exit_code=2)
    return {name: _to_numpy(array) for name, array in zip(names, leaves)}


def _random(name, shape, dtype, limits, generator):
    """Return standard normal values, or uniform ones in [low, high) if limits are given, as integers need."""
    if dtype.kind in "iu":
        if limits is None:
            raise CaptureError("{0} is {1}: give its range, as in --range {0}=0,100.".format(name, dtype), exit_code=2)
        return generator.randint(int(limits[0]), int(limits[1]), size=shape).astype(dtype)
    if dtype.kind == "b":
        return generator.randint(0, 2, size=shape).astype(dtype)
    if limits is None:
        return _as_type(generator.standard_normal(size=shape), dtype)
    return _as_type(generator.uniform(limits[0], limits[1], size=shape), dtype)


# --- Models in memory ----------------------------------------------------------------------------------


class _Graph(object):
    """A symbol and its parameters on the CPU; ``nodes`` and ``heads`` are those of its JSON.

    Args:
        text: The JSON of the symbol.
        params: Parameters and auxiliary states, as MXNet arrays by name.

    Raises:
        CaptureError: The text is not a JSON object.
    """

    def __init__(self, text, params):
        try:
            attributes = json.loads(text).get("attrs", {})
        except (ValueError, AttributeError):
            raise CaptureError("invalid symbol JSON; it begins with {}".format(json.dumps(text[:12])))
        self.text = text
        self.numpy_shape = attributes.get("is_np_shape", [None, 0])[1] == 1
        with _semantics(self.numpy_shape):
            # copies, since BatchNorm overwrites gamma in inference in some releases
            self.params = {name: _classic(array).copyto(mx.cpu()) for name, array in params.items()}
            self.symbol = _load_json(text)
            parsed = json.loads(_to_json(self.symbol))
        self.nodes = [dict(node, name=_native(node["name"])) for node in parsed["nodes"]]
        self.heads = parsed["heads"]
        self.arguments = self.symbol.list_arguments()
        self.auxiliary = self.symbol.list_auxiliary_states()
        self.inputs = [name for name in self.arguments if name not in self.params]
        self.labels = self._feeding(LABEL_INPUTS)
        self.states = self._feeding(STATE_INPUTS) | {name for name in self.inputs if "begin_state" in name}

    def _feeding(self, positions):
        """Return the inputs that reach only these positions of these operators, directly or through unary operators."""
        uses = [[] for _ in self.nodes]
        for consumer, node in enumerate(self.nodes):
            for position, entry in enumerate(node["inputs"]):
                uses[entry[0]].append((consumer, position))
        feeding = set()
        for i in reversed(range(len(self.nodes))):
            if uses[i] and len(self.nodes[i]["inputs"]) <= 1:
                if all(j in feeding or at in positions.get(self.nodes[j]["op"], ()) for j, at in uses[i]):
                    feeding.add(i)
        return {self.nodes[i]["name"] for i in feeding}.intersection(self.inputs)


def _graph_of(model, inputs):
    """Return a live model as a graph, and its inputs as NumPy arrays by name."""
    if isinstance(model, (tuple, list)) and len(model) == 3:
        symbol, args, aux = model
    elif hasattr(model, "get_params"):
        try:
            symbol, (args, aux) = model.symbol, model.get_params()
        except AssertionError:
            raise CaptureError("The module has no parameters yet: bind it, then load or initialise them.")
    elif hasattr(model, "collect_params"):
        return _graph_of_block(model, inputs)
    else:
        kind = type(model).__name__
        message = "unsupported model of type {}; expected a Module, a Gluon block or (symbol, arg_params, aux_params)."
        message = message.format(kind)
        raise CaptureError(message, exit_code=2)
    graph = _Graph(_to_json(symbol), _merged(args or {}, aux or {}))
    if inputs is None:
        return graph, {}
    return graph, _by_name(inputs, [name for name in graph.inputs if name not in graph.labels])


def _graph_of_block(block, inputs):
    """Return a Gluon block traced to a graph; ``inputs`` are nested as the arguments of its forward are."""
    tree = _block_arguments(inputs)
    names = _data_names(len(_leaves(tree)))
    try:
        text, params = _trace(block, tree, names)
    except CaptureError:
        raise
    except Exception as error:  # raised by the user's forward
        message = "{} cannot be traced ({}); its forward must be made of MXNet's operators, as a HybridBlock's is."
        raise UntraceableError(message.format(type(block).__name__, _reason(error)))
    try:
        values = {name: _value(param) for name, param in params.items()}
    except RuntimeError as error:
        raise CaptureError("The block is not initialised: {}".format(_reason(error)))
    return _Graph(text, values), {} if inputs is None else _by_name(tree, names)


def _block_arguments(inputs):
    """Return the arguments of a block as a list; inputs by name are called as Gluon calls them."""
    if isinstance(inputs, dict):
        names = _data_names(len(inputs))
        if set(names) != set(inputs):
            message = "A block's inputs are called {}, not {}.".format(_listed(names), _listed(sorted(inputs)))
            raise CaptureError(message, exit_code=2)
        return [inputs[name] for name in names]
    return inputs if isinstance(inputs, (list, tuple)) else [inputs]


def _trace(block, tree, names):
    """Return the symbol of a block as JSON, and the Gluon parameters in it by the name of their variable."""
    if hasattr(mx, "_deferred_compute"):
        return _trace_by_running(block, tree, names)
    with mx.name.NameManager():  # numbers operators from zero
        outputs = _leaves(block(*_rebuilt(tree, [_variable(name) for name in names])))
    symbol = mx.sym.Group(outputs) if len(outputs) > 1 else outputs[0]
    present = set(symbol.list_arguments() + symbol.list_auxiliary_states())
    params = {param.name: param for param in block.collect_params().values() if param.name in present}
    if any(getattr(param, "_deferred_init", ()) for param in params.values()):
        block(*_rebuilt(tree, _block_arrays(tree)))  # infers the shapes
    return _to_json(symbol), params


def _trace_by_running(block, tree, names):
    """Trace a block in MXNet 2: return its cached graph, or run it with deferred computation."""
    cached = getattr(block, "_cached_graph", ())
    graph = json.loads(_to_json(cached[1] if cached else _deferred_run(block, tree, names)))
    if not cached:
        numbered = [node for node in graph["nodes"] if re.match(r"node_\d+$", node["name"])]
        for number, node in enumerate(numbered):  # MXNet does not restart its counter for each trace
            node["name"] = "node_{}".format(number)
    structural = {param.var().name: (name, param) for name, param in block.collect_params().items()}
    params = {}
    for node in graph["nodes"]:
        if node["name"] in structural:
            node["name"], param = structural[node["name"]]
            params[node["name"]] = param
    return json.dumps(graph), params


def _deferred_run(block, tree, names):
    arrays = _block_arrays(tree)
    variables = [_variable(name) for name in names]
    mx._deferred_compute.set_variable(arrays, variables)
    with mx.autograd.pause(), mx._deferred_compute.context():
        outputs = _leaves(block(*_rebuilt(tree, arrays)))
    symbol = mx._deferred_compute.get_symbol(outputs, sym_cls=type(variables[0]))
    mx._deferred_compute.clear(outputs)
    return symbol


def _value(param):
    """Return the array of a Gluon parameter; the mean over its devices if there are several, as MXNet saves it."""
    if getattr(param, "_stype", "default") == "default" and len(param.list_data()) == 1:
        return param.list_data()[0]
    return param._reduce()


def _data_names(count):
    """Return the names that Gluon gives to the inputs of a block."""
    return ["data"] if count == 1 else ["data{}".format(i) for i in range(count)]


def _leaves(tree):
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in _leaves(branch)]
    return [tree]


def _rebuilt(tree, leaves):
    """Return the nested lists of ``tree`` with its leaves replaced."""
    leaves = iter(leaves)

    def rebuild(branch):
        return [rebuild(twig) for twig in branch] if isinstance(branch, (list, tuple)) else next(leaves)

    return rebuild(tree)


# --- Files of a checkpoint -----------------------------------------------------------------------------


def _graph_of_files(symbol_path, params_path, notes):
    """Return the graph of a checkpoint; raise CaptureError if the files cannot be used together."""
    _require_file(symbol_path)
    with io.open(symbol_path, encoding="utf-8", errors="replace") as file:
        return _graph_of_text(file.read(), symbol_path, params_path, notes)


def _graph_of_text(text, symbol_path, params_path, notes):
    """Return the graph of a symbol, which errors call ``symbol_path``, and the parameters of a file."""
    _require_file(params_path)
    params = {re.sub("^(arg|aux):", "", key): array for key, array in _load_params(params_path).items()}
    try:
        graph = _Graph(text, params)
    except (CaptureError, mx.base.MXNetError) as error:
        raise CaptureError("{}: {}".format(symbol_path, _reason(error)))
    wanted = graph.arguments + graph.auxiliary
    unused = sorted(set(params).difference(wanted))
    if unused and all("." in name for name in params):
        raise CaptureError(
            "{}: Gluon structural names ({}), but the symbol has {}. Load them into their own block; then "
            "block.export(prefix), or mxnet_capture.capture(block, inputs, path).".format(
                params_path, _listed(unused), _listed([name for name in wanted if name not in params])
            )
        )
    if unused:
        notes.append("The symbol does not use the parameters {}.".format(_listed(unused)))
    return graph


def _require_complete(graph, params_path, shapes):
    """Raise CaptureError if parameters are missing, or do not fit the graph and the shapes of its inputs."""
    known = graph.labels | graph.states | set(shapes) | {"data"}
    missing = [name for name in graph.inputs if name not in known]
    missing += [name for name in graph.auxiliary if name not in graph.params]
    if missing:
        message = (
            "{}: lacks {}, which the symbol has. Give the function the arguments of this network (--option KEY=VALUE, "
            "or its configuration), and the shapes of further inputs (--shape NAME=...)."
        )
        raise CaptureError(message.format(params_path, _listed(missing)))
    found = {name: graph.params[name].shape for name in graph.arguments if name in graph.params}
    try:
        auxiliary = graph.symbol.infer_shape_partial(**_merged(found, shapes))[2]
    except mx.base.MXNetError as error:
        raise CaptureError("{}: its shapes are not those of the symbol: {}".format(params_path, _reason(error)))
    for name, shape in zip(graph.auxiliary, auxiliary or ()):
        expected, shape = tuple(shape or ()), graph.params[name].shape
        if expected and min(expected) > 0 and expected != shape:
            raise CaptureError("{}: {} has shape {}; expected {}.".format(params_path, name, shape, expected))


def _require_file(path):
    if not os.path.isfile(path):
        raise CaptureError("{}: no such file.".format(path))


def _load_params(path):
    """Return the arrays of a file by name; MXNet reads version 3 records only with NumPy's semantics of shapes."""
    reason = ""
    for numpy_shape in (False, True):
        with _semantics(numpy_shape):
            try:
                loaded = mx.nd.load(path)
            except mx.base.MXNetError as error:
                reason = reason or _reason(error)
                continue
        if not loaded:  # a file of nothing is a list, also where a dict was saved
            return {}
        if not isinstance(loaded, dict):
            raise CaptureError("{}: arrays without names, which no symbol can use.".format(path))
        return loaded
    raise CaptureError("{}: MXNet {} cannot read it: {}".format(path, mx.__version__, reason))


def _identity(path):
    """Return the name of a source file without folders, its size and its SHA-256."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return {"name": os.path.basename(path), "size": os.path.getsize(path), "sha256": digest.hexdigest()}


# --- Differences between MXNet releases ----------------------------------------------------------------


@contextlib.contextmanager
def _semantics(numpy_shape):
    """Use classic arrays, in which a dimension of 0 is a length (``numpy_shape``) or unknown."""
    util = getattr(mx, "util", None)
    if hasattr(util, "np_array"):
        with util.np_array(False), util.np_shape(numpy_shape):
            yield
    elif hasattr(util, "np_shape"):
        with util.np_shape(numpy_shape):
            yield
    else:
        yield


def _to_json(symbol):
    try:
        text = symbol.tojson(remove_amp_cast=False)
    except TypeError:
        text = symbol.tojson()
    return text.decode("utf-8") if isinstance(text, bytes) else text


def _load_json(text):
    load = getattr(mx.sym, "load_json", None) or mx.sym.fromjson
    return load(_native(text))


def _native(text):
    """Return a text as the type that MXNet uses: UTF-8 bytes in Python 2."""
    return text.encode("utf-8") if str is bytes else text


def _numpy_mode():
    return getattr(getattr(mx, "util", None), "is_np_array", bool)()


def _variable(name):
    variable = mx.sym.Variable(name)
    return variable.as_np_ndarray() if _numpy_mode() else variable


def _block_arrays(tree):
    """Return the leaves as MXNet arrays, of NumPy's kind in NumPy mode."""
    if any(leaf is None for leaf in _leaves(tree)):
        raise CaptureError("The block must run once, so give it example inputs.", exit_code=2)
    arrays = [_to_mxnet(_to_numpy(leaf)) for leaf in _leaves(tree)]
    return [array.as_np_ndarray() for array in arrays] if _numpy_mode() else arrays


def _classic(array):
    return array.as_nd_ndarray() if hasattr(array, "as_nd_ndarray") else array


def _to_mxnet(array):
    try:
        return mx.nd.array(array, dtype=array.dtype)
    except (KeyError, TypeError, mx.base.MXNetError) as error:
        message = "MXNet {} has no arrays of type {} ({})."
        raise CaptureError(message.format(mx.__version__, array.dtype, _reason(error)))


def _reason(error):
    """Return the line of an error's message that states the problem, without time and source location."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    statements = [line for line in lines if re.match(r"\w*Error: ", line)] or lines
    return re.sub(r"\[\d\d:\d\d:\d\d\] \S+: |^MXNetError: ", "", statements[0]).strip()


# --- Arrays and the file -------------------------------------------------------------------------------


def write_safetensors(path, tensors, metadata):
    """Write MXNet arrays to a safetensors file, byte for byte as the official writer, one in memory at a time.

    Args:
        path: The file to write.
        tensors: MXNet arrays by key.
        metadata: Texts by key, in the order of the file.

    Raises:
        CaptureError: The file cannot be written.
    """
    order = sorted(tensors, key=lambda key: (DTYPES.index(_tag(tensors[key])), key))
    header, end = OrderedDict(__metadata__=metadata), 0
    for key in order:
        begin, end = end, end + _size(tensors[key])
        shape = [int(length) for length in tensors[key].shape]
        fields = [("dtype", _tag(tensors[key])), ("shape", shape), ("data_offsets", [begin, end])]
        header[key] = OrderedDict(fields)
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    with _replacing(path) as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for key in order:
            file.write(np.ascontiguousarray(tensors[key].asnumpy()).data)


def _tag(array):
    dtype = np.dtype(array.dtype)
    if dtype.names == ("bfloat16",):
        return "BF16"
    return "BOOL" if dtype.kind == "b" else "{}{}".format(dtype.kind.upper(), 8 * dtype.itemsize)


def _size(array):
    size = np.dtype(array.dtype).itemsize
    for length in array.shape:
        size *= int(length)
    return size


@contextlib.contextmanager
def _replacing(path):
    """Open a temporary file that replaces ``path`` once the block has ended without error and the data is on disk."""
    _check_target(path)
    path = os.path.realpath(path)
    temporary = "{}.{}.part".format(path, os.getpid())
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        getattr(os, "replace", os.rename)(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise
    if os.name == "posix":
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _check_target(path):
    """Raise CaptureError if no file can be written at ``path``; called before long runs."""
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        raise CaptureError("{}: a folder, not a file to write.".format(path))
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise CaptureError("{}: its folder does not exist or cannot be written.".format(path))


def _to_numpy(array):
    return array.asnumpy() if hasattr(array, "asnumpy") else np.asarray(array)


def _to_float(array):
    if array.dtype.names == ("bfloat16",):
        array = (array["bfloat16"].astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float64)


def _as_type(array, dtype):
    """Convert an array to another dtype; to bfloat16 by truncating float32."""
    array = np.asarray(array)
    if dtype == np.dtype(BFLOAT16):
        bits = np.ascontiguousarray(array, np.float32).view(np.uint32) >> 16
        return bits.astype(np.uint16).view(dtype)
    return array.astype(dtype)


# --- The command line ----------------------------------------------------------------------------------


def main(arguments=None):
    """Run the command line.

    Args:
        arguments: The arguments without the program's name. Default: those of the process.

    Returns:
        The exit code: 0 for success, 2 for invalid arguments, 3 for an error of a file, the model or its run.
    """
    options = _parser().parse_args(arguments)
    if mx is None:
        print("error: MXNet cannot be imported ({}): try `uv run`.".format(IMPORT_ERROR), file=sys.stderr)
        return 3
    try:
        options.command(options)
    except (CaptureError, mx.base.MXNetError, EnvironmentError) as error:
        print("error: " + _reason(error), file=sys.stderr)
        return getattr(error, "exit_code", 3)
    return 0


def _parser():
    description = "Record the outputs of an MXNet model and of its operators, or export a model from memory."
    parser = argparse.ArgumentParser(description=description)
    commands = parser.add_subparsers(metavar="run|export|zoo")
    commands.required = True
    run = commands.add_parser("run", help="run a checkpoint and write a golden file")
    run.set_defaults(command=_run_command)
    run.add_argument("prefix", nargs="?", help="PREFIX-symbol.json and PREFIX-EPOCH.params")
    run.add_argument("epoch", nargs="?", type=int, help="default: the only epoch of the prefix")
    run.add_argument("--symbol", help="symbol file, with --params instead of PREFIX")
    run.add_argument("--params", help="parameter file")
    run.add_argument(
        "--model", metavar="MODULE:NAME", help="a model, or a function that returns one, in the place of a checkpoint"
    )  # fmt: skip
    run.add_argument("--no-internals", action="store_true", help="record the outputs of the model only")
    run.add_argument("-o", "--output", required=True, metavar="GOLDEN", help="golden file to write (.safetensors)")
    live = commands.add_parser("export", help="write a model that a Python module builds as symbol and parameter files")
    live.set_defaults(command=_export_command)
    live.add_argument(
        "model", metavar="MODULE:NAME", help="a model, a symbol, or a function that returns one; FILE.py:NAME too"
    )  # fmt: skip
    live.add_argument("--params", metavar="FILE", help="its parameters; a symbol needs them")
    live.add_argument("-o", "--output", required=True, metavar="PREFIX", help="prefix of the two files to write")
    zoo = commands.add_parser("zoo", help="write a model of a model zoo, with parameters from a file, as two files")
    zoo.set_defaults(command=_zoo_command)
    zoo.add_argument("name", metavar="NAME", help="its name in the zoo of MXNet, GluonCV or GluonNLP")
    zoo.add_argument("--params", required=True, metavar="FILE", help="parameters that save_parameters wrote")
    zoo.add_argument("-o", "--output", required=True, metavar="PREFIX", help="prefix of the two files to write")
    for command in (live, zoo):
        command.add_argument(
            "--option", action="append", default=[], metavar="KEY=VALUE", type=_named(_literal),
            help="an argument of the function that makes the model, such as classes=20",
        )  # fmt: skip
    for command in (run, live, zoo):
        command.add_argument(
            "--input", help=".npz with arrays by input name; .npy, an image or a folder of images for the only input"
        )  # fmt: skip
        command.add_argument("--bgr", action="store_true", help="with images: blue first, as OpenCV reads them")
        for option in ("--mean", "--std"):
            text = "with images: {} each channel, of values from 0 to 255"
            text = text.format("subtract from" if option == "--mean" else "then divide")
            command.add_argument(option, type=_numbers, metavar="R,G,B", help=text)
        for option, value, parse, text in (
            ("--shape", "1,3,224,224", _shape, "shape of an input with random values"),
            ("--dtype", "int32", str, "dtype of an input (default: float32, or that in --input)"),
            ("--range", "LOW,HIGH", _range, "draw uniform values in [LOW, HIGH) instead of standard normal ones"),
        ):
            settings = {"type": _named(parse), "metavar": "NAME=" + value, "help": text}
            command.add_argument(option, action="append", default=[], **settings)
        command.add_argument("--seed", type=int, default=0, help="seed of the random values (default 0)")
    return parser


def _run_command(options):
    if [bool(options.prefix), bool(options.symbol or options.params), bool(options.model)].count(True) != 1:
        raise CaptureError("Give either PREFIX, or --symbol and --params, or --model.", exit_code=2)
    if options.model:
        _run_model(options)
        return
    if options.prefix:
        options.symbol = options.prefix + "-symbol.json"
        options.params = _params_of_epoch(options.prefix, options.epoch)
    elif not (options.symbol and options.params):
        raise CaptureError("--symbol and --params go together.", exit_code=2)
    notes = []
    graph = _graph_of_files(options.symbol, options.params, notes)
    data = [name for name in graph.inputs if name not in graph.labels]
    try:
        inputs, is_random = _command_line_inputs(options, data, graph.arguments, graph.labels, notes)
        description = _record(
            graph,
            inputs,
            options.output,
            seed=options.seed if is_random else None,
            internals=not options.no_internals,
            notes=notes,
            sources={"symbol": _identity(options.symbol), "parameters": _identity(options.params)},
        )
    finally:
        _print_notes(notes)
    _print_counts(options.output, description)


def _run_model(options):
    model = _imported(options.model)
    names = [name for name, _ in options.shape]
    inputs, is_random = _command_line_inputs(options, ["data"], names, (), [])
    seed = options.seed if is_random else None
    description = capture(model, inputs or None, options.output, seed=seed, internals=not options.no_internals)
    _print_notes(description["notes"])
    _print_counts(options.output, description)


def _print_notes(notes):
    for note in notes:
        print("note: " + note, file=sys.stderr)


def _print_counts(path, description):
    counts = [len(description[kind]) for kind in ("inputs", "outputs", "internals")]
    print("{}: {} inputs, {} outputs, {} internal outputs".format(path, *counts))


def _imported(name, arguments=None):
    """Return a model of a Python module, in the current folder, on the path or a file; functions are called."""
    module, _, attribute = name.rpartition(":")
    if not module or not attribute:
        raise CaptureError("{}: expected MODULE:NAME or FILE.py:NAME.".format(name), exit_code=2)
    sys.path.insert(0, os.getcwd())
    if module.endswith(".py"):
        _require_file(module)
        sys.path.insert(0, os.path.dirname(os.path.abspath(module)))
        module = os.path.basename(module)[:-3]
    try:
        model = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise CaptureError("{}: it cannot be imported: {}.".format(name, _reason(error).rstrip(".")), exit_code=2)
    made = isinstance(model, mx.sym.Symbol) or hasattr(model, "collect_params")
    if isinstance(model, type) or (callable(model) and not made):
        try:
            return model(**(arguments or {}))
        except Exception as error:  # raised by the user's function
            reason = "{}: {}".format(type(error).__name__, _reason(error).rstrip("."))
            raise CaptureError("{}: calling it raised {}.".format(name, reason), exit_code=2)
    return model


def _export_command(options):
    model = _imported(options.model, dict(options.option))
    names = [name for name, _ in options.shape]
    inputs, _ = _command_line_inputs(options, ["data"], names, (), [])
    if isinstance(model, mx.sym.Symbol):
        paths = _write_checkpoint(_graph_of_symbol(model, options, inputs), options.output)
    else:
        if options.params:
            _load_into(model, options.params, options.model)
        paths = export(model, options.output, inputs or None)
    for path in paths:
        print(path)


def _graph_of_symbol(symbol, options, inputs):
    """Return the graph of a symbol of a Python module and the parameters of --params, which must fit it."""
    if not options.params:
        message = "{}: a symbol, which has no parameters; give their file with --params."
        raise CaptureError(message.format(options.model), exit_code=2)
    notes = []
    graph = _graph_of_text(_to_json(symbol), options.model, options.params, notes)
    _require_complete(graph, options.params, {name: array.shape for name, array in inputs.items()})
    _print_notes(notes)
    return graph


def _zoo_command(options):
    _require_file(options.params)
    model = _zoo_model(options.name, dict(options.option), options.params)
    _load_into(model, options.params, options.name)
    if hasattr(model, "hybridize"):
        model.hybridize()
    inputs, _ = _command_line_inputs(options, ["data"], [name for name, _ in options.shape], (), [])
    for path in export(model, options.output, inputs or None):
        print(path)


def _load_into(model, params, name):
    """Load the parameters that save_parameters wrote into a Gluon block."""
    _require_file(params)
    if not hasattr(model, "load_parameters"):
        message = "{}: a {}; --params goes with a symbol or a Gluon block.".format(name, type(model).__name__)
        raise CaptureError(message, exit_code=2)
    try:
        model.load_parameters(params, ctx=mx.cpu())
    except (AssertionError, ValueError, KeyError, mx.base.MXNetError) as error:
        message = "{}: not the parameters of {}: {}. Give its arguments, such as --option classes=20."
        raise CaptureError(message.format(params, name, _reason(error)))


def _zoo_model(name, arguments, params):
    """Return a model without parameters from the first zoo that is installed and has it."""
    tried = []
    for module, function in ZOOS:
        try:
            get_model = getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError) as error:
            tried.append("{} ({})".format(module, _reason(error)))
            continue
        try:
            model = _called_with_known(get_model, name, arguments, _zoo_arguments(module, params))
        except (ValueError, KeyError, NotImplementedError, AttributeError):
            tried.append("{} (no such model)".format(module))
        except (TypeError, AssertionError) as error:
            reason = _reason(error).rstrip(".")
            raise CaptureError("{}.{}({!r}): {}.".format(module, function, name, reason), exit_code=2)
        else:
            return model[0] if isinstance(model, tuple) else model  # GluonNLP returns the vocabulary too
    raise CaptureError("{}: no zoo has this model: {}.".format(name, ", ".join(tried)), exit_code=2)


def _called_with_known(get_model, name, arguments, known):
    """Call a zoo's function with the arguments that are known, too; without those where the model takes none."""
    if known:
        try:
            return get_model(name, pretrained=False, **dict(known, **arguments))
        except TypeError:
            pass
    return get_model(name, pretrained=False, **arguments)


def _zoo_arguments(module, params):
    """Return the arguments that every model of a zoo is made with, those that the parameters tell included.

    Detectors of GluonCV fetch the weights of their base network by default. GluonNLP takes of a vocabulary the number of
    words, and makes the heads of BERT that are asked for.
    """
    if module == "gluoncv.model_zoo":
        return {"pretrained_base": False}
    if module != "gluonnlp.model":
        return {}
    arrays = mx.nd.load(params)
    names = list(arrays) if isinstance(arrays, dict) else []
    tables = [name for name in names if name.endswith("word_embed.0.weight")]
    if not tables:
        return {}
    heads = {"use_" + part: any(name.startswith(part + ".") for name in names) for part in BERT_HEADS}
    return dict(heads, vocab=range(arrays[tables[0]].shape[0]))


def _literal(text):
    """Return the value of a text that is JSON (7, true, [1, 2], null); other texts as they are."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _params_of_epoch(prefix, epoch):
    if epoch is not None:
        return "{}-{:04d}.params".format(prefix, epoch)
    paths = sorted(path for path in glob.glob(prefix + "-*.params") if re.search(r"-\d{4,}\.params$", path))
    if len(paths) != 1:
        message = "{}-*.params: {} epochs ({}); give one."
        raise CaptureError(message.format(prefix, len(paths), _listed(paths) or "no file"), exit_code=2)
    return paths[0]


def _command_line_inputs(options, data, order, labels, notes):
    """Return NumPy arrays by name from --input and --shape, and whether any is random."""
    shapes, ranges = dict(options.shape), dict(options.range)
    dtypes = {name: _dtype(text) for name, text in options.dtype}
    if options.input and _is_image(options.input):
        images = _read_images(options, data, shapes)
        shapes = {name: shape for name, shape in shapes.items() if name not in images}
        inputs = images
    else:
        if options.bgr or options.mean or options.std:
            raise CaptureError("--bgr, --mean and --std go with images as --input.", exit_code=2)
        inputs = _read_inputs(options.input, data) if options.input else {}
    for name in set(inputs).intersection(shapes):
        raise CaptureError("{} has values in {}: leave its --shape out.".format(name, options.input), exit_code=2)
    for name in set(dtypes).union(ranges).difference(inputs, shapes):
        raise CaptureError("{0} has a type or a range, but no values: give --shape {0}=...".format(name), exit_code=2)
    inputs = {name: _as_type(array, dtypes.get(name, array.dtype)) for name, array in inputs.items()}
    generator = np.random.RandomState(options.seed)
    is_random = False
    for name in sorted(shapes, key=lambda name: order.index(name) if name in order else len(order)):
        dtype = dtypes.get(name, np.dtype(np.float32))
        if name in labels:
            inputs[name] = np.zeros(shapes[name], dtype)
            notes.append("{}: zeros of shape {}, being a label.".format(name, shapes[name]))
        else:
            inputs[name] = _random(name, shapes[name], dtype, ranges.get(name), generator)
            is_random = True
    return inputs, is_random


def _read_inputs(path, data):
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _by_name(loaded, data)
        return {name: loaded[name] for name in loaded.files}
    except (ValueError, AttributeError, EnvironmentError) as error:
        raise CaptureError("{}: cannot be read as .npz or .npy: {}".format(path, _reason(error)))


def _is_image(path):
    return os.path.isdir(path) or os.path.splitext(path)[1].lower() in IMAGES


def _read_images(options, data, shapes):
    """Return the only input: images in RGB from 0 to 255, (N, 3, H, W), or as its --shape has them, N times or less."""
    try:
        from PIL import Image
    except ImportError:
        raise CaptureError("{}: images need Pillow: pip install pillow.".format(options.input))
    named = [name for name in data if name in shapes] or data
    if len(named) != 1:
        raise CaptureError("{} is for one input of {}: name it with --shape.".format(options.input, _listed(data)), 2)
    shape = shapes.get(named[0])
    if shape is not None and (len(shape) != 4 or not set(shape[1::2]).intersection((1, 3))):
        raise CaptureError("--shape {}: images are N,C,H,W or N,H,W,C, with 1 or 3 channels.".format(named[0]), 2)
    first = shape is None or shape[1] in (1, 3)
    channels = 3 if shape is None else shape[1] if first else shape[3]
    size = None if shape is None else (shape[2:] if first else shape[1:3])
    arrays = []
    for path in _image_paths(options.input)[: None if shape is None else shape[0]]:
        try:
            image = Image.open(path).convert("RGB" if channels == 3 else "L")
        except (EnvironmentError, ValueError) as error:
            raise CaptureError("{}: {}".format(path, _reason(error)))
        if size is not None:
            image = image.resize((size[1], size[0]), Image.BILINEAR)
        arrays.append(np.asarray(image, np.float32).reshape(image.size[1], image.size[0], channels))
    if len(set(array.shape for array in arrays)) != 1:
        raise CaptureError("{}: images of several sizes: give --shape data=N,3,H,W.".format(options.input), 2)
    batch = np.stack(arrays)[..., ::-1] if options.bgr else np.stack(arrays)
    for numbers, function in ((options.mean, np.subtract), (options.std, np.divide)):
        if numbers is not None and len(numbers) not in (1, channels):
            raise CaptureError("--mean and --std: {} numbers for {} channels.".format(len(numbers), channels), 2)
        if numbers is not None:
            batch = function(batch, np.array(numbers, np.float32))
    return {named[0]: np.ascontiguousarray(batch.transpose(0, 3, 1, 2) if first else batch, np.float32)}


def _image_paths(path):
    if not os.path.isdir(path):
        return [path]
    names = sorted(name for name in os.listdir(path) if os.path.splitext(name)[1].lower() in IMAGES)
    if not names:
        raise CaptureError("{}: no images in it ({}).".format(path, ", ".join(IMAGES)))
    return [os.path.join(path, name) for name in names]


def _numbers(text):
    return [float(number) for number in text.split(",")]


def _named(parse):
    """Return a parser of ``NAME=value`` that parses the value with ``parse``."""

    def parse_pair(text):
        name, separator, value = text.partition("=")
        if not separator:
            raise argparse.ArgumentTypeError("expected NAME=..., found {!r}".format(text))
        try:
            return name, parse(value)
        except (ValueError, TypeError) as error:
            raise argparse.ArgumentTypeError("{!r}: {}".format(text, error))

    return parse_pair


def _shape(text):
    return tuple(int(length) for length in text.split(",") if length.strip())


def _dtype(text):
    try:
        return np.dtype(BFLOAT16 if text == "bfloat16" else text)
    except TypeError:
        raise CaptureError("--dtype {}: unknown dtype.".format(text), exit_code=2)


def _range(text):
    low, high = (float(limit) for limit in text.split(","))
    if not low < high:
        raise ValueError("the range is empty")
    return low, high


def _merged(first, second):
    merged = dict(first)
    merged.update(second)
    return merged


def _listed(names, most=5):
    """Return ``a, b, c and 4 more``."""
    names = list(names)
    return ", ".join(names[:most]) + (" and {} more".format(len(names) - most) if len(names) > most else "")


if __name__ == "__main__":
    sys.exit(main())
