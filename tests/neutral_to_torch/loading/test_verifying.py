"""Verification against golden files made by hand from a module's own run."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from golden_files import write_golden
from neutral.errors import StoreError, VerificationError
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import Pair
from neutral.verification.golden import open_golden
from neutral_to_torch import load_into, verify
from pages import Page
from stores import Builder


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 1, 1)
        self.bn = nn.BatchNorm2d(8)
        self.act = nn.PReLU(8)
        self.fc = nn.Linear(8 * 6 * 6, 5)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return self.fc(self.act(self.bn(self.conv(data))).flatten(1))


def store_of_net() -> Builder:
    b = Builder(3)
    b.convolution("conv", 3, 8)
    b.batch_norm("bn", 8)
    b.prelu("act", 8)
    b.linear("fc", 8 * 6 * 6, 5)
    return b


def record(module: nn.Module, data: torch.Tensor) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the output of every leaf of the module, by name, and the module's."""
    outputs: dict[str, np.ndarray] = {}
    handles = [
        child.register_forward_hook(lambda m, a, out, name=name: outputs.__setitem__(name, out.detach().numpy().copy()))
        for name, child in module.named_modules()
        if not list(child.children())
    ]
    with torch.no_grad():
        result = module.eval()(data).numpy()
    for handle in handles:
        handle.remove()
    return outputs, result


@pytest.fixture
def case(tmp_path: Path) -> tuple[Net, Plan, Path]:
    module = Net()
    plan = load_into(module, store_of_net().store(graph=True))
    data = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 6, 6)).astype(np.float32))
    internals, _ = record(module, data)
    golden = write_golden(tmp_path / "golden.safetensors", {"data": data.numpy()}, internals, ["fc"])
    return module, plan, golden


def test_equal_modules_are_equal_in_every_layer(case: tuple[Net, Plan, Path]) -> None:
    module, plan, golden = case
    report = verify(module, golden, plan)
    assert report.ok and report.first_divergence is None and not report.skipped
    assert [(row.layer, row.module, row.kind) for row in report.rows] == [
        ("conv", "conv", "convolution"),
        ("bn", "bn", "batch_norm"),
        ("act", "act", "prelu"),
        ("fc", "fc", "linear"),
        (None, None, ""),
    ]
    assert all(row.scaled_error == 0 and row.comparison.cosine == pytest.approx(1) for row in report.rows)
    assert "4 layers and 1 output compared" in str(report)


def test_a_plan_can_come_from_the_store_and_without_both_the_outputs_are_compared(case) -> None:
    module, _, golden = case
    assert len(verify(module, golden, store=store_of_net().store(graph=True)).rows) == 5
    report = verify(module, golden)
    assert report.ok and [row.layer for row in report.rows] == [None]
    assert "no layers were compared" in report.notes[0]


def test_the_first_divergence_is_the_layer_that_is_wrong(case) -> None:
    module, plan, golden = case
    with torch.no_grad():
        module.act.weight += 0.1
    report = verify(module, golden, plan)
    assert not report.ok
    assert [row.ok for row in report.rows] == [True, True, False, False, False]
    assert report.first_divergence is report.rows[2]
    assert "first in act" in report.summary


def test_the_mode_of_every_module_is_left_as_it_was(case) -> None:
    module, plan, golden = case
    module.train()
    module.bn.eval()
    before = module.bn.running_mean.clone()
    assert verify(module, golden, plan).ok  # batch norm ran in evaluation mode
    assert module.training and module.conv.training and not module.bn.training
    assert torch.equal(module.bn.running_mean, before)


