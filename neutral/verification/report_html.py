"""Render a report as a self-contained HTML page: no script, no external resource."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Sequence

from neutral.verification.comparison import format_error

if TYPE_CHECKING:
    from neutral.verification.report import Report, Row

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 960, 280, 56, 12, 24
LOWEST, HIGHEST = -9, 1
"""Powers of ten at the ends of the chart's scale; larger and smaller errors are drawn at the ends."""

STYLE = """
:root { color-scheme: light dark; --ink: #222; --soft: #8888; --good: #2a7d4f; --bad: #c22f2f; --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --good: #5ec48d; --bad: #ff7b72; --paper: #161616 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 70rem; padding: 0 1rem }
svg { width: 100%; height: auto } svg text { font-size: 11px; fill: var(--ink) }
.axis { stroke: var(--soft) } .limit { stroke: var(--bad); stroke-dasharray: 4 4 }
.path { fill: none; stroke: var(--soft) } .good { fill: var(--good) } .bad { fill: var(--bad) }
.table { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .15rem .7rem .15rem 0; border-bottom: 1px solid var(--soft); white-space: nowrap }
td.number { text-align: right } tr.bad td { color: var(--bad) } strong.good { color: var(--good) }
strong.bad { color: var(--bad) }
"""


def render_page(report: Report) -> str:
    """Return the HTML document of a report. Names come from files and are escaped.

    Args:
        report: The report.

    Returns:
        A complete page without external files or scripts.

    Example:
        >>> from neutral.verification.report import Report
        >>> render_page(Report("Net", "net.golden", (), notes=("<no rows>",)))[:15]
        '<!DOCTYPE html>'
    """
    verdict = "good" if report.ok else "bad"
    lists = "".join(
        f"<h2>{title}</h2><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
        for title, lines in (
            ("Problems", report.problems),
            ("Not compared", list(map(str, report.skipped))),
            ("Notes", report.notes),
        )
        if lines
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Verification of {escape(report.module)}</title><style>{STYLE}</style></head><body>
<h1>{escape(report.module)}</h1>
<p>against {escape(report.golden)}</p>
<p><strong class="{verdict}">{escape(report.summary)}</strong></p>
{_chart(report.rows)}
<div class="table"><table><thead><tr><th>layer</th><th>module</th><th>kind</th><th>shape</th><th>max error</th>
<th>mean error</th><th>of scale</th><th>cosine</th><th>hint</th></tr></thead><tbody>
{"".join(map(_table_row, report.rows))}</tbody></table></div>{lists}</body></html>
"""


def _table_row(row: Row) -> str:
    errors = row.comparison
    texts = (row.name, row.place, row.kind, "×".join(map(str, row.shape)))
    numbers = (
        format_error(errors.max_error),
        format_error(errors.mean_error),
        format_error(errors.scaled_error),
        f"{errors.cosine:.9f}",
    )
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    cells += "".join(f'<td class="number">{text}</td>' for text in numbers)
    return f'<tr class="{"good" if row.ok else "bad"}">{cells}<td>{escape(row.hint)}</td></tr>\n'


def _chart(rows: Sequence[Row]) -> str:
    """Return a chart of the scaled errors, logarithmic, in the order in which the module ran."""
    if not rows:
        return ""
    step = (WIDTH - LEFT - 12) / max(len(rows) - 1, 1)
    points = [(LEFT + index * step, _height(row.scaled_error)) for index, row in enumerate(rows)]
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Error in units of the scale, by depth">']
    for power in range(LOWEST, HIGHEST + 1, 2):
        y = _height(10.0**power)
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">1e{power}</text>')
    for limit in sorted({row.tolerance for row in rows}):
        y = _height(limit)
        parts.append(f'<line class="limit" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
    parts.append(f'<polyline class="path" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
    for (x, y), row in zip(points, rows):
        title = f"{row.name}: {format_error(row.scaled_error)}"
        place = f'class="{"good" if row.ok else "bad"}" cx="{x:.1f}" cy="{y:.1f}" r="3"'
        parts.append(f"<circle {place}><title>{escape(title)}</title></circle>")
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 6}">depth: {len(rows)} comparisons in execution order</text></svg>')
    return "".join(parts)


def _height(error: float) -> float:
    power = LOWEST if error <= 0 else HIGHEST if not math.isfinite(error) else math.log10(error)
    share = (min(max(power, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST)
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)
