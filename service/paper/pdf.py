"""Draws the pages of a pack as one PDF for people who sign on paper; the same bytes each time.

Text is set in DejaVu Sans, which comes with matplotlib and is embedded. It has no Hangul, so those
letters are set in the Korean face every PDF reader has to know.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib as mpl
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, PageBreak, Paragraph, SimpleDocTemplate, Spacer

from service.paper.model import BAD, Cell, Page, Table, parts, plain

_FONT, _KOREAN = "DejaVuSans", "HYGothic-Medium"
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]+")
_SIZE = landscape(A4)
_MARGIN = 14 * mm


def write_pdf(target: Path | BinaryIO, pages: Sequence[Page], title: str) -> None:
    """Write all pages to `target`."""
    _fonts()
    document = SimpleDocTemplate(
        str(target) if isinstance(target, Path) else target, pagesize=_SIZE, leftMargin=_MARGIN,
        rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN, title=title,
        author="Rheostat", invariant=1,
    )  # fmt: skip
    story: list[Any] = []
    for page in pages:
        story += [Paragraph(_text(page.title), _style(16)), Spacer(1, 3 * mm)]
        story += [Paragraph(_text(page.lead), _style(9)), Spacer(1, 3 * mm)]
        for table in page.tables:
            if table.on_paper:
                story += _table(table)
        story.append(PageBreak())

    def footed(canvas: Any, _: Any) -> None:  # noqa: ANN401 - reportlab has no types
        canvas.setFont(_FONT, 7)
        canvas.drawString(_MARGIN, 7 * mm, title)
        canvas.drawRightString(_SIZE[0] - _MARGIN, 7 * mm, f"page {canvas.getPageNumber()}")

    document.build(story, onFirstPage=footed, onLaterPages=footed)


def _fonts() -> None:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    pdfmetrics.registerFont(TTFont(_FONT, str(folder / "DejaVuSans.ttf")))
    pdfmetrics.registerFont(UnicodeCIDFont(_KOREAN))


def _style(size: float, colour: str = "#22262a") -> ParagraphStyle:
    return ParagraphStyle(
        f"s{size}", fontName=_FONT, fontSize=size, leading=size * 1.3, splitLongWords=1,
        textColor=colors.HexColor(colour),
    )  # fmt: skip


def _table(table: Table) -> list[Any]:
    shares = table.widths or [1.0] * len(table.header)
    room = _SIZE[0] - 2 * _MARGIN
    head = [Paragraph(_text(cell), _style(7.5)) for cell in table.header]
    body = [[_cell(cell) for cell in row] for row in table.rows]
    grid = LongTable([head, *body], colWidths=[room * s / sum(shares) for s in shares],
                     repeatRows=1, splitInRow=1)  # fmt: skip
    grid.setStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#c9ccce")),
            ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e6e7e8")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ]
    )
    note = [Paragraph(_text(table.note), _style(7.5))] if table.note else []
    title = Paragraph(_text(table.title), _style(11))
    return [title, Spacer(1, 1 * mm), *note, grid, Spacer(1, 4 * mm)]


def _cell(cell: Cell) -> Paragraph:
    lines = "<br/>".join(_text(one if isinstance(one, str) else one.text) for one in parts(cell))
    return Paragraph(lines, _style(7, "#a30f1f" if plain(cell).startswith(BAD) else "#22262a"))


def _text(text: str) -> str:
    escaped = html.escape(text, quote=False)
    return _HANGUL.sub(lambda found: f'<font name="{_KOREAN}">{found[0]}</font>', escaped)
