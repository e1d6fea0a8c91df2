"""What a pack is made of, whatever draws it: pages of tables whose cells are text or links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads somewhere: a page of the pack with an anchor, or a file in it."""

    text: str
    to: str


Cell = str | Link | tuple[str | Link, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; with `anchors` each row can be led to by the text of its first cell.

    A cell that begins with the mark `BAD` stands out. `widths` are shares for paper.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    anchors: bool = False
    on_paper: bool = True
    widths: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the pack, in its own HTML file and a chapter of the PDF."""

    name: str
    title: str
    lead: str
    tables: Sequence[Table] = field(default_factory=tuple)


BAD = "✗ "


def parts(cell: Cell) -> tuple[str | Link, ...]:
    """Return a cell as a row of texts and links."""
    return cell if isinstance(cell, tuple) else (cell,)


def plain(cell: Cell) -> str:
    """Return a cell without its links."""
    return " ".join(one.text if isinstance(one, Link) else one for one in parts(cell))
