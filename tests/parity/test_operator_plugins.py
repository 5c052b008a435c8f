"""An operator that only a plug-in knows, from MXNet to torch; without the plug-in it is refused by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import mxnet_to_neutral
from shared_data import ROOT

PLUGIN = ROOT / "examples" / "sockeye_positions.py"

RUN = """
import sys, numpy, torch, neutral_to_torch, mxnet_to_neutral
from neutral import extensions
extensions.add_file(sys.argv[1])
extensions.add_file(sys.argv[1])
module = neutral_to_torch.build(mxnet_to_neutral.read(sys.argv[2]))
numpy.save(sys.argv[3], module(torch.ones(2, 7, 6)).detach().numpy())
"""


def neutral(*words: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: a plug-in stays loaded."""
    return subprocess.run([sys.executable, "-m", "neutral", *map(str, words)], capture_output=True, text=True)


def test_sockeye(mxnet: Any, tmp_path: Path) -> None:
    prefix, store = tmp_path / "net", tmp_path / "net.safetensors"
    expected = mxnet.call("quantised:positions", prefix=str(prefix), length=7, size=6)

    result = tmp_path / "result.npy"
    subprocess.run([sys.executable, "-c", RUN, PLUGIN, prefix, result], check=True)
    np.testing.assert_allclose(np.load(result), expected, atol=1e-6)

    notes = mxnet_to_neutral.read(str(prefix)).notes
    assert any("'Custom' is opaque" in note and "positional_encodings" in note for note in notes)

    assert neutral("export", prefix, "-o", store, "--plugin", PLUGIN).returncode == 0
    assert "no rule" not in neutral("emit", store, "-o", tmp_path / "net_module.py", "--plugin", PLUGIN).stderr
    assert "torch.outer" in (tmp_path / "net_module.py").read_text()
    without = neutral("emit", store, "-o", tmp_path / "other.py")
    assert without.returncode != 0
    assert "sockeye_positional_encodings" in without.stderr


def test_files_that_are_no_plug_in(tmp_path: Path) -> None:
    assert "plug-in file not found" in neutral("check", "x", "--plugin", tmp_path / "no.py").stderr
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0\n")
    assert "ZeroDivisionError" in neutral("check", "x", "--plugin", broken).stderr
    broken.write_text("")
    assert "not an operator plug-in: OPERATORS is missing" in neutral("check", "x", "--plugin", broken).stderr
