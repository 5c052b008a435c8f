"""Modules that hold matrices as (in, out), or several in one tensor: transposed and joined, never reinterpreted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, cast

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.matching import TensorLayout
from neutral.store import Store
from neutral.tensor import from_numpy
from neutral_to_torch import Plan, build, load_into, make_plan

SIZES = (5, 6, 6, 3)


def mlp(names: tuple[str, ...] = ("fc0", "fc1", "fc2"), bias: bool = True) -> Store:
    """A perceptron; its second matrix is square."""
    g = GraphBuilder()
    x = g.input(shape=(None, SIZES[0]))
    for k, (name, size) in enumerate(zip(names, SIZES[1:])):
        x = g.linear(x, size, features=SIZES[k], bias=bias, name=name)
        x = g.relu(x) if k < 2 else x
    return g.store(x)


class Dense(nn.Module):
    """A layer with a matrix (in, out), and a way to use it."""

    def __init__(self, inputs: int, outputs: int, use: Callable[..., torch.Tensor], bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.randn(outputs)) if bias else None
        self.use = use

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.use(x, self.weight, self.bias)


class Perceptron(nn.Module):
    """Three layers of a kind, under given names, registered backwards if asked to."""

    def __init__(
        self,
        use: Callable[..., torch.Tensor],
        names: tuple[str, ...] = ("fc0", "fc1", "fc2"),
        bias: bool = True,
        backwards: bool = False,
    ) -> None:
        super().__init__()
        sizes = list(zip(names, SIZES, SIZES[1:]))
        for name, inputs, outputs in reversed(sizes) if backwards else sizes:
            self.add_module(name, Dense(inputs, outputs, use, bias))
        self.names = names

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        for name in self.names[:-1]:
            data = F.relu(getattr(self, name)(data))
        return getattr(self, self.names[-1])(data)


USES: dict[str, Callable[..., torch.Tensor]] = {
    "matmul": lambda x, w, b: x @ w + b,
    "bias first": lambda x, w, b: b + torch.matmul(x, w),
    "addmm": lambda x, w, b: torch.addmm(b, x, w),
    "linear of t": lambda x, w, b: F.linear(x, w.t(), b),
    "linear of T": lambda x, w, b: F.linear(x, w.T) + b,
    "linear of mT": lambda x, w, b: F.linear(x, w.mT.contiguous(), b),
    "einsum": lambda x, w, b: torch.einsum("bi,io->bo", x, w) + b,
    "einsum, weight first": lambda x, w, b: torch.einsum("io,bi->bo", w, x) + b,
    "from the left": lambda x, w, b: (w.T @ x.T).T + b,
    "three axes": lambda x, w, b: (x[:, None] @ w + b)[:, 0],
    "a view of the weights": lambda x, w, b: torch.addmm(b.view(1, -1), x, w.data.view(w.shape)),
}


def assert_computes(module: nn.Module, store: Store, *shape: int) -> None:
    """Compare the outputs of a module with the store's own meaning."""
    x = torch.from_numpy(np.random.default_rng(5).normal(size=shape).astype(np.float32))
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(x), build(store)(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("names", [("fc0", "fc1", "fc2"), ("head", "stem", "neck")])
@pytest.mark.parametrize("example", [torch.randn(4, 5), torch.randn(1, 5), None])
def test_matrices_are_transposed(use, names, example) -> None:
    module, store = Perceptron(use, names, backwards=names[0] == "head"), mlp()
    plan = load_into(module, store, example=example)
    assert_computes(module, store, 7, 5)
    assert {pair.layer: pair.module for pair in plan.pairs} == dict(zip(store.layers, names))
    assert all(str(pair.layouts["weight"]) == "transposed" for pair in plan.pairs)
    assert "weight transposed" in str(plan)


def test_matrices_of_the_usual_layout_are_copied() -> None:
    module, store = Perceptron(lambda x, w, b: F.linear(x, w, b)), mlp()
    for layer in module.children():
        layer.weight.data = layer.weight.data.T.contiguous()
    plan = load_into(module, store, example=torch.randn(2, 5))
    assert_computes(module, store, 7, 5)
    assert not any(pair.layouts for pair in plan.pairs)


def test_a_plan_file_has_the_layout(tmp_path: Path) -> None:
    store = mlp()
    plan = make_plan(Perceptron(USES["matmul"]), store, example=torch.randn(2, 5))
    plan.save(tmp_path / "plan.toml")
    assert 'layout = "transposed"' in (tmp_path / "plan.toml").read_text()
    assert Plan.load(tmp_path / "plan.toml") == plan
    module = Perceptron(USES["matmul"])
    load_into(module, store, tmp_path / "plan.toml")
    assert_computes(module, store, 7, 5)


def test_a_layout_that_does_not_fit_is_refused() -> None:
    store = mlp()
    plan = make_plan(Perceptron(USES["matmul"]), store, example=torch.randn(2, 5))
    document = plan.to_dict()
    document["pair"][0]["layouts"]["weight"]["offset"] = 1
    module = Perceptron(USES["matmul"])
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(MatchError, match=r"layout of fc0\.weight .* elements 1 to 30 are not all in"):
        load_into(module, store, Plan.from_dict(document))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_without_a_layout_an_unequal_shape_is_refused() -> None:
    store = mlp()
    module = Perceptron(USES["matmul"])
    with pytest.raises(MatchError, match=r"fc0\.weight has shape \(6, 5\), the module's fc0\.weight has \(5, 6\)"):
        load_into(module, Store(store.layers, store.tensors, None))


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_layouts_of_every_dtype_and_on_meta(device: str, dtype: str) -> None:
    store = mlp()
    bits = {key: np.arange(tensor.size).reshape(tensor.shape) for key, tensor in store.tensors.items()}
    numbers = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}[dtype]
    tensors = {key: from_numpy(array.astype(numbers), dtype) for key, array in bits.items()}
    with torch.device(device):
        module = Perceptron(USES["matmul"])
    load_into(module, Store(store.layers, tensors, store.graph), example=torch.randn(2, 5))
    weight = module.fc0.weight.detach()
    stored = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[dtype]
    expected = torch.from_numpy(bits["fc0.weight"].astype(np.int16 if dtype == "BF16" else numbers))
    expected = expected.view(torch.bfloat16) if dtype == "BF16" else expected
    assert weight.dtype == (stored if device == "meta" else torch.float32)
    assert torch.equal(weight, expected.T.to(weight.dtype))


