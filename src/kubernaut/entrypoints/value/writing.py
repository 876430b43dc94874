"""The report as text, CSV, Markdown or HTML. Names in it come from clusters and alerts: each form escapes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape

from kubernaut.entrypoints.terminal.escaping import visible
from kubernaut.entrypoints.terminal.look import Look, aligned
from kubernaut.entrypoints.value.charts import Chart, as_svg
from kubernaut.entrypoints.value.sheet import Section, Sheet
from kubernaut.impact.period import ValueReport

# What a spreadsheet would take for a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_MARKDOWN = str.maketrans({"|": "\\|", "<": "&lt;", "`": "\\`", "*": "\\*", "_": "\\_", "[": "\\[", "\n": " "})
_STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --text: #1a1d21; --hairline: #d9dde3; --busy: #0067d2;
  --good: #10684a; --ask: #a05a0c; --bad: #8a2012; --hand: #590a81; --quiet: #525c68; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --text: #e6e9ee; --hairline: #343a42; --busy: #a5c0fe;
  --good: #32b586; --ask: #faca63; --bad: #f7644a; --hand: #a283f8; --quiet: #b6b9c0; } }
body { background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; max-width: 70rem;
  margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--hairline); }
figure { margin: 1.5rem 0; } svg { max-width: 100%; height: auto; font: 11px system-ui, sans-serif; fill: var(--text); }
line { stroke-width: 2; } line.hairline { stroke: var(--hairline); stroke-width: 1; } line.text { stroke: var(--text); }
"""
_TONES = ("busy", "good", "ask", "bad", "hand", "quiet")


def as_text(sheet: Sheet, look: Look) -> list[str]:
    """For a terminal; what comes from a cluster cannot act on it."""
    lines = [sheet.title, *(f"{line}" for line in sheet.summary)]
    for section in sheet.sections:
        lines += ["", section.title.upper()]
        if section.rows:
            cells = [[visible(cell) for cell in row] for row in (section.header, *section.rows)]
            lines += aligned(cells, indent="  ")
        lines += (f"  {visible(note)}" for note in section.notes)
    return [look.text(line.rstrip()) for line in lines]


def as_csv(report: ValueReport) -> str:
    """An incident a line, for one's own sums; figures are in the other forms."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = (
        "incident", "closed_at", "ending", "cause", "strategy", "target", "team", "time_to_resolution_s",
        "time_to_mitigate_s", "decisions", "tokens", "harm_minutes",
    )  # fmt: skip
    writer.writerow(names)
    for one in report.lines:
        mitigated = "" if one.mitigation_s is None else f"{one.mitigation_s:.3f}"
        row = (one.incident, one.closed_at.isoformat(), one.ending.value, one.cause, one.strategy, one.target, one.team)
        sums = (f"{one.resolution_s:.3f}", mitigated, str(one.decisions), str(one.tokens), f"{one.harm_minutes:.3f}")
        writer.writerow([*map(_harmless, row), *sums])
    return out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{visible(cell)}" if cell.startswith(_FORMULAS) else visible(cell)


def as_markdown(sheet: Sheet) -> str:
    """For a pull request or a wiki."""
    parts = [f"# {sheet.subject}: {_marked(sheet.title)}", *map(_marked, sheet.summary)]
    for section in sheet.sections:
        parts.append(f"## {section.title}")
        if section.rows:
            table = [_bar(section.header), _bar(["---"] * len(section.header)), *map(_bar, _marked_rows(section))]
            parts.append("\n".join(table))
        parts += section.notes
    return "\n\n".join(parts) + "\n"


def _marked(text: str) -> str:
    return visible(text).translate(_MARKDOWN)


def _marked_rows(section: Section) -> list[list[str]]:
    return [[_marked(cell) for cell in row] for row in section.rows]


def _bar(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def as_html(sheet: Sheet, charts: Sequence[Chart]) -> str:
    """One file that loads nothing, with the pictures in it."""
    css = _STYLE + "".join(f"circle.{t} {{ fill: var(--{t}); }} line.{t} {{ stroke: var(--{t}); }}\n" for t in _TONES)
    pictures = (f"<figure><figcaption>{escape(c.title)}</figcaption>{as_svg(c)}</figure>" for c in charts)
    first, *rest = map(_html_section, sheet.sections)
    summary = "".join(f"<p>{escape(line)}</p>" for line in sheet.summary)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{sheet.subject} · {escape(sheet.title)}</title><style>{css}</style></head><body><main>"
        f"<h1>{sheet.subject} · {escape(sheet.title)}</h1>{summary}{first}{''.join(pictures)}{''.join(rest)}"
        "</main></body></html>\n"
    )


def _html_section(section: Section) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in section.header)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in section.rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if section.rows else ""
    notes = "".join(f"<p>{escape(note)}</p>" for note in section.notes)
    return f"<section><h2>{escape(section.title)}</h2>{table}{notes}</section>"
