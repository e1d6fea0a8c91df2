"""The record file: append-only, hash-chained, durable before anyone acts on it.

One writer (a second one is refused by a lock), SQLite in WAL mode with synchronous=FULL, so a row
that `append` returned survives kill -9 and a power cut. Triggers refuse every UPDATE and DELETE and
every row that does not follow the last one, whichever program tries (REC-02). A file that is
corrupt, broken in its chain, read-only or on a network share is refused in words at the door;
evidence is never repaired, and never overwritten.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw

from records.canonical import canonical_json
from records.chain import check_sqlite, page_faults, walk, with_head
from records.door import damaged, lock_of, refuse_network, unwritable
from records.merkle import Tree
from records.record_key import listed_keys, record_key
from records.roots import ROOT_EVERY, RootJudge, root_body, tree_at
from records.row import GENESIS, KINDS, Head, RecordError, Row, head_path, link_hash, read_head

CHECKED_BYTES = 64 * 2**20
"""Up to this size every page of the file is checked at each start; beyond it once a night."""

_BUSY_MS = 1000
_COLUMNS = "SELECT seq, kind, loop, utc, body, prev_hash, hash FROM record"
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS record (
  seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, loop TEXT NOT NULL, utc TEXT NOT NULL,
  body TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS record_by_loop ON record (loop, kind, seq);
CREATE TRIGGER IF NOT EXISTS record_no_update BEFORE UPDATE ON record
  BEGIN SELECT RAISE(ABORT, 'records are append-only: no row can be changed'); END;
CREATE TRIGGER IF NOT EXISTS record_no_delete BEFORE DELETE ON record
  BEGIN SELECT RAISE(ABORT, 'records are append-only: no row can be deleted'); END;
CREATE TRIGGER IF NOT EXISTS record_in_line BEFORE INSERT ON record
  WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM record)
    OR NEW.prev_hash <> coalesce((SELECT hash FROM record WHERE seq = NEW.seq - 1), '{GENESIS}')
  BEGIN SELECT RAISE(ABORT, 'records are a chain: a row must follow the last one'); END;
"""


