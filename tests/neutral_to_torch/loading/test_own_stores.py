"""The emitted module of every real checkpoint takes the checkpoint's store."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Iterator

import pytest
import torch
from torch import nn

import mxnet_to_neutral
from neutral.errors import UnsupportedError
from neutral.matching.grade import UnprovenWarning
from neutral_to_torch import load_into
from neutral_to_torch.adapters.state import COUNTER
from neutral_to_torch.emission.build import import_source, load
from neutral_to_torch.emission.compose import compose
from neutral_to_torch.loading.emitted import DETAIL
from shared_data import checkpoint_pairs, reason_to_skip, shared_data_folder

DATA = shared_data_folder()
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=reason_to_skip())

FORK = "BMXNet"
"""A project whose checkpoint has operators of a fork of MXNet, which are refused."""

OF_UNKNOWN_SHAPES = ("digit-0000.params", "det4-0001.params", "go_test-0001.params")
"""Checkpoints whose graphs do not tell the shapes of their inputs, so that nothing can be run without an example."""


def checkpoints() -> Iterator[Any]:
    for symbol, params in checkpoint_pairs():
        yield pytest.param(symbol, params, id=str(params.relative_to(DATA)))


def state_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.state_dict().items() if not name.endswith(COUNTER)}


@pytest.mark.parametrize(("symbol", "params"), list(checkpoints()))
def test_an_emitted_module_takes_the_checkpoint(symbol: Path, params: Path) -> None:
    with mxnet_to_neutral.read(symbol, params) as store:
        if symbol.is_relative_to(DATA / "real" / FORK):
            with pytest.raises(UnsupportedError):
                compose(store)
            return
        emission = compose(store)
        module: nn.Module = getattr(import_source(emission.source), emission.class_name)()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnprovenWarning)
            plan = load_into(module, store)
        expected, filled = state_of(load(emission, store, None, None)), state_of(module)
    assert filled.keys() == expected.keys() and expected
    for name, value in filled.items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0, equal_nan=True)
    assert {pair.detail for pair in plan.pairs} == {DETAIL}
    assert plan.grade.is_proven or params.name in OF_UNKNOWN_SHAPES
