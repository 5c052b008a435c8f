"""Make the screenshots of the documents: ``PYTHONPATH=tests/support python docs/make_pictures.py``. Needs chromium.

That of docs/index.md is the report of its commands. For docs/picture.md, the network of the first one has the structure
of ResNet-50, and random weights. The second one shows the example of this repository with a fault in it: one bias is
0.05 too large.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from browser import screenshot
from networks import resnet
from neutral.cli import main
from neutral.store import Store, open_store
from neutral.tensor import from_numpy

DOCS = Path(__file__).parent
EXAMPLE = DOCS.parent / "examples" / "shapes"
SIZE = (1180, 800)

LAYER = """
const stage = model.root.members.find((member) => member.isBlock && member.label === "stage2");
view.toggle(stage);
view.toggle(stage.members.find((member) => member.isBlock));
select(model.vertices.find((vertex) => vertex.parent.parent === stage && vertex.kind === "convolution"));
await wait();
document.getElementById("details").scrollTop = 150;
"""

FIRST = """
document.documentElement.dataset.theme = "light";
select(model.vertices.find((vertex) => vertex.name === "conv1_2"));
await wait();
"""

VERIFICATION = """
document.documentElement.dataset.theme = "dark";
document.getElementById("tab-verification").click();
await wait();
"""


def faulty(folder: Path) -> Path:
    """Write the store of the example with a fault."""
    path = folder / "faulty.safetensors"
    assert main(["export", str(EXAMPLE), "-o", str(folder / "example.safetensors")]) == 0
    with open_store(folder / "example.safetensors") as store:
        values = store["conv2_1.bias"] + store["conv2_1.bias"].dtype.type(0.05)
        tensors = {**store.tensors, "conv2_1.bias": from_numpy(values)}
        Store(store.layers, tensors, store.graph, None, store.notes).save(path)
    return path


def picture(name: str, words: list[str], driver: str, folder: Path) -> None:
    page = folder / f"{name}.html"
    main([*words, "--html", str(page)])
    screenshot(page.read_text(encoding="utf-8"), driver, DOCS / f"{name}.png", folder, SIZE)


def make_all() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        migrated = folder / "converted"
        assert main(["migrate", str(EXAMPLE), "-o", str(migrated), "--reference"]) == 0
        page = (migrated / "report.html").read_text(encoding="utf-8")
        screenshot(page, FIRST, DOCS / "start-report.png", folder, SIZE)
        resnet(width=16).save(folder / "resnet50.safetensors")
        network = ["inspect", str(folder / "resnet50.safetensors")]
        picture("picture-network", network, LAYER, folder)
        verified = ["verify", str(faulty(folder)), "--golden", str(EXAMPLE / "golden.safetensors")]
        picture("picture-verification", verified, VERIFICATION, folder)


if __name__ == "__main__":
    make_all()
