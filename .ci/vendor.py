"""Fetch the JavaScript that pages contain, unmodified, and compare it with the digests below.

    vendor.py            write the files of the package into neutral/page/vendor
    vendor.py check      compare the files that are there

The package is `@dagrejs/dagre`, of the MIT licence; `npm pack` fetches it. To take another version, change VERSION and
the digests, which the command prints when they differ.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

PACKAGE, VERSION = "@dagrejs/dagre", "3.1.3"
FOLDER = Path(__file__).parents[1] / "neutral" / "page" / "vendor"

FILES = {
    "dagre.min.js": ("package/dist/dagre.min.js", "54a503e346f93ca0bb10abe7999587e037262935687aca45eb4e4b0f64bbb578"),
    "dagre.LICENSE": ("package/LICENSE", "6a349742a6cb219d5a2fc8d0844f6d89a6efc62e20c664450d884fc7ff2d6015"),
}
"""The member of the package that a file is, and its SHA-256."""


def differing(contents: dict[str, bytes]) -> list[str]:
    """Return a line for each file whose digest is another one."""
    digests = {name: sha256(content).hexdigest() for name, content in contents.items()}
    return [f"{name}: {digests[name]}" for name, (_, digest) in FILES.items() if digests[name] != digest]


def fetch() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        archive = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
        with tarfile.open(Path(folder) / archive) as package:
            members = {name: package.extractfile(member) for name, (member, _) in FILES.items()}
            return {name: file.read() for name, file in members.items() if file is not None}


def main(words: list[str]) -> int:
    contents = {name: (FOLDER / name).read_bytes() for name in FILES} if words == ["check"] else fetch()
    problems = differing(contents)
    if problems:
        print("digests differ:", *problems, sep="\n")
        return 1
    for name, content in contents.items():
        (FOLDER / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