@pytest.mark.parametrize(
    ("change", "layer", "words"),
    [
        (lambda m: (m.conv.weight.mul_(-1), m.conv.bias.mul_(-1)), "conv", "sign"),
        (lambda m: (m.conv.weight.mul_(2), m.conv.bias.mul_(2)), "conv", "2 times the golden values"),
        (lambda m: (m.conv.weight.zero_(), m.conv.bias.zero_()), "conv", "all zeros"),
        (lambda m: m.conv.bias.add_(0.5), "conv", "constant offset"),
        (lambda m: m.conv.bias.add_(torch.arange(8)), "conv", "each channel is off by a constant"),
        (lambda m: m.conv.bias.fill_(math.nan), "conv", "NaN"),
        (lambda m: setattr(m.bn, "eps", 1e-3), "bn", "another eps"),
        (lambda m: m.bn.weight.mul_(torch.linspace(1, 2, 8)), "bn", "a weight or a variance"),
        (lambda m: setattr(m.conv, "padding_mode", "circular"), "conv", "only the border differs"),
        (lambda m: (m.fc.weight.copy_(m.fc.weight.flip(0)), m.fc.bias.copy_(m.fc.bias.flip(0))), "fc", "other places"),
    ],
)
def test_a_hint_names_the_likely_cause(case, change, layer: str, words: str) -> None:
    module, plan, golden = case
    with torch.no_grad():
        change(module)
    first = verify(module, golden, plan).first_divergence
    assert first.layer == layer and words in first.hint


def test_another_stride_is_a_difference_of_shapes(case) -> None:
    module, plan, golden = case
    module.conv.stride = (2, 2)
    with pytest.raises(VerificationError, match=r"failed on the golden inputs.*conv differed.*spatial size") as caught:
        verify(module, golden, plan)
    assert "RuntimeError" in str(caught.value)


def test_a_module_that_runs_more_than_once_is_compared_call_by_call(tmp_path: Path) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, data: torch.Tensor) -> torch.Tensor:
            return self.fc(self.fc(data))

    b = Builder()
    b.linear("fc", 4, 4)
    b.uses.append(("fc_again", "fc"))
    module = Twice()
    plan = load_into(module, b.store(graph=True))
    data = torch.randn(3, 4)
    with torch.no_grad():
        first = module.fc(data)
        second = module.fc(first)
    internals = {"fc": first.numpy(), "fc_again": second.numpy()}
    golden = write_golden(tmp_path / "g.safetensors", {"data": data.numpy()}, internals, ["fc_again"])
    report = verify(module, golden, plan)
    assert report.ok and [row.source for row in report.rows[:2]] == ["fc", "fc_again"]
    swapped = dict(reversed(internals.items()))
    golden = write_golden(tmp_path / "h.safetensors", {"data": data.numpy()}, swapped, ["fc_again"])
    report = verify(module, golden, plan)
    assert report.ok and [row.source for row in report.rows[:2]] == ["fc", "fc_again"]


