"""Unusual forms of usual operators against real MXNet: repeated axes, vectors, single elements, second outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

A = np.random.RandomState(0).uniform(-2, 2, (2, 4, 3)).astype(np.float32)


@pytest.mark.parametrize("axis", [(1, 1), (1, 1, 1), (0, 1, 1)])
def test_reverse_of_repeated_axes(check_operator: Any, axis: tuple[int, ...]) -> None:
    check_operator("reverse", [A], exact=True, axis=axis)


def test_flip_of_repeated_axes(check_numpy: Any) -> None:
    check_numpy("np.flip(a, axis=(1, 1))", exact=True, a=A)


@pytest.mark.parametrize("axis", [(1, -2), (0, -1)])
def test_flip_of_axes_from_both_ends(check_numpy2: Any, axis: tuple[int, ...]) -> None:
    check_numpy2(f"np.flip(a, axis={axis})", exact=True, a=A)  # MXNet 1 refuses negative axes


@pytest.mark.parametrize("flags", [{}, {"preserve_shape": True}])
def test_softmax_output_of_a_vector(check_operator: Any, flags: dict[str, bool]) -> None:
    check_operator("SoftmaxOutput", [A[0, 0], A[0, 0]], declared=True, **flags)


@pytest.mark.parametrize("shape", [(2, 3, 1), (2, 3, 1, 1)])
def test_instance_norm_of_single_elements(check_operator: Any, shape: tuple[int, ...]) -> None:
    x = np.random.RandomState(1).uniform(-2, 2, shape).astype(np.float32)
    for declared in (False, True):
        check_operator("InstanceNorm", [x, A[0, 0], A[1, 0]], parameters=(1, 2), declared=declared)


@pytest.mark.parametrize("shape", [(2, 3, 1), (2, 3, 1, 1)])
def test_group_norm_of_single_elements(check_operator: Any, shape: tuple[int, ...]) -> None:
    x = np.random.RandomState(1).uniform(-2, 2, shape).astype(np.float32)
    for declared in (False, True):
        check_operator("GroupNorm", [x, A[0, 0], A[1, 0]], parameters=(1, 2), declared=declared, num_groups=3)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_eigenvalues_of_integers(check_numpy: Any, dtype: str) -> None:
    check_numpy("linalg.eigvalsh(a)", a=np.array([[2, 1], [1, 3]], dtype))


@pytest.mark.parametrize("options", ["", "axis=0", "weights=a * a", "axis=-1, weights=a[0, 0] * a[0, 0]"])
def test_average_with_its_weights(check_numpy1: Any, options: str) -> None:
    check_numpy1(f"[*np.average(a, {options + ', ' if options else ''}returned=True)]", a=A)


@pytest.mark.parametrize("norm", ["InstanceNorm(pooled, w, b)", "GroupNorm(pooled, w, b, num_groups=3)"])
def test_norms_after_global_pooling(check_expression: Any, norm: str) -> None:
    pooled = "sym.Pooling(sym.Convolution(x, k, no_bias=True, kernel=(1, 1), num_filter=3), global_pool=True)"
    x, k = A.reshape(1, 2, 4, 3), A[:, :3, :1].reshape(3, 2, 1, 1)
    line = f"(lambda pooled: sym.{norm})({pooled})"
    check_expression(line, stored=["k", "w", "b"], x=x, k=k, w=A[0, 0], b=A[1, 0])


@pytest.mark.parametrize("operator", ["LayerNorm", "InstanceNorm", "GroupNorm"])
@pytest.mark.parametrize("eps", [-0.001, -0.5, -10.0])
def test_norms_with_a_negative_eps(check_operator: Any, operator: str, eps: float) -> None:
    x = np.random.RandomState(2).uniform(-2, 2, (2, 4, 3)).astype(np.float32)
    size, options = {"LayerNorm": (3, {}), "InstanceNorm": (4, {}), "GroupNorm": (2, {"num_groups": 2})}[operator]
    weight, bias = x[0].reshape(-1)[:size], x[1].reshape(-1)[:size]
    check_operator(operator, [x, weight, bias], parameters=(1, 2), eps=eps, **options)


@pytest.mark.parametrize("line", ["np.mod(a, b)", "np.fmod(a, b)", "np.mod(a, 0)", "np.fmod(a, 0)", "np.mod(2, b)"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "int8"])
@pytest.mark.parametrize("release", ["1", "2"])
def test_remainders_of_a_division_by_0(request: Any, release: str, line: str, dtype: str) -> None:
    if release == "1" and "fmod" in line:
        pytest.skip("MXNet 1 has it outside of graphs alone")
    check_numpy = request.getfixturevalue(f"check_numpy{release}")
    a, b = np.array([5, 7, 0, 3], dtype), np.array([0, 2, 0, 4], dtype)
    given = {name: array for name, array in {"a": a, "b": b}.items() if f"({name}," in line or f" {name})" in line}
    check_numpy(line, exact=True, **given)


@pytest.mark.parametrize("operator", ["broadcast_mod", "_mod_scalar", "_rmod_scalar"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "int8"])
def test_classic_remainders_of_a_division_by_0(check_operator: Any, operator: str, dtype: str) -> None:
    a, b = np.array([5, 7, 0, 3], dtype), np.array([0, 2, 0, 4], dtype)
    options: dict[str, Any] = {} if operator == "broadcast_mod" else {"scalar": 0.0 if operator == "_mod_scalar" else 2}
    check_operator(operator, [a, b] if not options else [b], declared=True, exact=True, **options)


def test_mixed_precision_in_bfloat16(check_expression: Any) -> None:
    amp = '__import__("mxnet.contrib.amp.amp", fromlist=["amp"])'
    narrow = f"sym.amp_cast(sym.amp_cast(x, dtype={amp}.bfloat16), dtype='float32')"
    check_expression(narrow, exact=True, x=A)
    check_expression(f"sym.broadcast_add({narrow} * 2, y)", exact=True, x=A, y=A[0])


REDUCTIONS = [
    (function, dtype)
    for function in ("min", "max", "sum", "mean", "all", "any", "std", "prod")
    for dtype in ("float32", "int32")
    if (function, dtype) != ("std", "int32")  # which is refused by name
]


@pytest.mark.parametrize(("function", "dtype"), REDUCTIONS)
def test_reductions_of_a_tensor_without_axes(check_numpy: Any, function: str, dtype: str) -> None:
    check_numpy(f"np.{function}(a, keepdims=True)", a=np.array(3, dtype))
    check_numpy(f"np.{function}(a)", a=np.array(3, dtype))


def test_a_tensor_without_axes_transposed(check_numpy: Any) -> None:
    check_numpy("np.transpose(a, axes=())", exact=True, a=np.array(3, "float32"))
    check_numpy("np.transpose(a)", exact=True, a=np.array(3, "float32"))
    check_numpy("np.flip(a)", exact=True, a=np.array(3, "float32"))


@pytest.mark.parametrize("value_type", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["None", "int32", "uint8", "float16", "bool"])
def test_full_in_mxnet_2(check_node2: Any, value_type: int, dtype: str) -> None:
    values = {"int_value": -3, "uint_value": 300, "double_value": 2.7, "value_type": value_type}
    check_node2("_npi_full", [], exact=True, shape=(2,), dtype=dtype, **values)


@pytest.mark.parametrize("axes", ["", "axis=1"])
def test_cross_products(check_numpy2: Any, axes: str) -> None:
    a, b = np.arange(9.0).reshape(3, 3).astype("float32"), (np.arange(9.0).reshape(3, 3) ** 2 % 7).astype("float32")
    check_numpy2(f"np.cross(a, b{', ' + axes if axes else ''})", a=a, b=b)
