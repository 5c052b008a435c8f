"""Opening a store finds the kinds of installed plug-ins, without anything else being imported first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = """\
from neutral.operators import Operator

OPERATORS = (Operator("acme_scale", "Scale the input by two."),)
"""

SAVE = """\
import acme_kinds
from neutral.graph import Graph, Input, Node, Value
from neutral.operators import catalogue
from neutral.store import Store

catalogue.add(acme_kinds.OPERATORS[0])
nodes = (Node("scaled", "acme_scale", (Value("data"),), {}),)
Store({}, {}, Graph((Input("data"),), nodes, (Value("scaled"),))).save("acme.safetensors")
"""

OPEN = "import neutral; print(neutral.open('acme.safetensors').graph.nodes[0].kind)"


def test_a_kind_of_an_installed_plug_in_is_found(tmp_path: Path) -> None:
    (tmp_path / "acme_kinds.py").write_text(PLUGIN)
    metadata = tmp_path / "acme_kinds-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-kinds\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[neutral.operators]\nacme = acme_kinds\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for code in (SAVE, OPEN)
    ]
    assert outputs[1] == "acme_scale\n"
