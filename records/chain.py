r"""The hash chain: how rows follow each other, and how a broken chain is found and the row named.

Every row carries the hash of its predecessor, and its own hash covers every column (`row.py`).
Editing, deleting, inserting or reordering rows therefore breaks the chain at a row that can be
named (REC-13). Whoever rewrites everything after an edit meets the signed roots (`roots.py`). A
cut-off tail leaves a chain that is whole but short: it is found by the head file, which the writer
keeps beside the records and which is never ahead of them. An intruder who has the whole host, the
key included, is found only by an anchor that was kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw

from records.merkle import Tree
from records.record_key import listed_keys
from records.roots import RootJudge
from records.row import GENESIS, KINDS, Head, RecordError, Row, head_path, link_hash, read_head

__all__ = [
    "GENESIS", "KINDS", "ChainReport", "Head", "RecordError", "Row", "check_sqlite", "fault_of",
    "head_path", "link_hash", "open_read_only", "page_faults", "read_head", "verify", "walk",
]  # fmt: skip

# 3.7.0 to 3.51.2 can corrupt a file when a WAL reset races with a reader.
OLDEST_SQLITE = (3, 51, 3)
_BUSY_MS = 2000


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a verification found. `first_bad_seq` is where the chain breaks first, or None."""

    rows: int
    ok: bool
    first_bad_seq: int | None
    text: str
    head: Head


def fault_of(row: Row, before: Head) -> str:
    """Say in words why `row` does not follow `before`; empty when it does."""
    if row.seq != before.seq + 1:
        return f"rows {before.seq + 1} to {row.seq - 1} are missing"
    if row.prev_hash != before.hash:
        return f"row {row.seq} does not follow row {before.seq}: one of the two was rewritten"
    if row.hash != link_hash(row.seq, row.kind, row.loop, row.utc, row.prev_hash, row.body):
        return f"row {row.seq} was changed: its hash does not fit its content"
    return ""


def walk(
    rows: Iterable[Row], before: Head, more: Callable[[Row], str] | None = None
) -> ChainReport:
    """Follow the chain over `rows`, which should continue `before`, to its end or first break.

    `more` is asked about every row that follows, and says what else is wrong with it.
    """
    head, count = before, 0
    for row in rows:
        fault = fault_of(row, head) or (more(row) if more else "")
        if fault:
            return ChainReport(count, False, head.seq + 1, fault, head)
        head, count = Head(row.seq, row.hash), count + 1
    return ChainReport(count, True, None, f"{count} rows, unbroken", head)


def verify(path: Path, anchor: Head | None = None) -> ChainReport:
    """Verify a whole record file, reading only; safe beside a running engine.

    `anchor` is a head that was kept elsewhere: the file must still hold that very row. Without
    one the head file beside the records serves. Never raises for a bad file: that is the report.
    """
    try:
        connection = open_read_only(path)
        try:
            # The head is read first: rows that are appended meanwhile are then no contradiction.
            kept = anchor or read_head(path)
            judge = RootJudge(Tree(), listed_keys(path))
            report = walk(_rows(connection), Head(0, GENESIS), judge.fault)
            if not report.ok:
                return report
            pages = page_faults(connection)
            if pages:
                return ChainReport(report.rows, False, None, pages, report.head)
            return with_head(connection, report, kept)
        finally:
            connection.close()
    except (apsw.Error, RecordError, UnicodeDecodeError) as error:
        return ChainReport(0, False, None, f"{path} cannot be read: {error}", Head(0, GENESIS))


def with_head(connection: apsw.Connection, report: ChainReport, kept: Head | None) -> ChainReport:
    """Return `report`, or the break it has against a head that was kept elsewhere."""
    if kept is None or kept.seq == 0:
        return report
    found = next(
        (str(line[0]) for line in connection.execute(
            "SELECT hash FROM record WHERE seq = ?", (kept.seq,))), None
    )  # fmt: skip
    if found == kept.hash:
        return report
    if found is None:
        bad, text = (
            report.head.seq + 1,
            (f"rows {report.head.seq + 1} to {kept.seq} are missing: the tail was cut off"),
        )
    else:
        bad, text = kept.seq, f"row {kept.seq} was rewritten since its hash was kept elsewhere"
    return ChainReport(report.rows, False, bad, text, report.head)


def page_faults(connection: apsw.Connection) -> str:
    """Return what SQLite finds wrong with the pages of the file, empty when nothing is."""
    found = [str(line[0]) for line in connection.execute("PRAGMA integrity_check(3)")]
    return "" if found == ["ok"] else "; ".join(found)


def _rows(connection: apsw.Connection) -> Iterator[Row]:
    statement = "SELECT seq, kind, loop, utc, body, prev_hash, hash FROM record ORDER BY seq"
    return (Row(*line) for line in connection.execute(statement))


def open_read_only(path: Path) -> apsw.Connection:
    """Open a record file for reading; it can be read while the engine writes."""
    if not path.is_file():
        raise RecordError(f"there is no record file {path}")
    check_sqlite()
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(_BUSY_MS)
    return connection


def check_sqlite() -> None:
    """Refuse an SQLite that is known to corrupt files."""
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < OLDEST_SQLITE:
        raise RecordError(
            f"SQLite {apsw.sqlite_lib_version()} can corrupt a record file (WAL reset, fixed in "
            "3.51.3). Next: install the packages of requirements.lock, which bring a newer one"
        )