class Stacked(nn.Module):
    """Layers of one size whose matrices are one tensor."""

    def __init__(self, use: Callable[..., torch.Tensor], count: int = 3) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(count, 6, 6))
        self.b = nn.Parameter(torch.randn(count, 6))
        self.use = use

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for k in range(len(self.w)):
            x = torch.tanh(self.use(x, self.w, self.b, k))
        return x


def chain(count: int = 3) -> Store:
    g = GraphBuilder()
    x = g.input(shape=(None, 6))
    for _ in range(count):
        x = g.node("tanh", g.linear(x, 6, features=6))
    return g.store(x)


STACKED: dict[str, Callable[..., torch.Tensor]] = {
    "linear of w[i]": lambda x, w, b, k: F.linear(x, w[k], b[k]),
    "matmul with w[i]": lambda x, w, b, k: x @ w[k] + b[k],
    "matmul with w[i].T": lambda x, w, b, k: x @ w[k].T + b[k],
    "unbind": lambda x, w, b, k: torch.addmm(b.unbind()[k], x, w.unbind()[k]),
}


@pytest.mark.parametrize("name", STACKED)
@pytest.mark.parametrize("example", [torch.randn(4, 6), torch.randn(1, 6), None])
def test_stacked_matrices(name: str, example: torch.Tensor | None) -> None:
    module, store = Stacked(STACKED[name]), chain()
    plan = load_into(module, store, example=example)
    assert_computes(module, store, 5, 6)
    assert [pair.tensors for pair in plan.pairs] == [{"weight": "w", "bias": "b"}] * 3


def test_a_stack_of_which_the_store_fills_a_part_is_refused() -> None:
    class Partly(Stacked):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for k in (0, 2, 1):
                x = torch.tanh(self.use(x, self.w, self.b, k))
            return x

    module = Partly(STACKED["matmul with w[i]"], 4)
    with pytest.raises(MatchError, match="w not filled: the store fills 108 of its 144 elements only"):
        load_into(module, chain(), example=torch.randn(2, 6))
    load_into(module, chain(), example=torch.randn(2, 6), allow_missing=["w", "b"])
    assert_computes(module, chain(), 5, 6)