class RecordStore:
    """The one writer of a record file. Blocking, and used from one thread: see `Recorder`."""

    def __init__(self, path: Path, root_every: int = ROOT_EVERY) -> None:
        """Open or make the record file at `path`.

        A signed root is appended after every `root_every` rows. Raises RecordError, with words,
        when the file is locked by another engine, corrupt, broken in its chain, unwritable or on a
        network file system.
        """
        check_sqlite()
        refuse_network(path)
        self.path = path
        self._root_every = root_every
        self._handles = [lock_of(path)]
        self._connection: apsw.Connection | None = None
        try:
            self._connection = _open(path)
            self._key = record_key(path)
            self.head: Head | None
            self.head, self._judge = _verified(self._connection, path)
            self._inode = path.stat().st_ino
            self._head_file = os.open(head_path(path), os.O_WRONLY | os.O_CREAT, 0o640)
            self._handles.append(self._head_file)
            self._keep_head(self.head)
        except (apsw.Error, OSError) as error:
            self.close()
            raise RecordError(unwritable(path, error)) from error
        except UnicodeDecodeError as error:
            self.close()
            raise RecordError(damaged(path, f"a text in it is none: {error}")) from error
        except RecordError:
            self.close()
            raise

    def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> Row:
        """Append one row; when this returns, the row is on the disk.

        Raises RecordError when it is not known to be there (disk full, read-only, I/O error,
        file moved away): the caller must then act as if nothing was recorded.
        """
        if kind not in KINDS or kind == "root":
            raise ValueError(f"{kind!r} is not a kind of record: {', '.join(KINDS)}")
        if "\n" in loop or "\n" in utc:
            raise ValueError("a loop's name and a time hold no line break")
        row = self._append(kind, loop, utc, canonical_json(body))
        due = row.seq - self._judge.last >= self._root_every
        if due or kind == "stop":
            # The row above is safe whatever comes of its root; a root that failed is due again.
            with contextlib.suppress(RecordError):
                sealed = root_body(self._judge.tree, utc, self._key)
                self._append("root", "", utc, canonical_json(sealed))
        return row

    def last_state(self, loop: str) -> Mapping[str, Any] | None:
        """Return the gate state of the last recorded cycle of `loop`: what a restart knows."""
        rows = self._usable().execute(
            "SELECT body FROM record WHERE loop = ? AND kind = 'cycle' ORDER BY seq DESC LIMIT 1",
            (loop,),
        )
        for (body,) in rows:
            state: Mapping[str, Any] | None = json.loads(body).get("state")
            return state
        return None

    def seals(self) -> list[dict[str, Any]]:
        """Return every sealed version of the configuration that was in force, oldest first."""
        rows = self._usable().execute(
            "SELECT body FROM record WHERE loop = '' AND kind = 'seal' ORDER BY seq"
        )
        return [json.loads(body) for (body,) in rows]

    def unresolved_intent(self, loop: str) -> tuple[int, dict[str, Any]] | None:
        """Return row and body of the last intent whose run ended before its cycle (SVC-04).

        None when there is none, or when a later start has already compared it with the PLC.
        """
        ask = self._usable().execute
        last = "SELECT seq, body FROM record WHERE loop = ? AND kind = 'intent' ORDER BY seq DESC"
        for row, body in ask(f"{last} LIMIT 1", (loop,)):
            after = (
                "SELECT kind FROM record WHERE seq > ? AND "
                "(loop = ? AND kind = 'cycle' OR loop = '' AND kind = 'start') ORDER BY seq LIMIT 1"
            )
            if ask(after, (row, loop)).fetchone() == ("cycle",):
                return None
            events = "SELECT body FROM record WHERE loop = ? AND kind = 'event' AND seq > ?"
            found = [json.loads(event) for (event,) in ask(events, (loop, row))]
            if any(one.get("event") == "intent-reconciled" for one in found):
                return None
            return int(row), json.loads(body)
        return None

    def close(self) -> None:
        """Close the file and give up the lock."""
        if self._connection is not None:
            with contextlib.suppress(apsw.Error):
                self._connection.close()
            self._connection = None
        while self._handles:
            os.close(self._handles.pop())

    def _append(self, kind: str, loop: str, utc: str, text: str) -> Row:
        try:
            connection = self._usable()
            before = self.head or self._caught_up(connection)
            seq = before.seq + 1
            row = Row(
                seq, kind, loop, utc, text, before.hash,
                link_hash(seq, kind, loop, utc, before.hash, text),
            )  # fmt: skip
            connection.execute(
                "INSERT INTO record (seq, kind, loop, utc, body, prev_hash, hash) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (row.seq, row.kind, row.loop, row.utc, row.body, row.prev_hash, row.hash),
            )
            self._judge.fault(row)
            self.head = Head(row.seq, row.hash)
            self._keep_head(self.head)
        except (apsw.Error, OSError) as error:
            self.head = None
            raise RecordError(unwritable(self.path, error)) from error
        return row

    def _caught_up(self, connection: apsw.Connection) -> Head:
        """Return the end of the chain as the file has it: after an error nobody else knows."""
        rows = connection.execute(
            f"{_COLUMNS} WHERE seq > ? ORDER BY seq", (self._judge.tree.size,)
        )
        for line in rows:
            self._judge.fault(Row(*line))
        return _end_of(connection)

    def _usable(self) -> apsw.Connection:
        """Return the connection if the file we write is still the file people will look at."""
        if self._connection is None:
            raise RecordError(f"the record file {self.path} is closed")
        if self.path.stat().st_ino != self._inode:
            raise OSError("the file was replaced while the engine was writing it")
        return self._connection

    def _keep_head(self, head: Head) -> None:
        """Write `head` down beside the file; after the commit, so it is never ahead of it."""
        os.pwrite(self._head_file, head.to_line().encode("ascii"), 0)


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(_BUSY_MS)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute(_SCHEMA).fetchall()
    # A transaction that takes the write lock: a read-only disk is found now, not in a cycle.
    connection.execute("BEGIN IMMEDIATE; COMMIT").fetchall()
    return connection


def _verified(connection: apsw.Connection, path: Path) -> tuple[Head, RootJudge]:
    """Check the file, and its chain from the last signed root on; return where both end.

    Older rows were checked when that root was signed, and are again every night: so a start stays
    quick however long the file has grown.
    """
    if path.stat().st_size <= CHECKED_BYTES:
        faults = page_faults(connection)
        if faults:
            raise RecordError(damaged(path, faults))
    before, judge = _last_root(connection, path)
    rows = connection.execute(f"{_COLUMNS} WHERE seq > ? ORDER BY seq", (before.seq,))
    report = walk((Row(*line) for line in rows), before, judge.fault)
    report = with_head(connection, report, read_head(path)) if report.ok else report
    if not report.ok:
        raise RecordError(damaged(path, report.text))
    return report.head, judge


def _last_root(connection: apsw.Connection, path: Path) -> tuple[Head, RootJudge]:
    """Return the row before the last signed root, and the judge who takes over there."""
    before, tree = Head(0, GENESIS), Tree()
    found = connection.execute(
        "SELECT seq, prev_hash, body FROM record WHERE loop = '' AND kind = 'root' "
        "ORDER BY seq DESC LIMIT 1"
    )
    for seq, prev_hash, body in found:
        try:
            before, tree = Head(int(seq) - 1, str(prev_hash)), tree_at(json.loads(body))
        except (ValueError, LookupError, TypeError) as error:
            raise RecordError(damaged(path, f"row {seq} is no signed root: {error}")) from error
    return before, RootJudge(tree, listed_keys(path))


def _end_of(connection: apsw.Connection) -> Head:
    for seq, text in connection.execute("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1"):
        return Head(int(seq), str(text))
    return Head(0, GENESIS)
