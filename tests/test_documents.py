"""Documents that are made from the code are what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_operators_document_is_made_from_this_code() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_operators.py"), "--check"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_no_operator_of_real_models_is_missing(shared_data: Path) -> None:
    """Each is in the document: with a rule, refused with a reason, or as another name of such a one."""
    listed = (shared_data.parent / "OPS.txt").read_text(encoding="utf-8").splitlines()
    names = {line.split()[0].replace("_contrib_isnan", "isnan") for line in listed if line[:1] not in ("", "#")}
    document = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8").partition("## MXNet's operators")[2]
    assert len(names) == 233 and names <= set(re.findall(r"`(\w+)`", document))


def test_links_between_documents_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
