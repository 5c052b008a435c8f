"""What every emitted file must hold to, and running it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Any

import pytest

from neutral.store import Store

torch = pytest.importorskip("torch")

from neutral_to_torch.emission.build import build  # noqa: E402
from neutral_to_torch.emission.compose import compose  # noqa: E402


def source_of(store: Store, **options: Any) -> str:
    """The emitted source, which must be formatted and clean as ruff sees it."""
    source = compose(store, **options).source
    check_style(source)
    return source


def check_style(source: str, rules: bool = True) -> None:
    """Hold a text against ``ruff format`` and, unless told not to, against ``ruff check``."""
    if shutil.which("ruff") is None and not _has_ruff():
        return
    ruff = [sys.executable, "-m", "ruff"]
    common = ["--isolated", "--line-length", "100", "--stdin-filename", "model.py", "-"]
    formatted = subprocess.run([*ruff, "format", *common], input=source, capture_output=True, text=True)
    assert formatted.returncode == 0, formatted.stderr
    assert source == formatted.stdout
    if not rules:
        return
    checked = subprocess.run(
        [*ruff, "check", "--extend-select", "I,F,E", *common], input=source, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def _has_ruff() -> bool:
    from importlib.util import find_spec

    return find_spec("ruff") is not None


def run(store: Store, *inputs: Any, **options: Any) -> Any:
    """The built model's output for inputs (arrays or tensors), without gradients."""
    with torch.no_grad():
        return build(store, **options)(*(torch.as_tensor(item) for item in inputs))
