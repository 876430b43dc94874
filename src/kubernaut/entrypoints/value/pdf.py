"""The report as PDF, with fpdf2, which is installed by the extra `pdf` and imported only here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from kubernaut.domain.errors import InputError
from kubernaut.entrypoints.value.charts import WIDTH, Chart, Dot, Label, Line
from kubernaut.entrypoints.value.sheet import Section, Sheet

if TYPE_CHECKING:
    from fpdf import FPDF

_TONES = MappingProxyType(
    {
        "text": (26, 29, 33), "hairline": (217, 221, 227), "busy": (0, 103, 210), "good": (16, 104, 74),
        "ask": (160, 90, 12), "bad": (138, 32, 18), "hand": (89, 10, 129), "quiet": (82, 92, 104),
    }
)  # fmt: skip
_PLAIN = str.maketrans({"·": "-", "→": "->", "…": "...", "–": "-", "×": "x"})
_MM = 267 / WIDTH


def as_pdf(sheet: Sheet, charts: Sequence[Chart], *, made_at: datetime) -> bytes:
    """The bytes of the file; the same report gives the same bytes. Raises `InputError` where the extra is missing."""
    try:
        fpdf = import_module("fpdf")
    except ModuleNotFoundError as error:
        raise InputError("PDF needs fpdf2, which is not installed", help="pip install 'kubernaut[pdf]'") from error
    page: FPDF = fpdf.FPDF(orientation="landscape", format="A4")
    page.set_creation_date(made_at)
    page.set_title(_plain(sheet.title))
    page.set_auto_page_break(True, margin=12)  # the library's own signature
    page.add_page()
    page.set_font("helvetica", size=14)
    page.multi_cell(0, 7, _plain(f"{sheet.subject} - {sheet.title}"), new_x="LMARGIN", new_y="NEXT")
    page.set_font("helvetica", size=9)
    for line in sheet.summary:
        page.multi_cell(0, 5, _plain(line), new_x="LMARGIN", new_y="NEXT")
    first, *rest = sheet.sections
    _section(page, first)
    for chart in charts:
        _chart(page, chart)
    for section in rest:
        _section(page, section)
    return bytes(page.output())


def _plain(text: str) -> str:
    """As the fonts that every reader has can write it."""
    return text.translate(_PLAIN).encode("latin-1", "replace").decode("latin-1")


def _section(page: FPDF, section: Section) -> None:
    page.ln(3)
    page.set_font("helvetica", style="B", size=11)
    page.cell(0, 6, _plain(section.title), new_x="LMARGIN", new_y="NEXT")
    page.set_font("helvetica", size=8)
    if section.rows:
        with page.table(first_row_as_headings=True, line_height=5) as table:
            for cells in (section.header, *section.rows):
                row = table.row()
                for cell in cells:
                    row.cell(_plain(cell))
    for note in section.notes:
        page.multi_cell(0, 5, _plain(note), new_x="LMARGIN", new_y="NEXT")


def _chart(page: FPDF, chart: Chart) -> None:
    if page.get_y() + chart.height * _MM + 8 > page.h - 12:
        page.add_page()
    page.ln(3)
    page.set_font("helvetica", style="B", size=10)
    page.cell(0, 6, _plain(chart.title), new_x="LMARGIN", new_y="NEXT")
    page.set_font("helvetica", size=7)
    left, top = page.l_margin, page.get_y()
    for mark in chart.marks:
        _mark(page, mark, left, top)
    page.set_y(top + chart.height * _MM + 2)


def _mark(page: FPDF, mark: Line | Dot | Label, left: float, top: float) -> None:
    match mark:
        case Line(x1, y1, x2, y2, tone):
            page.set_draw_color(*_TONES[tone])
            page.set_line_width(0.2 if tone == "hairline" else 0.6)
            page.line(left + x1 * _MM, top + y1 * _MM, left + x2 * _MM, top + y2 * _MM)
        case Dot(x, y, tone, _):
            page.set_fill_color(*_TONES[tone])
            page.circle(left + x * _MM, top + y * _MM, 1.1, style="F")
        case Label(x, y, text, anchor):
            plain = _plain(text)
            shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * page.get_string_width(plain)
            page.text(left + x * _MM - shift, top + y * _MM, plain)
