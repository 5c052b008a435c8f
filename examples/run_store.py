"""Run a store with nothing but ``docs/format.md``, which quotes this program, and ``docs/operators.md``."""

import inspect
import json
import re
import types

import numpy as np


def read_operators(path="operators.md"):
    """Return the scope of the functions, and each kind's operands and dtype rule."""
    with open(path, encoding="utf-8") as file:
        chapter = file.read().partition("\n## MXNet's operators")[0]
    scope = {}
    exec("\n\n".join(re.findall(r"^```python\n(.*?)^```$", chapter, re.M | re.S)), scope)
    operators = {}
    for entry in re.split(r"^#### ", chapter, flags=re.M)[1:]:
        kind, signature = entry.split("`")[1], re.search(r"^Operands: (.*?)\. Outputs: .*", entry, re.M)
        rule = re.search(r" Dtype: `(\w+)`", signature.group())
        operators[kind] = types.SimpleNamespace(
            inputs=tuple(re.findall(r"`(.+?)`", signature.group(1))),
            dtype_rule=rule and rule.group(1),
            layout_only="layout only" in signature.group(),
        )
    return types.SimpleNamespace(**scope), operators


def read_store(path, numpy_dtypes):
    """Return the manifest, and the tensors by key."""
    raw = np.fromfile(path, np.uint8)
    start = 8 + int.from_bytes(raw[:8].tobytes(), "little")
    header = json.loads(raw[8:start].tobytes())
    manifest = json.loads(header.pop("__metadata__")["neutral"])
    tensors = {}
    for key, item in header.items():
        begin, end = item["data_offsets"]
        array = np.frombuffer(raw[start + begin : start + end], numpy_dtypes[item["dtype"]]).reshape(item["shape"])
        tensors[key] = (array.astype("<u4") << 16).view("<f4") if item["dtype"] == "BF16" else array
    return manifest, tensors


def decoded(value):
    """Return an attribute: lists as tuples, the three texts as numbers, a graph with its outputs as an attribute."""
    if isinstance(value, list):
        return tuple(map(decoded, value))
    if isinstance(value, dict) and "nodes" in value:
        return types.SimpleNamespace(**value)
    return float(value) if value in ("inf", "-inf", "nan") else value


class Runner:
    def __init__(self, store, operators="operators.md", seed=None):
        self.scope, self.operators = read_operators(operators)
        self.manifest, self.tensors = read_store(store, self.scope.NUMPY_DTYPE)
        self.layers = {layer["name"]: layer for layer in self.manifest["layers"]}
        self.context = {"run_graph": self.run_graph, "random": np.random.default_rng(seed)}

    def run(self, inputs):
        """Return the outputs of the graph for arrays by name of input."""
        graph = types.SimpleNamespace(**self.manifest["graph"])
        return self.run_graph(graph, [inputs[item["name"]] for item in graph.inputs])

    def run_graph(self, graph, arrays):
        values = {(item["name"], 0): np.asarray(array) for item, array in zip(graph.inputs, arrays)}
        with np.errstate(all="ignore"):
            for node in graph.nodes:
                for number, array in enumerate(self.run_node(node, values)):
                    values[node["name"], number] = array
        return [values[tuple(output)] for output in graph.outputs]

    def run_node(self, node, values):
        kind, operator = node["kind"], self.operators[node["kind"]]
        attributes = {name: decoded(value) for name, value in node["attributes"].items()}
        layer = self.layers[node["layer"]]["tensors"] if "layer" in node else {}
        tensors = {role: self.tensors[key] for role, key in layer.items()}
        tensors.update({role: values[tuple(value)] for role, value in node.get("computed", {}).items()})
        known = [values[tuple(item)] if isinstance(item, list) else None for item in node["inputs"]]
        operands = [
            array
            if item is None or isinstance(item, list)
            else self.scope.literal_array(operator, decoded(item), known)
            for item, array in zip(node["inputs"], known)
        ]
        dtypes = [array.dtype for array in known if array is not None]
        operands, tensors, half = self.scope.widened(operator, operands, tensors)
        function = self.scope.FUNCTIONS[kind]
        names = inspect.signature(function).parameters if isinstance(function, types.FunctionType) else ()
        context = {name: value for name, value in self.context.items() if name in names}
        result = function(*operands, **attributes, **tensors, **context)
        results = list(result) if isinstance(result, (tuple, list)) else [result]
        return self.scope.finished(operator, attributes, results, dtypes, half, None)
