"""The example of ``docs/adding-an-operator.md``, from a symbol file to PyTorch's numbers, and its quotation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "examples" / "square_difference.py"


def neutral(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in its own process, because a plug-in stays loaded."""
    return subprocess.run([sys.executable, "-m", "neutral", *map(str, words)], capture_output=True, text=True)


def write_symbol(path: Path, **attributes: str) -> None:
    """Write a network of one node, ``error = _contrib_square_difference(x, y)``."""
    inputs: list[dict[str, Any]] = [{"op": "null", "name": name, "inputs": []} for name in ("x", "y")]
    node = {"op": "_contrib_square_difference", "name": "error", "attrs": attributes, "inputs": [[0, 0, 0], [1, 0, 0]]}
    symbol = {"nodes": [*inputs, node], "arg_nodes": [0, 1], "heads": [[2, 0, 0]]}
    path.write_text(json.dumps(symbol), encoding="utf-8")


@pytest.mark.parametrize(("attributes", "scale"), [({}, 1.0), ({"scale": "0.5", "grad_scale": "3"}, 0.5)])
def test_the_example_from_symbol_to_numbers(tmp_path: Path, attributes: dict[str, str], scale: float) -> None:
    torch = pytest.importorskip("torch", reason="emits PyTorch")
    symbol, store, source = tmp_path / "net-symbol.json", tmp_path / "net.safetensors", tmp_path / "emitted.py"
    write_symbol(symbol, **attributes)
    for words in (("export", symbol, "-o", store), ("emit", store, "-o", source, "--class-name", "Net")):
        done = neutral(*words, "--plugin", PLUGIN)
        assert done.returncode == 0, done.stderr
    assert "(x - y) ** 2" in source.read_text(encoding="utf-8")
    scope: dict[str, Any] = {}
    exec(compile(source.read_text(encoding="utf-8"), str(source), "exec"), scope)
    x, y = np.random.default_rng(0).standard_normal((2, 4, 3)).astype(np.float32)
    result = scope["Net"]()(torch.from_numpy(x), torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(result, scale * (x - y) ** 2, rtol=1e-6)


def test_the_example_refuses_a_negative_scale(tmp_path: Path) -> None:
    symbol = tmp_path / "net-symbol.json"
    write_symbol(symbol, scale="-1")
    done = neutral("inspect", symbol, "--plugin", PLUGIN)
    assert done.returncode == 0
    assert "operator '_contrib_square_difference' is opaque: scale=-1.0 is negative" in done.stdout


def test_without_the_plugin_the_operator_is_opaque(tmp_path: Path) -> None:
    symbol = tmp_path / "net-symbol.json"
    write_symbol(symbol)
    assert "'_contrib_square_difference' is opaque" in neutral("inspect", symbol).stdout


def test_the_document_quotes_the_example() -> None:
    document = (ROOT / "docs" / "adding-an-operator.md").read_text(encoding="utf-8")
    source = PLUGIN.read_text(encoding="utf-8")
    quoted = [block for block in re.findall(r"```python\n(.*?)```", document, re.S) if "square_difference" in block]
    quoted = [block for block in quoted if "def test_" not in block]
    assert len(quoted) == 3
    for block in quoted:
        assert block in source or textwrap.indent(block, "    ") in source
