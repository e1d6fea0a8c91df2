"""The record file: append-only, hash-chained, durable before anyone acts on it.

One writer (a second one is refused by a lock), SQLite in WAL mode with synchronous=FULL, so a row
that `append` returned survives kill -9 and a power cut. Triggers refuse every UPDATE and DELETE and
every row that does not follow the last one, whichever program tries (REC-02). A file that is
corrupt, broken in its chain, read-only or on a network share is refused in words at the door;
evidence is never repaired, and never overwritten.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw

from records.canonical import canonical_json
from records.chain import (
    GENESIS,
    KINDS,
    Head,
    RecordError,
    Row,
    check_sqlite,
    head_path,
    link_hash,
    read_head,
    walk,
)

_TAIL_ROWS = 2000  # verified at every start; the whole chain once a day and on request
_NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "fuse.gluster", "ceph", "afs", "9p.remote")

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

    def __init__(self, path: Path) -> None:
        """Open or make the record file at `path`.

        Raises RecordError, with words, when the file is locked by another engine, corrupt,
        broken in its chain, unwritable or on a network file system.
        """
        check_sqlite()
        _refuse_network(path)
        self.path = path
        self._lock: int | None = _lock(path)
        self._connection: apsw.Connection | None = None
        self._head_file: int | None = None
        try:
            self._connection = _open(path)
            self.head: Head | None = _verified_head(self._connection, path)
            self._inode = path.stat().st_ino
            self._head_file = os.open(head_path(path), os.O_WRONLY | os.O_CREAT, 0o640)
            self._keep_head()
        except (apsw.Error, OSError) as error:
            self.close()
            raise RecordError(_words(path, error)) from error
        except RecordError:
            self.close()
            raise

    def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> Row:
        """Append one row; when this returns, the row is on the disk.

        Raises RecordError when it is not known to be there (disk full, read-only, I/O error,
        file moved away): the caller must then act as if nothing was recorded.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not a kind of record: {', '.join(KINDS)}")
        if "\n" in loop or "\n" in utc:
            raise ValueError("a loop's name and a time hold no line break")
        text = canonical_json(body)
        try:
            connection = self._usable()
            # After an error nobody knows what landed: the file itself says where the chain ends.
            before = self.head = self.head or _last(connection)
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
            self.head = Head(row.seq, row.hash)
            self._keep_head()
        except (apsw.Error, OSError) as error:
            self.head = None
            raise RecordError(_words(self.path, error)) from error
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

    def unresolved_intent(self, loop: str) -> int | None:
        """Return the row of an intent that no cycle record followed, or None (SVC-04).

        The engine died between the two: nobody knows whether that write landed.
        """
        rows = self._usable().execute(
            "SELECT seq, kind FROM record WHERE loop = ? AND kind IN ('intent', 'cycle') "
            "ORDER BY seq DESC LIMIT 1",
            (loop,),
        )
        return next((int(seq) for seq, kind in rows if kind == "intent"), None)

    def close(self) -> None:
        """Close the file and give up the lock."""
        if self._connection is not None:
            with contextlib.suppress(apsw.Error):
                self._connection.close()
            self._connection = None
        for handle in (self._head_file, self._lock):
            if handle is not None:
                os.close(handle)
        self._head_file = self._lock = None

    def _usable(self) -> apsw.Connection:
        """Return the connection if the file we write is still the file people will look at."""
        if self._connection is None:
            raise RecordError(f"the record file {self.path} is closed")
        if self.path.stat().st_ino != self._inode:
            raise OSError("the file was replaced while the engine was writing it")
        return self._connection

    def _keep_head(self) -> None:
        """Write the head down beside the file; after the commit, so it is never ahead of it."""
        if self._head_file is not None and self.head is not None:
            os.pwrite(self._head_file, self.head.to_line().encode("ascii"), 0)


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(
        str(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    )
    connection.set_busy_timeout(1000)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute(_SCHEMA).fetchall()
    # A transaction that takes the write lock: a read-only disk is found now, not in a cycle.
    connection.execute("BEGIN IMMEDIATE; COMMIT").fetchall()
    return connection


def _verified_head(connection: apsw.Connection, path: Path) -> Head | None:
    """Check the file and the tail of its chain; return where it ends."""
    found = [str(line[0]) for line in connection.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise RecordError(_broken(path, "; ".join(found)))
    last = _last(connection)
    before = Head(0, GENESIS)
    first = max(1, last.seq - _TAIL_ROWS + 1)
    columns = "SELECT seq, kind, loop, utc, body, prev_hash, hash FROM record"
    for line in connection.execute(f"{columns} WHERE seq = ?", (first - 1,)):
        before = Head(first - 1, Row(*line).hash)
    rows = connection.execute(f"{columns} WHERE seq >= ? ORDER BY seq", (first,))
    report = walk((Row(*line) for line in rows), before)
    if not report.ok:
        raise RecordError(_broken(path, report.text))
    kept = read_head(path)
    if kept is not None and kept.seq > last.seq:
        text = f"rows {last.seq + 1} to {kept.seq} are missing: the tail was cut off"
        raise RecordError(_broken(path, text))
    return last


def _last(connection: apsw.Connection) -> Head:
    for seq, text in connection.execute("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1"):
        return Head(int(seq), str(text))
    return Head(0, GENESIS)


def _lock(path: Path) -> int:
    """Take the writer's lock, or say who has it."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        handle = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise RecordError(_words(path, error)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise RecordError(
            f"the record file {path} is being written by another engine (process {holder}). "
            "Why: two engines on one line would fight over its setpoints. "
            "Next: stop that engine first, or give this one its own --state directory"
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode("ascii"), 0)
    return handle


def _refuse_network(path: Path) -> None:
    """Refuse a network share: its locks and its fsync cannot be trusted."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    except OSError:
        return
    mounts = {parts[1]: parts[2] for parts in (line.split() for line in lines) if len(parts) > 2}
    for place in (path.resolve(), *path.resolve().parents):
        kind = mounts.get(str(place))
        if kind is not None:
            if kind.startswith(_NETWORK):
                raise RecordError(
                    f"the record file {path} is on a network file system ({kind}). Why: locks and "
                    "fsync there do not keep their promises. Next: use a local disk for --state"
                )
            return


def _words(path: Path, error: Exception) -> str:
    """Say an SQLite or system error so that a person at the plant knows what to do."""
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return _broken(path, str(error))
    advice = "check the disk (space, mount, permissions)"
    if isinstance(error, apsw.FullError):
        advice = "free space on that disk"
    elif isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | PermissionError):
        advice = "give this user write permission there, or use another --state directory"
    return (
        f"the record file {path} cannot be written: {error}. "
        f"Why it matters: nothing is written to a PLC that is not recorded first. Next: {advice}"
    )


def _broken(path: Path, what: str) -> str:
    return (
        f"the record file {path} is damaged: {what}. "
        "Why it matters: it is evidence, so it is neither repaired nor written on. "
        f"Next: keep {path.name}, {path.name}-wal and {path.name}.head as they are, move them "
        "aside for QA, and start again with an empty state directory"
    )
