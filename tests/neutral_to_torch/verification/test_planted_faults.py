"""Faults planted in PyTorch modules, each of which a verification has to name; and modules without any."""

from __future__ import annotations

import copy
from typing import Any, Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch.nn", reason="runs modules").modules.module.torch
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from neutral.graph import Graph, Input, Layer, Node, Value  # noqa: E402
from neutral.reference import run  # noqa: E402
from neutral.store import Store  # noqa: E402
from neutral.tensor import from_numpy  # noqa: E402
from neutral.verification.golden import Golden, GoldenInput  # noqa: E402
from neutral_to_torch import verify  # noqa: E402
from neutral_to_torch.loading.planning import make_plan  # noqa: E402

WINDOW: dict[str, Any] = {
    "stride": (1, 1),
    "padding": (1, 1),
    "dilation": (1, 1),
    "groups": 1,
    "layout": "channels_first",
}
POOL = {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1), "rounding": "down", "layout": "channels_first"}


class Net(nn.Module):
    """Convolutions, batch norm, pooling, a flattened linear layer, a square one and softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.fc1 = nn.Linear(8 * 9, 6)
        self.fc2 = nn.Linear(6, 6)
        self.prepare: Callable[[Any], Any] = lambda x: x
        self.act: Callable[[Any], Any] = F.relu
        self.pool: Callable[[Any], Any] = lambda x: F.avg_pool2d(x, 3, 2, 1)
        self.before2: Callable[[Any], Any] = lambda x: x
        self.flat: Callable[[Any], Any] = lambda x: x.flatten(1)
        self.head: Callable[[Any], Any] = lambda x: x.softmax(-1)

    def forward(self, data: Any) -> Any:
        x = self.act(self.bn1(self.conv1(self.prepare(data))))
        x = F.relu(self.conv2(self.before2(self.pool(x))))
        return self.head(self.fc2(F.relu(self.fc1(self.flat(x)))))


def convolution(name: str, operand: str, stride: int = 1) -> Node:
    attributes = {**WINDOW, "out_channels": 8, "kernel_size": (3, 3), "stride": (stride, stride)}
    return Node(name, "convolution", (Value(operand),), attributes, name)


NORM = {"eps": 1e-5, "momentum": 0.9, "axis": 1, "scale": True, "use_global_stats": False}

NODES = (
    convolution("conv1", "data"),
    Node("bn1", "batch_norm", (Value("conv1"),), NORM, "bn1"),
    Node("relu1", "relu", (Value("bn1"),), {}),
    Node("pool1", "average_pool", (Value("relu1"),), {**POOL, "divisor": "padded_input"}),
    convolution("conv2", "pool1", 2),
    Node("relu2", "relu", (Value("conv2"),), {}),
    Node("fc1", "linear", (Value("relu2"),), {"out_features": 6, "flatten": True}, "fc1"),
    Node("relu3", "relu", (Value("fc1"),), {}),
    Node("fc2", "linear", (Value("relu3"),), {"out_features": 6, "flatten": False}, "fc2"),
    Node("prob", "softmax", (Value("fc2"),), {"axis": -1}),
)


def made(module: nn.Module, nodes: tuple[Node, ...], output: Value, data: np.ndarray) -> tuple[Store, Golden]:
    """Return the store with a module's values, and the recording of its graph."""
    roles = {"running_mean": "running_mean", "running_var": "running_var"}
    layers, tensors = {}, {}
    for node in nodes:
        if node.layer is None:
            continue
        part = module.get_submodule(node.name)
        values = {**dict(part.named_parameters()), **{k: v for k, v in part.named_buffers() if k in roles}}
        keys = {role: f"{node.name}.{role}" for role in values}
        layers[node.name] = Layer(node.name, node.kind, node.attributes, keys)
        tensors.update({keys[role]: from_numpy(value.detach().numpy().copy()) for role, value in values.items()})
    store = Store(layers, tensors, Graph((Input("data", data.shape, "float32"),), nodes, (output,)))
    recorded: dict[str, Any] = {"data": from_numpy(data)}
    internals = {}

    def observe(value: Value, array: np.ndarray) -> None:
        key = f"{value.node}.{value.output}"
        recorded[key] = from_numpy(np.ascontiguousarray(array))
        internals[(value.node, value.output)] = key

    run(store, {"data": data}, observe=observe)
    outputs = (internals[(output.node, output.output)],)
    return store, Golden(
        "net.golden", "mxnet", "1.9.1", (GoldenInput("data", "data"),), outputs, internals, (), recorded
    )