def test_a_kernel_of_another_order_of_axes() -> None:
    """As TensorFlow and Flax have it: (height, width, in, out)."""

    class Conv(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(3, 3, 4, 4))
            self.bias = nn.Parameter(torch.randn(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = F.conv2d(x, self.kernel.permute(3, 2, 0, 1), padding=1)
            return F.relu(y + self.bias.view(1, -1, 1, 1))

    g = GraphBuilder()
    store = g.store(g.relu(g.conv(g.input(shape=(None, 4, 6, 6)), 4, bias=True)))
    module = Conv()
    plan = load_into(module, store, example=torch.randn(2, 4, 6, 6))
    assert_computes(module, store, 2, 4, 6, 6)
    assert plan.pairs[0].tensors == {"weight": "kernel", "bias": "bias"}


EINSUM_KEEPS_THE_ORDER = tuple(map(int, torch.__version__.split(".")[:2])) <= (2, 8)
"""Whether einsum multiplies as written: torch 2.8 takes the transposed input, torch 2.13 puts the input first."""


@pytest.mark.parametrize("equation", ["bld,dhk->blhk", "dhk,bld->blhk"])
def test_a_matrix_in_heads(equation: str) -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(8, 2, 4))
            self.bias = nn.Parameter(torch.randn(2, 4))
            self.out = nn.Parameter(torch.randn(2, 4, 8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            args = (x, self.kernel) if equation.startswith("b") else (self.kernel, x)
            y = torch.einsum(equation, *args) + self.bias
            return torch.einsum("blhk,hkd->bld", torch.tanh(y), self.out)

    g = GraphBuilder()
    x = g.linear(g.input(shape=(None, 3, 8)), 8, features=8, flatten=False)
    store = g.store(g.linear(g.node("tanh", x), 8, features=8, flatten=False, bias=False))
    module = Heads()
    if equation.startswith("d") and EINSUM_KEEPS_THE_ORDER:
        with pytest.raises(MatchError, match="kernel as linear: the input is the input data in the store, transpose"):
            load_into(module, store, example=torch.randn(2, 3, 8))
        return
    load_into(module, store, example=torch.randn(2, 3, 8))
    assert_computes(module, store, 2, 3, 8)


def test_a_bias_along_another_axis_is_no_bias() -> None:
    class Wrong(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.randn(6, 6))
            self.b = nn.Parameter(torch.randn(6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x @ self.w).T.contiguous().view(6, 6) + self.b

    g = GraphBuilder()
    store = g.store(g.linear(g.input(shape=(6, 6)), 6, features=6))
    with pytest.raises(MatchError):
        load_into(Wrong(), store, example=torch.randn(6, 6))


class Experts(nn.Module):
    """Several layers of one input, whose matrices are one tensor."""

    def __init__(self, use: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(3, 6, 6))
        self.b = nn.Parameter(torch.randn(3, 6))
        self.use = use

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.use(x, self.w, self.b))


def experts() -> Store:
    g = GraphBuilder()
    x = g.input(shape=(None, 6))
    parts = [g.linear(x, 6, features=6, name=f"expert{k}") for k in range(3)]
    return g.store(g.node("tanh", g.node("stack", *parts, axis=0)))


BATCHED: dict[str, Callable[..., torch.Tensor]] = {
    "vmap of linear": lambda x, w, b: torch.vmap(F.linear, in_dims=(None, 0, 0))(x, w, b),
    "vmap of matmul": lambda x, w, b: torch.vmap(lambda x, w, b: x @ w + b, in_dims=(None, 0, 0))(x, w, b),
    "baddbmm": lambda x, w, b: torch.baddbmm(b[:, None], x.expand(3, *x.shape), w),
    "bmm": lambda x, w, b: torch.bmm(x.expand(3, *x.shape), w.mT) + b.unsqueeze(1),
    "einsum": lambda x, w, b: torch.einsum("bi,eio->ebo", x, w) + b[:, None],
    "one by one": lambda x, w, b: torch.stack([x @ w[k] + b[k] for k in range(3)]),
}


@pytest.mark.parametrize("use", BATCHED.values(), ids=BATCHED)
@pytest.mark.parametrize("example", [torch.randn(4, 6), torch.randn(1, 6), None])
def test_a_product_with_a_stack_is_several_layers(use, example) -> None:
    module, store = Experts(use), experts()
    plan = load_into(module, store, example=example)
    assert_computes(module, store, 5, 6)
    assert [name for pair in plan.pairs for name in pair.layer.split(" + ")] == list(store.layers)


@pytest.mark.parametrize(
    "use",
    [
        lambda x, w, b: torch.baddbmm(b[:, None], x.expand(3, *x.shape), w, alpha=0.5),
        lambda x, w, b: torch.baddbmm(b[:, None], x.expand(3, *x.shape), w, beta=0.5),
        lambda x, w, b: torch.bmm(x.expand(3, *x.shape), w.flip(0).abs()) + b.unsqueeze(1),
        lambda x, w, b: (torch.bmm(x.expand(3, *x.shape), w) + b.unsqueeze(1)).roll(1, 2),
    ],
)
def test_another_product_with_a_stack_is_refused(use) -> None:
    with pytest.raises(MatchError):
        load_into(Experts(use), experts(), example=torch.randn(4, 6))


def attention() -> Store:
    g = GraphBuilder(seed=6)
    x = g.input(shape=(None, 5, 8))
    query, key, value = (g.linear(x, 8, features=8, flatten=False, name=name) for name in ("query", "key", "value"))
    scores = g.node("multiply", g.node("matmul", query, g.node("transpose", key, axes=(0, 2, 1))), 8**-0.5)
    mixed = g.node("matmul", g.node("softmax", scores, axis=-1), value)
    return cast(Store, g.store(g.linear(mixed, 8, features=8, flatten=False, name="out")))


class StackedAttention(nn.Module):
    """Projects by one product with three matrices; it may fold the batch into the rows."""

    def __init__(self, use: Any, order: tuple[int, ...] = (0, 1, 2), axis: int = -1) -> None:
        super().__init__()
        self.weights, self.biases = nn.Parameter(torch.randn(3, 8, 8)), nn.Parameter(torch.randn(3, 8))
        self.last, self.use, self.order, self.axis = nn.Linear(8, 8), use, order, axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        projected = self.use(x, self.weights, self.biases)
        query, key, value = (projected[index] for index in self.order)
        result: torch.Tensor = self.last((query @ key.mT * 8**-0.5).softmax(self.axis) @ value)
        return result


PROJECTIONS = {
    "einsum": lambda x, w, b: torch.einsum("bti,koi->kbto", x, w) + b[:, None, None],
    "vmap": lambda x, w, b: torch.vmap(lambda w, b: F.linear(x, w, b))(w, b),
    "baddbmm": lambda x, w, b: torch.baddbmm(b[:, None], x.flatten(0, 1).expand(3, -1, -1), w.mT).view(3, *x.shape),
    "one by one": lambda x, w, b: [x @ w[k].T + b[k] for k in range(3)],
}


@pytest.mark.parametrize("use", PROJECTIONS.values(), ids=PROJECTIONS)
@pytest.mark.parametrize("example", [torch.randn(1, 5, 8), torch.randn(2, 5, 8), None])
def test_projections_of_attention_from_one_stack(use: Any, example: Any) -> None:
    module, store = StackedAttention(use), attention()
    assert load_into(module, store, example=example, require_proof=True).grade.is_proven
    x = torch.randn(3, 5, 8)
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(x), build(store)(x), rtol=1e-4, atol=1e-5)
    with pytest.raises(MatchError):
        load_into(StackedAttention(use, axis=1), store, example=example)


def test_addmm_with_factors_is_refused() -> None:
    for use in (
        lambda x, w, b: torch.addmm(b, x, w, beta=2),
        lambda x, w, b: torch.addmm(b, x, w, alpha=0.5),
        lambda x, w, b: torch.addmm(b, x, w) * 1.5,
    ):
        for names in (("fc0", "fc1", "fc2"), ("c", "b", "a")):
            with pytest.raises(MatchError):
                load_into(Perceptron(use, names), mlp(), example=torch.randn(4, 5))


def test_layouts_that_overlap_with_other_values_are_refused() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.randn(6, 6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(torch.tanh(x @ self.w) @ self.w.T)

    g = GraphBuilder()
    x = g.node("tanh", g.linear(g.input(shape=(None, 6)), 6, features=6, bias=False, name="a"))
    store = g.store(g.node("tanh", g.linear(x, 6, features=6, bias=False, name="b")))
    with pytest.raises(MatchError, match=r"two parts of the module's w overlap"):
        load_into(Tied(), store, example=torch.randn(2, 6))
    store.tensors["b.weight"] = from_numpy(store.tensors["a.weight"].numpy().T)
    module = Tied()
    load_into(module, store, example=torch.randn(2, 6))
    assert_computes(module, store, 3, 6)


def test_strided_views_are_recognized_and_others_not() -> None:
    indices = np.arange(24).reshape(2, 3, 4)
    for view in (indices[1], indices[1].T, indices.transpose(2, 0, 1), indices[:, 1], indices[:, ::2]):
        layout = TensorLayout.of_indices(view, indices.shape)
        assert layout is not None and layout.problem(indices.shape) is None
        assert np.array_equal(layout.view(indices).reshape(view.shape), view)
    assert TensorLayout.of_indices(indices, indices.shape) == TensorLayout()
    for view in (indices[[0, 0]], indices.reshape(-1)[[0, 1, 3]], np.zeros((2, 2), int)):
        assert TensorLayout.of_indices(view, indices.shape) is None