def test_a_store_without_a_graph_is_compared_under_the_names_of_its_layers(tmp_path: Path) -> None:
    """As recorded by hooks from a block that has no graph, where a repeated name is numbered."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(4, 4))

        def forward(self, data: torch.Tensor) -> torch.Tensor:
            return self.body(self.body(data))

    b = Builder()
    b.linear("body.0", 4, 4)
    module = Twice()
    store = b.store(graph=False)
    plan = load_into(module, store)
    data = torch.randn(3, 4)
    with torch.no_grad():
        first = module.body(data)
        second = module.body(first)
    internals = {"body.0": first.numpy(), "body.0#2": second.numpy()}
    golden = write_golden(tmp_path / "g.safetensors", {"data": data.numpy()}, internals, ["body.0#2"])
    report = verify(module, golden, plan, store=store)
    assert report.ok and [row.source for row in report.rows[:2]] == ["body.0", "body.0#2"] and not report.skipped
    with torch.no_grad():
        module.body[0].bias.add_(0.5)
    report = verify(module, golden, plan, store=store)
    assert report.first_divergence is not None and report.first_divergence.layer == "body.0"


def test_layers_that_are_not_compared_are_reported(case) -> None:
    module, plan, golden = case
    pairs = (*plan.pairs, Pair("ghost", "act", "prelu", "name", nodes=("ghost_fwd",)))
    report = verify(module, golden, Plan(pairs))
    assert [(item.layer, item.why) for item in report.skipped] == [
        ("ghost", "the golden file has no output of its node")
    ]
    module.forward = lambda data: module.fc(module.act(module.bn(nn.Conv2d.forward(module.conv, data))).flatten(1))
    report = verify(module, golden, plan)
    assert report.ok
    assert [(item.layer, item.why) for item in report.skipped] == [("conv", "the module did not run for conv")]


def test_a_module_that_overrides_forward_may_give_something_else(case) -> None:
    class NormAct(nn.BatchNorm2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(super().forward(x))

    module, plan, golden = case
    fused = NormAct(8)
    fused.load_state_dict(module.bn.state_dict())
    module.bn = fused
    report = verify(module, golden, plan)
    assert [item.layer for item in report.skipped] == ["bn"]
    assert "NormAct has its own forward" in report.skipped[0].why
    assert report.first_divergence.layer == "act"


def test_comparing_nothing_is_not_ok(tmp_path: Path) -> None:
    golden = write_golden(tmp_path / "g.safetensors", {"data": np.zeros((1, 2), np.float32)}, {}, {})
    report = verify(nn.Identity(), golden, outputs=lambda result: ())
    assert not report.rows and not report.ok
    assert report.summary.startswith("not verified")


def test_another_number_of_outputs_is_a_problem(case) -> None:
    module, plan, golden = case
    module.register_forward_hook(lambda m, a, out: {"logits": out, "again": [out]})
    report = verify(module, golden, plan)
    assert not report.ok and "returns 2 tensors and the golden file has 1" in report.problems[0]
    assert verify(module, golden, plan, outputs=lambda result: result["logits"]).ok


def test_outputs_for_training_alone_are_not_compared(case, tmp_path: Path) -> None:
    """The golden file of a training graph has losses; the store's graph has left them out."""
    module, plan, golden = case
    recorded = open_golden(golden)
    data, fc = recorded.array("inputs.data"), recorded.array("internals.fc_output")
    outputs = write_golden(tmp_path / "t.safetensors", {"data": data}, {"fc": fc, "loss": fc[0]}, ["loss", "fc"])
    store = store_of_net().store(graph=True)
    assert "returns 1 tensors and the golden file has 2" in verify(module, outputs, plan).problems[0]
    report = verify(module, outputs, plan, store=store)
    assert report.ok and [row.source for row in report.rows if row.layer is None] == ["internals.fc_output"]
    module.fc.bias.data += 1
    assert not verify(module, outputs, plan, store=store).rows[-1].ok


def test_a_network_without_its_last_operators_is_recognised(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(4, 3))
    data = torch.randn(2, 4)
    logits = module(data).detach()
    internals = {"fc": logits.numpy(), "softmax": logits.softmax(1).numpy()}
    golden = write_golden(tmp_path / "g.safetensors", {"data": data.numpy()}, internals, ["softmax"])
    report = verify(module, golden)
    assert not report.ok and "equals output 0 of fc" in report.first_divergence.hint


@pytest.mark.parametrize("wrong", [False, True])
def test_integers_have_to_be_equal(tmp_path: Path, wrong: bool) -> None:
    class Best(nn.Module):
        def forward(self, data: torch.Tensor) -> torch.Tensor:
            return data.argmax(1)

    data = np.array([[1, 3, 2], [9, 8, 7]], np.float32)
    golden = write_golden(
        tmp_path / "g.safetensors", {"data": data}, {}, {"0": np.array([1, 2 if wrong else 0], np.float32)}
    )
    assert verify(Best(), golden, end_to_end=10).ok is not wrong