class Case:
    """A module, its store, a recording, and the plan that joins them."""

    def __init__(self, module: nn.Module, nodes: tuple[Node, ...], output: Value, data: np.ndarray) -> None:
        self.module = module.eval()
        self.store, self.golden = made(module, nodes, output, data)
        self.plan = make_plan(self.module, self.store, golden=self.golden)

    def hint(self, change: Callable[[Any], Any], golden: Golden | None = None) -> str:
        module = copy.deepcopy(self.module)
        with torch.no_grad():
            change(module)
        report = verify(module, golden or self.golden, self.plan, store=self.store)
        first = report.first_divergence
        return "" if first is None else first.hint


@pytest.fixture(scope="module")
def case() -> Case:
    torch.manual_seed(1)
    module = Net()
    with torch.no_grad():
        module.bn1.weight.uniform_(0.5, 2)
        module.bn1.bias.normal_()
        module.bn1.running_mean.normal_()
        module.bn1.running_var.uniform_(0.001, 0.01)
        module.fc2.weight.mul_(4)
    data = np.random.RandomState(0).uniform(0, 1, (4, 3, 11, 11)).astype(np.float32)
    return Case(module, NODES, Value("prob"), data)


def weight(layer: str, function: Callable[[Any], Any]) -> Callable[[Any], None]:
    def change(module: Any) -> None:
        parameter = module.get_submodule(layer).weight
        parameter.copy_(function(parameter).clone())

    return change


def attribute(name: str, value: Any) -> Callable[[Any], None]:
    return lambda module: setattr(module, name, value)


def trained_once(momentum: float) -> Callable[[Any], None]:
    def change(module: Any) -> None:
        module.bn1.momentum = momentum
        module.train()(torch.from_numpy(np.random.RandomState(0).uniform(0, 1, (4, 3, 11, 11)).astype(np.float32)))
        module.eval()

    return change


def rounded_operands(module: Any) -> None:
    module.conv2.weight.copy_(module.conv2.weight.half().float())
    module.before2 = lambda x: x.half().float()


