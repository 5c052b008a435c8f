"""Write ``manifest.schema.json`` from the validators of ``neutral/manifest/schema.py``.

    python docs/make_manifest_schema.py [--check]

With ``--check`` nothing is written, and the exit code is 1 if the file is not up to date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from neutral.manifest.schema import json_schema

TARGET = Path(__file__).with_name("manifest.schema.json")


WIDTH = 110


def document() -> str:
    """Return the text of the JSON Schema."""
    return layout(json_schema(), 0) + "\n"


def layout(value: Any, indent: int) -> str:
    """Return a value as JSON: on one line where it fits, else with an entry on each line."""
    line = json.dumps(value)
    if len(line) + indent <= WIDTH or not isinstance(value, (dict, list)):
        return line
    if isinstance(value, dict):
        entries = [f"{json.dumps(key)}: {layout(item, indent + 2)}" for key, item in value.items()]
    else:
        entries = [layout(item, indent + 2) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines = ",\n".join(" " * (indent + 2) + entry for entry in entries)
    return f"{opening}\n{lines}\n{' ' * indent}{closing}"


def main() -> int:
    """Write the file, or compare it with the code."""
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(document(), encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == document():
        return 0
    print(f"{TARGET} is not up to date: run python docs/make_manifest_schema.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