def test_inputs_go_by_name_and_labels_do_not_go(tmp_path: Path) -> None:
    class Minus(nn.Module):
        def forward(self, b: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
            return a - b

    inputs = {name: np.full(2, value, np.float32) for name, value in (("a", 5), ("b", 3), ("softmax_label", 0))}
    golden = write_golden(
        tmp_path / "g.safetensors", inputs, {}, {"0": np.full(2, 2, np.float32)}, labels=("softmax_label",)
    )
    assert verify(Minus(), golden).ok
    assert verify(Minus(), golden, inputs={"a": np.full(2, 4.0), "b": np.full(2, 2.0)}).ok
    assert verify(Minus(), golden, inputs=[torch.zeros(2), torch.full((2,), 2.0)]).ok
    assert not verify(Minus(), golden, inputs=[torch.zeros(2), torch.full((2,), 3.0)]).ok


def test_inputs_that_do_not_fit_the_arguments_are_an_error(tmp_path: Path) -> None:
    inputs = {"x": np.zeros(2, np.float32), "y": np.zeros(2, np.float32)}
    golden = write_golden(tmp_path / "g.safetensors", inputs, {}, {"0": np.zeros(2, np.float32)})
    with pytest.raises(VerificationError, match=r"inputs x, y and Identity\.forward takes input"):
        verify(nn.Identity(), golden)


def test_an_embedding_takes_indices_of_a_floating_type(tmp_path: Path) -> None:
    module = nn.Embedding(5, 3)
    golden = write_golden(
        tmp_path / "g.safetensors",
        {"data": np.array([0, 4], np.float32)},
        {},
        {"0": module.weight.detach().numpy()[[0, 4]]},
    )
    assert verify(module, golden).ok


def test_channels_last_of_the_source_are_compared_channels_first(tmp_path: Path) -> None:
    b = Builder()
    b.convolution("conv", 3, 8, layout="channels_last")
    b.batch_norm("bn", 8, axis=-1)
    module = nn.Sequential()
    module.conv, module.bn = nn.Conv2d(3, 8, 3, 1, 1), nn.BatchNorm2d(8)
    with pytest.warns(UserWarning, match="layout is channels_last in the store and channels_first in the module"):
        plan = load_into(module, b.store(graph=True))
    data = torch.randn(2, 3, 5, 7)
    internals, result = record(module, data)
    internals = {name: np.moveaxis(array, 1, -1) for name, array in internals.items()}
    golden = write_golden(tmp_path / "g.safetensors", {"data": data.numpy()}, internals, {"0": result})
    report = verify(module, golden, plan)
    assert report.ok and len(report.rows) == 3


def test_empty_and_constant_tensors_are_compared(tmp_path: Path) -> None:
    class Parts(nn.Module):
        def forward(self, data: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return data[:0], data * 0, torch.full((2,), math.inf), torch.full((2,), math.nan)

    outputs = {
        "0": np.zeros((0, 2), np.float32),
        "1": np.zeros((3, 2), np.float32),
        "2": np.full(2, np.inf, np.float32),
        "3": np.full(2, np.nan, np.float32),
    }
    golden = write_golden(tmp_path / "g.safetensors", {"data": np.ones((3, 2), np.float32)}, {}, outputs)
    report = verify(Parts(), golden)
    assert report.ok and len(report.rows) == 3
    assert [row.comparison.cosine for row in report.rows] == [1, 1, 1]


def test_a_report_is_text_json_and_a_page(case) -> None:
    module, plan, golden = case
    with torch.no_grad():
        module.act.weight += 0.1
        module.fc.bias.fill_(math.nan)
    report = verify(module, golden, plan)
    head = str(report).splitlines()[0]
    assert head.split() == "layer module kind max error mean error of scale cosine hint".split()  # noqa: SIM905
    document: dict[str, Any] = json.loads(report.to_json())
    assert document["ok"] is False and document["first_divergence"] == 2
    assert [row["layer"] for row in document["rows"]] == ["conv", "bn", "act", "fc", None]
    assert document["rows"][3]["scaled_error"] is None and document["rows"][0]["max_error"] == 0
    page = Page(report.to_html())
    assert page.document == {"verification": document}


def test_names_cannot_act_on_a_terminal_or_a_page(case) -> None:
    module, plan, golden = case
    evil = "\x1b[31m<script>"
    pairs = tuple(Pair(**{**vars(pair), "layer": evil}) if pair.layer == "act" else pair for pair in plan.pairs)
    report = verify(module, golden, Plan(pairs))
    assert "\x1b" not in str(report) and "\\x1b[31m" in str(report)
    page = Page(report.to_html())
    assert page.elements == Page(verify(module, golden, plan).to_html()).elements
    assert page.document["verification"]["rows"][2]["layer"] == evil


def test_a_golden_file_that_names_a_missing_tensor_is_an_error(tmp_path: Path) -> None:
    golden = write_golden(tmp_path / "g.safetensors", {"data": np.zeros(2, np.float32)}, {}, ["fc"])
    with pytest.raises(StoreError, match=r"names 'internals\.fc_output', which it lacks"):
        verify(nn.Identity(), golden)


def test_a_module_without_values_is_not_run(case) -> None:
    _, plan, golden = case
    with torch.device("meta"):
        module = Net()
    with pytest.raises(VerificationError, match="load it first"):
        verify(module, golden, plan)
