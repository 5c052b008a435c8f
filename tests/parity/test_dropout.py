"""Dropout against MXNet: what it leaves at inference, and how it draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
import neutral_to_torch  # noqa: E402


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("attributes", [{}, {"p": 0.2}, {"p": 0.0}, {"axes": (0, 2)}, {"mode": "training"}])
def test_nothing_is_dropped_at_inference(check_operator: Any, attributes: dict[str, Any], dtype: str) -> None:
    x = np.random.RandomState(0).randn(2, 3, 4).astype(dtype)
    check_operator("Dropout", [x], exact=True, **attributes)


def drawn(mxnet: Any, tmp_path: Path, x: np.ndarray, **attributes: Any) -> tuple[np.ndarray, Any]:
    """What MXNet draws, and the module."""
    prefix = str(tmp_path / "op")
    outputs = mxnet.call("operators:run_operator", operator="Dropout", inputs=[x], attributes=attributes, prefix=prefix)
    return outputs[0], neutral_to_torch.build(mxnet_to_neutral.read(prefix))


@pytest.mark.parametrize("p", [0.25, 0.5])
def test_always(mxnet: Any, tmp_path: Path, p: float) -> None:
    x = np.ones((200, 300), "float32")
    expected, module = drawn(mxnet, tmp_path, x, p=p, mode="always")
    torch.manual_seed(0)
    for result in (expected, module.eval()(torch.from_numpy(x)).numpy()):
        np.testing.assert_allclose(np.unique(result), [0, 1 / (1 - p)], rtol=1e-6)
        assert abs((result == 0).mean() - p) < 0.01


@pytest.mark.parametrize("axes", [(0,), (1, 2), (2,)])
def test_shared_axes(mxnet: Any, tmp_path: Path, axes: tuple[int, ...]) -> None:
    x = np.ones((20, 30, 40), "float32")
    expected, module = drawn(mxnet, tmp_path, x, p=0.5, mode="always", axes=axes)
    torch.manual_seed(0)
    for result in (expected, module(torch.from_numpy(x)).numpy()):
        assert set(np.unique(result)) == {0, 2}
        assert (result == result.max(axis=axes, keepdims=True)).all()
        assert result.max(axis=axes).min() == 0
        assert np.array_equal(result.max(axis=axes), result.min(axis=axes))


def test_training_draws(mxnet: Any, tmp_path: Path) -> None:
    x = np.ones((200, 300), "float32")
    _, module = drawn(mxnet, tmp_path, x, p=0.25)
    torch.manual_seed(0)
    result = module.train()(torch.from_numpy(x)).numpy()
    assert abs((result == 0).mean() - 0.25) < 0.01
