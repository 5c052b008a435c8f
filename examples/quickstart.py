"""Export the checkpoint in ``examples/shapes``, load it into a hand-written module, and verify every layer.

    python3 examples/quickstart.py

Creates ``.venv`` beside the project, installs Neutral with PyTorch into it, and prints and runs three commands. Needs
no MXNet: the values that it computed are in ``golden.safetensors``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
SCRIPTS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")

COMMANDS = (
    "neutral export examples/shapes/shapes -o build/shapes.safetensors",
    "neutral load build/shapes.safetensors --into examples.shapes.model:Shapes -o build/shapes.pth",
    "neutral verify build/shapes.safetensors --into examples.shapes.model:Shapes "
    "--golden examples/shapes/golden.safetensors",
)


def main() -> None:
    if sys.version_info < (3, 9):
        sys.exit("PyTorch needs Python 3.9 or newer; this is " + sys.version.split()[0])
    if not (SCRIPTS / "neutral").exists():
        print(f"setting up {ENVIRONMENT} (PyTorch is large: this takes a minute or more)", flush=True)
        venv.create(ENVIRONMENT, with_pip=True)
        pip = [str(SCRIPTS / "python"), "-m", "pip", "install", "-q", "-c", "constraints.txt", "-e", ".[torch]"]
        subprocess.run(pip, cwd=ROOT, check=True)
    (ROOT / "build").mkdir(exist_ok=True)
    for command in COMMANDS:
        print(f"\n$ {command}", flush=True)
        program, *arguments = command.split()
        done = subprocess.run([str(SCRIPTS / program), *arguments], cwd=ROOT)
        if done.returncode:
            sys.exit(done.returncode)


if __name__ == "__main__":
    main()