MEAN, DEVIATION = (torch.tensor(numbers)[:, None, None] for numbers in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
BGR = torch.tensor([103.939, 116.779, 123.68])[:, None, None]


def batch_statistics(module: Any) -> None:
    module.bn1.running_mean = module.bn1.running_var = None


def same_padding(module: Any) -> None:
    module.before2, module.conv2.padding = lambda x: F.pad(x, (0, 1, 0, 1)), (0, 0)


FAULTS = {
    "eps": (lambda m: setattr(m.bn1, "eps", 1e-3), "eps 0.001 in the place of 1e-05 in bn1 (batch_norm)"),
    "fix_gamma": (lambda m: m.bn1.weight.fill_(1), "a weight (gamma) of ones: fix_gamma in bn1"),
    "training mode": (batch_statistics, "the mean and variance of the batch: training mode in bn1"),
    "momentum 0.9": (trained_once(0.1), "momentum 0.9, which PyTorch calls 0.1 in bn1"),
    "momentum 0.1": (trained_once(0.9), "momentum 0.1, which PyTorch calls 0.9 in bn1"),
    "divisor": (
        attribute("pool", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
        "the positions in the input alone are counted: padding at the edges in pool1 (average_pool)",
    ),
    "padding": (attribute("pool", lambda x: F.avg_pool2d(x, 3, 2, 0)), "padding (0, 0) and rounding down of the size"),
    "maximum": (attribute("pool", lambda x: F.max_pool2d(x, 3, 2, 1)), "max in the place of average pooling in pool1"),
    "activation": (attribute("act", lambda x: x), "relu1 (relu) left out"),
    "rows and columns": (weight("conv1", lambda w: w.transpose(2, 3)), "a transposed kernel in conv1"),
    "flipped": (weight("conv1", lambda w: w.flip(2, 3)), "a flipped kernel"),
    "in and out": (
        weight("conv2", lambda w: w.transpose(0, 1)),
        "the input and output channels of the kernel exchanged: a transposed kernel in conv2",
    ),
    "same padding": (same_padding, "'same' padding of TensorFlow in conv2"),
    "flattening": (
        attribute("flat", lambda x: x.permute(0, 2, 3, 1).flatten(1)),
        "features that are flattened with channels last in fc1",
    ),
    "transposed": (weight("fc2", lambda w: w.T), "a transposed matrix in fc2 (linear)"),
    "RGB": (attribute("prepare", lambda x: x.flip(1)), "RGB in the place of BGR, or the reverse (data)"),
    "scale": (attribute("prepare", lambda x: x * 255), "an input that is not divided by 255: preprocessing (data)"),
    "scale and mean": (
        attribute("prepare", lambda x: (x - MEAN) / DEVIATION),
        "an input minus ImageNet's mean, divided by its deviation: preprocessing (data)",
    ),
    "mean of BGR": (
        attribute("prepare", lambda x: x.flip(1) - BGR),
        "minus ImageNet's mean of values up to 255, with its channels in reverse order (RGB, BGR): preprocessing",
    ),
    "label head": (attribute("head", lambda x: x), "prob (softmax, the head) left out"),
    "head twice": (attribute("head", lambda x: x.softmax(-1).softmax(-1)), "a softmax after prob: another head"),
    "other head": (attribute("head", lambda x: x.softmax(-1).sigmoid()), "a sigmoid after prob: another head"),
    "half operands": (rounded_operands, "operands rounded to float16 (or TF32): half precision in conv2"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named(case: Case, name: str) -> None:
    change, words = FAULTS[name]
    hint = case.hint(change)
    assert words in hint
    assert [other for other, (_, known) in FAULTS.items() if known in hint] == [name], "one fault, and the right one"


UNKNOWN = {
    "a weight": lambda m: m.conv1.weight[2, 1, 0, 0].add_(0.5),
    "noise": lambda m: m.conv1.weight.add_(torch.randn_like(m.conv1.weight)),
    "another layer": lambda m: m.conv2.weight.copy_(torch.randn_like(m.conv2.weight)),
    "noise in the input": attribute(
        "prepare", lambda x: x + 0.1 * torch.from_numpy(np.random.RandomState(5).randn(*x.shape)).float()
    ),
    "a shifted image": attribute("prepare", lambda x: x.roll(1, 3)),
    "noise in pooling": attribute("pool", lambda x: F.avg_pool2d(x, 3, 2, 1) * (1 + 0.1 * torch.rand(6, 6))),
    "noise after the head": attribute("head", lambda x: (x + torch.linspace(0, 1, 24).reshape(4, 6).cos()).softmax(-1)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_other_faults_are_given_no_name(case: Case, name: str) -> None:
    assert case.hint(UNKNOWN[name]) == ""


def test_nothing_is_said_where_nothing_is_wrong(case: Case) -> None:
    module = copy.deepcopy(case.module)
    report = verify(module, case.golden, case.plan, store=case.store)
    assert report.ok and [row.hint for row in report.rows if row.hint] == []
    module.bn1.eps = 1.001e-5  # too little to differ
    assert verify(module, case.golden, case.plan, store=case.store).ok


def test_a_fault_of_the_store_is_named_too(case: Case) -> None:
    """The module computes what the store says, and the recording does not."""
    other = copy.deepcopy(case.module)
    with torch.no_grad():
        other.bn1.weight.fill_(1)
    _, golden = made(other, NODES, Value("prob"), case.golden.array("data"))
    assert case.hint(lambda module: None, golden) == (
        "the recorded values are as with a weight (gamma) of ones: fix_gamma in bn1 (batch_norm)"
    )


class Pooled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.pool: Callable[[Any], Any] = lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)

    def forward(self, data: Any) -> Any:
        return self.conv2(self.pool(self.conv1(data)))


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (lambda x: F.max_pool2d(x, 3, 2), "rounding down of the size in the place of (0, 0) and up in pool1"),
        (
            lambda x: F.max_pool2d(x, 3, 2, 1),
            "padding (1, 1) and rounding down of the size in the place of (0, 0) and up",
        ),
    ],
)
def test_the_rounding_of_pooling_is_named(pool: Callable[[Any], Any], words: str) -> None:
    torch.manual_seed(2)
    nodes = (
        convolution("conv1", "data"),
        Node("pool1", "max_pool", (Value("conv1"),), {**POOL, "padding": (0, 0), "rounding": "up"}),
        convolution("conv2", "pool1"),
    )
    data = np.random.RandomState(1).randn(2, 3, 12, 12).astype(np.float32)
    case = Case(Pooled(), nodes, Value("conv2"), data)
    assert words in case.hint(attribute("pool", pool))


class Dilated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 4, 3, stride=2, dilation=2)

    def forward(self, data: Any) -> Any:
        return self.up(data)


@pytest.mark.parametrize(
    ("function", "words"),
    [(lambda w: w, ""), (lambda w: w.flip(2, 3), "a flipped kernel"), (lambda w: w + torch.randn_like(w), "")],
)
def test_faults_of_a_dilated_transposed_convolution(function: Callable[[Any], Any], words: str) -> None:
    """None of them are the wrong sums of MXNet's kernel."""
    torch.manual_seed(4)
    attributes = {**WINDOW, "out_channels": 4, "kernel_size": (3, 3), "stride": (2, 2), "dilation": (2, 2)}
    attributes.update(padding=(0, 0), output_padding=(0, 0), output_size=None)
    nodes = (Node("up", "transposed_convolution", (Value("data"),), attributes, "up"),)
    case = Case(Dilated(), nodes, Value("up"), np.random.RandomState(1).randn(2, 3, 6, 7).astype(np.float32))
    hint = case.hint(weight("up", function))
    assert hint.startswith(f"the module computes as with {words}") if words else hint == ""


class Recurrent(nn.Module):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.rnn = kind(5, 7, bidirectional=True)

    def forward(self, data: Any) -> Any:
        return self.rnn(data)[0]


@pytest.mark.parametrize(
    ("kind", "order", "words"),
    [
        ("LSTM", (0, 1, 3, 2), "the gates in the order input, forget, output, cell: permuted gates in rnn (lstm)"),
        ("LSTM", (1, 0, 2, 3), "the gates in the order forget, input, cell, output: permuted gates in rnn (lstm)"),
        ("GRU", (1, 0, 2), "the gates in the order update, reset, new: permuted gates in rnn (gru)"),
        ("LSTM", None, "the tensors of the two directions exchanged in rnn (lstm)"),
    ],
)
def test_permuted_gates_are_named(kind: str, order: Any, words: str) -> None:
    torch.manual_seed(3)
    attributes = {"hidden_size": 7, "num_layers": 1, "bidirectional": True, "dropout": 0.0}
    if kind == "LSTM":
        attributes.update(projection_size=0, clip_min=None, clip_max=None, clip_nan=False)
    nodes = (Node("rnn", kind.lower(), (Value("data"),), attributes, "rnn"),)
    data = np.random.RandomState(1).randn(6, 2, 5).astype(np.float32)
    case = Case(Recurrent(getattr(nn, kind)), nodes, Value("rnn"), data)

    def change(module: Any) -> None:
        for name, parameter in module.rnn.named_parameters():
            other = module.rnn.get_parameter(name[:-8] if name.endswith("_reverse") else f"{name}_reverse").clone()
            if order is not None:
                other = torch.cat([parameter.chunk(len(order))[number] for number in order])
            changed[name] = other
        for name, value in changed.items():
            module.rnn.get_parameter(name).copy_(value)

    changed: dict[str, Any] = {}
    assert case.hint(lambda module: None) == ""
    assert words in case.hint(change)
