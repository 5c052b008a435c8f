"""Export the checkpoint in ``examples/shapes``, load it into a hand-written module, and verify every layer.

    python3 examples/quickstart.py

Creates ``.venv`` beside the project, installs Neutral with PyTorch into it, and prints and runs three commands. Needs
no MXNet: the values that it computed are in ``golden.safetensors``. Where the clone cannot be written, the environment
and the results are put into the user's cache folder.

The syntax of this file is that of every Python since 2.7, so that an old one can say what is missing.
"""

from __future__ import print_function

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST = (3, 9)
MARKER = "created-by-neutral-quickstart"

COMMANDS = (
    "neutral export examples/shapes/shapes -o {build}/shapes.safetensors",
    "neutral load {build}/shapes.safetensors --into examples/shapes/model.py:Shapes "
    "--golden examples/shapes/golden.safetensors -o {build}/shapes.pth",
    "neutral verify {build}/shapes.safetensors --into examples/shapes/model.py:Shapes "
    "--golden examples/shapes/golden.safetensors",
)

DOWNLOAD = """\
setting up {environment}
PyTorch is downloaded: 0.2 GB (0.9 GB installed) where the package index offers its CPU build, and 2 to 3 GB (5 to 7 GB
installed) where it offers the CUDA build. On a machine without a GPU, choose "CPU" on https://pytorch.org/get-started
and set PIP_INDEX_URL to the index that it shows."""

NOT_INSTALLED = """\
PyTorch or Neutral could not be installed: pip ended with code {code}; its messages are above. Without a network, put the
wheels into a folder and set PIP_NO_INDEX=1 and PIP_FIND_LINKS=FOLDER. Running this again continues."""

FOREIGN = """\
{environment} exists, but this script did not create it and Neutral does not run in it. Rename it, or install Neutral there:
    {python} -m pip install -c constraints.txt -e '.[torch]'"""


def main():
    if sys.version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        sys.exit("PyTorch needs Python {0} or newer; this is {1}.".format(wanted, sys.version.split()[0]))
    folder = writable_folder()
    scripts = environment(os.path.join(folder, ".venv"))
    build = os.path.join(folder, "build")
    os.makedirs(build, exist_ok=True)
    shown = os.path.relpath(build, ROOT) if folder == ROOT else build
    for command in COMMANDS:
        words = command.format(build=shown).split()
        print("\n$ " + " ".join(words), flush=True)
        code = subprocess.call([os.path.join(scripts, words[0])] + words[1:], cwd=ROOT)
        if code:
            sys.exit(code)


def writable_folder():
    """Return the project's folder, or one of the user's cache if the project cannot be written."""
    if os.access(ROOT, os.W_OK):
        return ROOT
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(cache, "neutral-quickstart")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        sys.exit("{0} cannot be written, and neither can {1}: {2}.".format(ROOT, folder, error.strerror))
    return folder


def environment(path):
    """Return the folder of the programs of an environment that has Neutral and PyTorch; create it if necessary."""
    scripts = os.path.join(path, "Scripts" if os.name == "nt" else "bin")
    python = os.path.join(scripts, "python")
    if works(python):
        return scripts
    if os.path.exists(path) and not os.path.exists(os.path.join(path, MARKER)):
        sys.exit(FOREIGN.format(environment=path, python=python))
    print(DOWNLOAD.format(environment=path), flush=True)
    create(path)
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "-c", "constraints.txt", "-e", ".[torch]"]
    code = subprocess.call(pip, cwd=ROOT)
    if code:
        sys.exit(NOT_INSTALLED.format(code=code))
    return scripts


def create(path):
    """Create an empty environment, in place of one that this script created before."""
    try:
        import ensurepip
        import venv

        del ensurepip  # only its absence matters: Debian ships it in a package of its own
        venv.create(path, clear=True, with_pip=True)
    except (ImportError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(
            "{0} cannot be created: {1}. On Debian and Ubuntu, install python3-venv first.".format(path, error)
        )
    open(os.path.join(path, MARKER), "w").close()


def works(python):
    """Return whether an interpreter exists and imports Neutral and PyTorch."""
    try:
        return subprocess.call([python, "-c", "import neutral_to_torch, torch"], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
