"""Fetch the JavaScript that pages contain, unmodified, and compare it with the digests below.

    vendor.py            write the files of the packages
    vendor.py check      compare the files that are there

The packages are of the MIT licence; `npm pack` fetches them: `@dagrejs/dagre` lays out the picture of a network,
`iframe-worker` lets the search of the documentation work on files. To take another version, change it and the digests,
which the command prints when they differ.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
DAGRE, IFRAME_WORKER = "@dagrejs/dagre@3.1.3", "iframe-worker@1.0.4"

FILES = {
    "neutral/page/vendor/dagre.min.js": (
        DAGRE,
        "package/dist/dagre.min.js",
        "54a503e346f93ca0bb10abe7999587e037262935687aca45eb4e4b0f64bbb578",
    ),
    "neutral/page/vendor/dagre.LICENSE": (
        DAGRE,
        "package/LICENSE",
        "6a349742a6cb219d5a2fc8d0844f6d89a6efc62e20c664450d884fc7ff2d6015",
    ),
    "docs/site/iframe-worker.min.js": (
        IFRAME_WORKER,
        "package/shim/index.js",
        "e8e412dbcfea9b7e31b5ffa288d7b6035915e714c542f4176a0cdbe262fc9609",
    ),
    "docs/site/iframe-worker.LICENSE": (
        IFRAME_WORKER,
        "package/LICENSE",
        "dd69737a4768aab9f934a5aed9efab9561ac4062d4fdbe490d44369a2cf48b6b",
    ),
}
"""The package, the member of it that a file is, and its SHA-256."""


def differing(contents: dict[str, bytes]) -> list[str]:
    """Return a line for each file whose digest is another one."""
    digests = {name: sha256(content).hexdigest() for name, content in contents.items()}
    return [f"{name}: {digests[name]}" for name, (_, _, digest) in FILES.items() if digests[name] != digest]


def fetch() -> dict[str, bytes]:
    contents = {}
    for package in (DAGRE, IFRAME_WORKER):
        with tempfile.TemporaryDirectory() as folder:
            command = ["npm", "pack", "--silent", package]
            archive = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
            with tarfile.open(Path(folder) / archive) as members:
                for name, (owner, member, _) in FILES.items():
                    file = members.extractfile(member) if owner == package else None
                    if file is not None:
                        contents[name] = file.read()
    return contents


def main(words: list[str]) -> int:
    contents = {name: (ROOT / name).read_bytes() for name in FILES} if words == ["check"] else fetch()
    problems = differing(contents)
    if problems:
        print("digests differ:", *problems, sep="\n")
        return 1
    for name, content in contents.items():
        (ROOT / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
