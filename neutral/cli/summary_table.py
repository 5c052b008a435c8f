"""A summary as a table: layers nested by the parts of their names that neighbours share, within a width."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, NamedTuple, Sequence

from neutral.cli.console import byte_size, plural
from neutral.nesting import label_of, nested
from neutral.text import printable, shape_text, table_lines

HEAD = ("layer", "kind", "output", "parameters", "mult-adds", "dtype", "size")
RIGHT = ("parameters", "mult-adds", "size")
LEFT_OUT = ("dtype", "size", "mult-adds")
"""Columns to leave out where the width is too small, in this order."""

_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


class Entry(NamedTuple):
    """A line of the tree.

    Attributes:
        depth: The number of groups around it.
        label: The last part of the name.
        rows: The rows of the layers in it: one for a layer, several for a group.
        group: Whether it is a group.
    """

    depth: int
    label: str
    rows: Sequence[Mapping[str, Any]]
    group: bool


def summary_lines(document: Mapping[str, Any], width: int, depth: int | None = None) -> Iterator[str]:
    """Yield the table of a summary, and its totals.

    Args:
        document: The document of :func:`neutral.cli.summary.summarize`.
        width: The columns of the terminal.
        depth: The greatest depth that is shown; deeper layers are folded into their groups.

    Yields:
        Lines of at most ``width`` characters, the notes aside.
    """
    for name, shape in document["inputs"].items():
        yield f"input: {printable(name)} {shape_text(shape)}"
    cells = [_cells(entry) for entry in nest(document["layers"]) if depth is None or entry.depth <= depth]
    if cells:
        yield from table_lines(HEAD, lambda: cells, RIGHT, width, LEFT_OUT)
    totals = document["totals"]
    yield (
        f"total: {plural(totals['parameters'], 'parameter')}, {_count(totals['multiply_adds']) or 0} multiply-adds, "
        f"{byte_size(totals['bytes'])}"
    )
    yield from (f"note: {note}" for note in document["notes"])


def nest(rows: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
    """Yield the lines of a tree: neighbours that share the next part of their names form a group.

    Args:
        rows: Rows with ``layer`` and ``node``, in execution order.

    Yields:
        Groups before their layers.

    Example:
        >>> rows = [{"layer": name, "node": None} for name in ("a_conv", "a_bn", "fc")]
        >>> [(entry.depth, entry.label, entry.group) for entry in nest(rows)]
        [(0, 'a', True), (1, 'conv', False), (1, 'bn', False), (0, 'fc', False)]
    """
    names = [str(row["node"] if row["layer"] is None else row["layer"]) for row in rows]
    for item in nested(names):
        end = item.end if item.is_group else None
        label = label_of(names[item.first], item.start, end)
        yield Entry(item.depth, label, rows[item.first : item.stop], item.is_group)


def _cells(entry: Entry) -> tuple[str, ...]:
    label = "  " * entry.depth + printable(entry.label)
    parameters = sum(row["parameters"] for row in entry.rows)
    operations = [row["multiply_adds"] for row in entry.rows if row["multiply_adds"] is not None]
    numbers = (f"{parameters:,}" if parameters else "", _count(sum(operations)))
    size = sum(row["bytes"] for row in entry.rows)
    if entry.group:
        return (label, "", "", *numbers, "", byte_size(size) if size else "")
    row = entry.rows[0]
    shape = "" if row["output_shape"] is None else shape_text(row["output_shape"])
    parameters_text = "shared" if row["repeated"] else numbers[0]
    return (label, row["kind"], shape, parameters_text, numbers[1], row["dtype"], byte_size(size) if size else "")


def _count(number: int) -> str:
    """Return a count with three digits and a unit; an empty text for 0."""
    for size, unit in _UNITS:
        if number >= size:
            return f"{number / size:.3g} {unit}" if number < 1000 * size else f"{number / size:,.0f} {unit}"
    return str(number) if number else ""
