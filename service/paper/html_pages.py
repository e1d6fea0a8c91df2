"""Draws the pages of a pack as HTML files that need nothing else and no network."""

from __future__ import annotations

import html
from collections.abc import Sequence

from service.paper.model import BAD, Cell, Link, Page, Table, parts, plain

STYLE = (
    "body{font:15px/1.45 'Noto Sans','Noto Sans KR','Malgun Gothic',system-ui,sans-serif;"
    "color:#22262a;max-width:1180px;margin:24px auto;padding:0 16px}nav a{margin-right:14px}"
    "h1{font-size:25px}h2{font-size:19px;margin-top:30px}table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #c9ccce;padding:4px 7px;text-align:left;vertical-align:top;"
    "overflow-wrap:anywhere}th{background:#e6e7e8}td.bad{color:#a30f1f;font-weight:700}"
    "tr:target td{background:#fff3cf}.note{color:#50565c}a{color:#1c4f7c}"
    "@media print{nav{display:none}}"
)


def as_html(page: Page, pages: Sequence[Page] = (), style: str = "") -> str:
    """Return one page; `pages` are all, for the way around.

    `style` is where `STYLE` can be had, for a server that lets no style stand in a page.
    """
    looks = f'<link rel="stylesheet" href="{_e(style)}">' if style else f"<style>{STYLE}</style>"
    way = "".join(f'<a href="{one.name}.html">{_e(one.title)}</a>' for one in pages)
    body = "\n".join(_table(table) for table in page.tables)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_e(page.title)}'
        f"</title>{looks}</head><body><nav>{way}</nav><h1>{_e(page.title)}</h1>"
        f"<p>{_e(page.lead)}</p>\n{body}\n</body></html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{_e(cell)}</th>" for cell in table.header)
    head = f"<thead><tr>{head}</tr></thead>" if any(table.header) else ""
    rows = "\n".join(_row(row, anchor=table.anchors) for row in table.rows)
    note = f'<p class="note">{_e(table.note)}</p>' if table.note else ""
    return (
        f"<h2>{_e(table.title)}</h2>{note}<table>{_columns(table)}{head}<tbody>{rows}"
        "</tbody></table>"
    )


def _columns(table: Table) -> str:
    """Return the widths of the columns, where the table says them."""
    shares = [100.0 * share / sum(table.widths) for share in table.widths]
    cols = "".join(f'<col width="{share:.1f}%">' for share in shares)
    return f"<colgroup>{cols}</colgroup>" if cols else ""


def _row(row: Sequence[Cell], *, anchor: bool) -> str:
    where = f' id="{_e(plain(row[0]))}"' if anchor else ""
    return f"<tr{where}>{''.join(_cell(cell) for cell in row)}</tr>"


def _cell(cell: Cell) -> str:
    kind = ' class="bad"' if plain(cell).startswith(BAD) else ""
    return f"<td{kind}>{'<br>'.join(_part(one) for one in parts(cell))}</td>"


def _part(part: str | Link) -> str:
    if isinstance(part, Link):
        return f'<a href="{_e(part.to)}">{_e(part.text)}</a>'
    return _e(part)


def _e(text: str) -> str:
    return html.escape(text, quote=True)
