"""The records as people read them: one self-contained page, made to be printed.

Everything a person did, everything that was signed, every start, stop and event stands there in
full. Cycles in which nothing changed are one line: from record to record, how many, in which mode,
and what limited them. The numbers of every cycle are in the copy for machines.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from records.act import act_of
from records.row import Row

_STYLE = """
body { font: 11pt/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 62em; color: #1b1f24 }
table { border-collapse: collapse; width: 100%; font-size: 9.5pt }
th, td { text-align: left; vertical-align: top; padding: .25em .6em }
th, td { border-bottom: 1px solid #d5d9de }
td:nth-child(1), td:nth-child(2) { white-space: nowrap; font-variant-numeric: tabular-nums }
.person td { font-weight: 600 } .bad td { border-left: .35em solid #b3261e }
code { font-size: 8.5pt; word-break: break-all }
@media print { body { margin: 0 } thead { display: table-header-group } tr { break-inside: avoid } }
"""


@dataclass(slots=True)
class _Stretch:
    """Cycles of one loop, one after another, in which nothing changed."""

    first: int
    last: int
    utc: str
    until: str
    words: tuple[str, str, str]
    count: int = 1


class RecordPage:
    """Takes in the records one by one; `as_html` is the page."""

    def __init__(self, name: str, utc: str) -> None:
        """`name` is the file's; `utc` when the copy is made."""
        self._name, self._utc = name, utc
        self._lines: list[tuple[int, str]] = []
        self._open: dict[str, _Stretch] = {}
        self._rows = 0
        self._hash = ""

    def add(self, row: Row) -> None:
        """Take in the next record."""
        self._rows, self._hash = row.seq, row.hash
        body = json.loads(row.body)
        if row.kind == "cycle":
            self._cycle(row, body)
        elif row.kind != "intent":
            style = {"request": "person", "signature": "person", "seal": "person"}.get(row.kind, "")
            self._line(row.seq, row.utc, row.loop, row.kind, _told(row.kind, body), style)

    def as_html(self) -> str:
        """Return the page."""
        for loop in list(self._open):
            self._close(loop)
        rows = "\n".join(line for _, line in sorted(self._lines))
        facts = (
            f"{self._rows} records; the last has the hash <code>{html.escape(self._hash)}</code>"
        )
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>Records {html.escape(self._name)}</title><style>{_STYLE}</style></head><body>"
            f"<h1>Records of {html.escape(self._name)}</h1><p>Copied {html.escape(self._utc)}. "
            f"{facts}. All times are UTC.</p><table><thead><tr><th>Record<th>Time<th>Loop<th>Kind"
            f"<th>What happened</tr></thead><tbody>\n{rows}\n</tbody></table></body></html>\n"
        )

    def _cycle(self, row: Row, body: Mapping[str, Any]) -> None:
        verdict = body.get("verdict", {})
        words = (str(body.get("mode")), str(verdict.get("action")), str(verdict.get("limiting")))
        stretch = self._open.get(row.loop)
        if stretch is not None and stretch.words == words:
            stretch.last, stretch.until, stretch.count = row.seq, row.utc, stretch.count + 1
            return
        self._close(row.loop)
        self._open[row.loop] = _Stretch(row.seq, row.seq, row.utc, row.utc, words)

    def _close(self, loop: str) -> None:
        stretch = self._open.pop(loop, None)
        if stretch is None:
            return
        mode, action, limiting = stretch.words
        text = f"{stretch.count} cycles to record {stretch.last}, {stretch.until}: mode {mode}"
        text += f", gate {action}" + (f" ({limiting})" if limiting else "")
        style = "bad" if action in ("SHED", "TRIP") else ""
        self._line(stretch.first, stretch.utc, loop, "cycles", text, style)

    def _line(self, seq: int, utc: str, loop: str, kind: str, text: str, style: str) -> None:
        cells = "".join(f"<td>{html.escape(cell)}" for cell in (str(seq), utc, loop, kind, text))
        self._lines.append((seq, f'<tr class="{style}">{cells}</tr>'))


def _told(kind: str, body: Mapping[str, Any]) -> str:
    """Return what a record says, as a sentence."""
    if kind == "request":
        reset = ", with reset" if body["reset"] else ""
        why = body["why"] or "no reason given"
        return f"{body['who']} asked for {body['new']} (it was {body['old']}){reset}: {why}"
    if kind == "signature":
        return f"record {body['record']} {act_of(body).as_text()}"
    if kind == "seal":
        proposal = body["proposal"]
        names = [f"{one['name']} ({one['role']}) on {one['utc']}: {one['meaning']}"
                 for one in body["signatures"]]  # fmt: skip
        signed = "; ".join(names) or "nobody signed"
        return (
            f"configuration version {body['version']} came into force ({proposal['kind']}) "
            f"by {proposal['author']}: {proposal['reason']}. Signed: {signed}"
        )
    if kind == "start":
        return f"the engine started; open writes of the last run: {body['unresolved_intents'] or 0}"
    if kind == "root":
        return f"signed root over {body['size']} records by key {body['key']}: {body['root']}"
    shown = {name: value for name, value in body.items() if name not in ("sealed", "timing")}
    return ", ".join(f"{name} {value}" for name, value in shown.items())
