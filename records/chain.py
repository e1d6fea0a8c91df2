r"""The hash chain: what a row is, how it is sealed to the one before, how a broken one is found.

Every row carries the hash of its predecessor, and its own hash covers every column:

    hash = SHA-256( "seq\nkind\nloop\nutc\nprev_hash\nbody" ) in UTF-8, as 64 hex digits

`kind`, `loop` and `utc` hold no line break, so no two rows share a text. The first row's
`prev_hash` is 64 zeros. Editing, deleting, inserting or reordering rows therefore breaks the chain
at a row that can be named (REC-13). A cut-off tail leaves a chain that is whole but short: it is
found by the head file, which the writer keeps beside the records and which is never ahead of them.
The head file stops accidents and the careless; only a head kept on another host stops an intruder
who can rewrite both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw

GENESIS = "0" * 64
KINDS = ("start", "seal", "intent", "cycle", "request", "event", "stop")

# 3.7.0 to 3.51.2 can corrupt a file when a WAL reset races with a reader.
OLDEST_SQLITE = (3, 51, 3)


class RecordError(Exception):
    """The records could not be opened, read or written; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the record file, as it stands there."""

    seq: int
    kind: str
    loop: str
    utc: str
    body: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: its last sequence number (0 when empty) and hash."""

    seq: int
    hash: str

    def to_line(self) -> str:
        """Return the fixed-width text of the head file: short enough for one disk sector."""
        return f"{self.seq:020d} {self.hash}\n"

    @staticmethod
    def from_line(line: str) -> Head | None:
        """Read a head back, or None when the text is not one."""
        parts = line.split()
        if len(parts) != 2 or not parts[0].isdigit() or len(parts[1]) != 64:
            return None
        return Head(int(parts[0]), parts[1])


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a verification found. `first_bad_seq` is where the chain breaks first, or None."""

    rows: int
    ok: bool
    first_bad_seq: int | None
    text: str
    head: Head


def link_hash(seq: int, kind: str, loop: str, utc: str, prev_hash: str, body: str) -> str:
    """Return the hash that seals these columns to the row before."""
    text = f"{seq}\n{kind}\n{loop}\n{utc}\n{prev_hash}\n{body}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def fault_of(row: Row, before: Head) -> str:
    """Say in words why `row` does not follow `before`; empty when it does."""
    if row.seq != before.seq + 1:
        return f"rows {before.seq + 1} to {row.seq - 1} are missing"
    if row.prev_hash != before.hash:
        return f"row {row.seq} does not follow row {before.seq}: one of the two was rewritten"
    if row.hash != link_hash(row.seq, row.kind, row.loop, row.utc, row.prev_hash, row.body):
        return f"row {row.seq} was changed: its hash does not fit its content"
    return ""


def walk(rows: Iterable[Row], before: Head) -> ChainReport:
    """Follow the chain over `rows`, which should continue `before`, to its end or first break."""
    head, count = before, 0
    for row in rows:
        fault = fault_of(row, head)
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
            report = walk(_rows(connection), Head(0, GENESIS))
            return _with_anchor(connection, report, kept) if report.ok else report
        finally:
            connection.close()
    except (apsw.Error, RecordError) as error:
        return ChainReport(0, False, None, f"{path} cannot be read: {error}", Head(0, GENESIS))


def _with_anchor(
    connection: apsw.Connection, report: ChainReport, kept: Head | None
) -> ChainReport:
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


def _rows(connection: apsw.Connection) -> Iterator[Row]:
    statement = "SELECT seq, kind, loop, utc, body, prev_hash, hash FROM record ORDER BY seq"
    return (Row(*line) for line in connection.execute(statement))


def read_head(path: Path) -> Head | None:
    """Return the head kept beside the record file, or None when there is none to be had."""
    try:
        return Head.from_line(head_path(path).read_text("ascii"))
    except (OSError, UnicodeDecodeError):
        return None


def head_path(path: Path) -> Path:
    """Return where the head file of a record file is."""
    return path.with_name(path.name + ".head")


def open_read_only(path: Path) -> apsw.Connection:
    """Open a record file for reading; it can be read while the engine writes."""
    if not path.is_file():
        raise RecordError(f"there is no record file {path}")
    check_sqlite()
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(2000)
    return connection


def check_sqlite() -> None:
    """Refuse an SQLite that is known to corrupt files."""
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < OLDEST_SQLITE:
        raise RecordError(
            f"SQLite {apsw.sqlite_lib_version()} can corrupt a record file (WAL reset, fixed in "
            "3.51.3). Next: install the packages of requirements.lock, which bring a newer one"
        )
