"""What people do with a module: compile, export, trace, cast, train, copy, pickle, save."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

import networks
from checks import torch
from graphs import GraphBuilder
from neutral.store import Store
from neutral_to_torch import emit
from neutral_to_torch.emission.build import build

NETWORKS: dict[str, Callable[[], Store]] = {
    "resnet": lambda: networks.resnet((1, 2)),
    "resnet_v2": lambda: networks.resnet_v2((2, 2)),
    "mobilenet_v2": networks.mobilenet_v2,
    "densenet": lambda: networks.densenet((2, 2)),
    "inception": lambda: networks.inception(2),
}


def image(batch: int = 2) -> Any:
    return torch.randn(batch, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=NETWORKS)
def model(request: pytest.FixtureRequest) -> Any:
    return build(NETWORKS[request.param]())


def test_compile(model: Any) -> None:
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(image()), model(image()))


def test_export_with_a_dynamic_batch(model: Any) -> None:
    batch = {0: torch.export.Dim("batch", min=2, max=64)}
    program = torch.export.export(model, (image(),), dynamic_shapes=(batch,))
    with torch.no_grad():
        torch.testing.assert_close(program.module()(image(5)), model(image(5)))


def test_trace(model: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(model, image())
    torch.testing.assert_close(traced(image(3)), model(image(3)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_casts(model: Any, dtype: str) -> None:
    low = copy.deepcopy(model).to(getattr(torch, dtype))
    with torch.no_grad():
        output = low(image().to(getattr(torch, dtype)))
    assert output.dtype == getattr(torch, dtype)
    assert torch.isfinite(output).all()


def test_training_moves_what_it_should(model: Any) -> None:
    model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.1)
    torch.nn.functional.nll_loss(model(image(4)).log(), torch.tensor([1, 2, 3, 4])).backward()
    optimizer.step()
    after = model.state_dict()
    for key, value in model.named_parameters():
        assert (value.grad is not None) == value.requires_grad, key
        step = 0.1 * value.grad if value.requires_grad else torch.zeros(())
        torch.testing.assert_close(after[key], before[key] - step)
    assert all(not torch.equal(before[key], after[key]) for key in before if "running_" in key)
    assert {int(v) for k, v in after.items() if k.endswith("num_batches_tracked")} == {1}


def test_copies_and_pickles(model: Any) -> None:
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with torch.no_grad():
            assert torch.equal(other(image()), model(image()))


def test_state_dict_round_trip(model: Any) -> None:
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    other = type(model)()
    other.load_state_dict(torch.load(buffer, weights_only=True), strict=True)
    with torch.no_grad():
        assert torch.equal(other.eval()(image()), model(image()))


def test_distributed_checkpoints_read_the_emitted_weights(tmp_path: Path) -> None:
    """``torch.distributed.checkpoint`` takes the folder of the emitted safetensors as it is."""
    checkpoint = pytest.importorskip("torch.distributed.checkpoint")
    if not hasattr(checkpoint, "HuggingFaceStorageReader"):
        pytest.skip(f"torch {torch.__version__} has no reader of safetensors")
    store = networks.resnet((1, 2))
    emit(store, tmp_path / "model.py")
    expected = build(store).state_dict()
    state = {name: torch.zeros_like(value) for name, value in expected.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it loads in a single process
        checkpoint.load(state, storage_reader=checkpoint.HuggingFaceStorageReader(str(tmp_path)), no_dist=True)
    for name, value in expected.items():
        torch.testing.assert_close(state[name], value, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["resnet", "mobilenet_v2"])
def test_onnx(name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model = build(NETWORKS[name]())
    batch = {0: torch.export.Dim("batch", min=2, max=64)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(model, (image(),), dynamo=True, dynamic_shapes=(batch,), verbose=False)
    buffer = io.BytesIO()
    program.save(buffer)
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    (output,) = session.run(None, {given.name: image(3).numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(output, model(image(3)).numpy(), rtol=1e-4, atol=1e-5)


def test_dropout_acts_in_training_only() -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 1000))
    model = build(g.store(g.node("dropout", x, name="drop", p=0.25, shared_axes=(), always=False)))
    ones = torch.ones(4, 1000)
    assert torch.equal(model(ones), ones)
    torch.manual_seed(0)
    kept = model.train()(ones) != 0
    assert abs(float(kept.float().mean()) - 0.75) < 0.03
