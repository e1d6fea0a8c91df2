"""One SQLite file per UTC day: the history that needs no server.

A record's rows and the day's mark are one transaction, and records come in order. So whenever the
process ends, the days together hold every record up to the greatest mark once, and none after it.
A rollback journal rather than a WAL: whoever only reads needs no right to write here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import apsw

from service.history.archive import archive_of, batches_of, mark_of
from service.history.kept import CYCLE_COLUMNS, EVENT_COLUMNS, Kept, day_of
from service.history.manifest import Line
from service.history.store import BATCHES, MARK, BatchSpan, HistoryError, Mark, Store, joined

_BUSY_MS = 5000
_TRENDS_KEPT = 62  # archived days of one tag in memory, some 1 MB each
TABLES = """
CREATE TABLE IF NOT EXISTS day (
  one INTEGER PRIMARY KEY CHECK (one = 1), last_seq BIGINT NOT NULL, last_hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tag (
  id INTEGER PRIMARY KEY, loop TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (loop, name));
CREATE TABLE IF NOT EXISTS cycle (
  seq BIGINT PRIMARY KEY, t_ms BIGINT NOT NULL, loop TEXT NOT NULL, mode TEXT NOT NULL,
  requested TEXT NOT NULL, action TEXT NOT NULL, limiting TEXT NOT NULL, outcome TEXT NOT NULL,
  late INTEGER NOT NULL, total_ms DOUBLE PRECISION, solve_ms DOUBLE PRECISION,
  recipe TEXT NOT NULL, batch BIGINT, phase TEXT, equipment TEXT NOT NULL, config TEXT,
  hash TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS cycle_by_batch ON cycle (batch, loop, seq);
CREATE TABLE IF NOT EXISTS event (
  seq BIGINT PRIMARY KEY, t_ms BIGINT NOT NULL, loop TEXT NOT NULL, kind TEXT NOT NULL,
  what TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batch (
  batch BIGINT NOT NULL, loop TEXT NOT NULL, recipe TEXT NOT NULL, equipment TEXT NOT NULL,
  first_seq BIGINT NOT NULL, last_seq BIGINT NOT NULL, first_ms BIGINT NOT NULL,
  last_ms BIGINT NOT NULL, cycles BIGINT NOT NULL, PRIMARY KEY (batch, loop, recipe));
"""
SAMPLE_COLUMNS = """
  tag INTEGER NOT NULL, t_ms BIGINT NOT NULL, seq BIGINT NOT NULL, value DOUBLE PRECISION,
  quality SMALLINT NOT NULL, PRIMARY KEY (tag, t_ms, seq)"""
DAY_SCHEMA = f"{TABLES}CREATE TABLE IF NOT EXISTS sample ({SAMPLE_COLUMNS}) WITHOUT ROWID;"
"""The tables of one day's file."""
SAMPLE_IN = "INSERT INTO sample VALUES (?, ?, ?, ?, ?)"
CYCLE_IN = f"INSERT INTO cycle VALUES ({', '.join('?' * len(CYCLE_COLUMNS))})"
EVENT_IN = f"INSERT INTO event VALUES ({', '.join('?' * len(EVENT_COLUMNS))})"
BATCH_IN = """
INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (batch, loop, recipe)
DO UPDATE SET last_seq = excluded.last_seq, last_ms = excluded.last_ms, cycles = batch.cycles + 1"""
MARK_IN = """
INSERT INTO day VALUES (1, ?, ?) ON CONFLICT (one)
DO UPDATE SET last_seq = excluded.last_seq, last_hash = excluded.last_hash"""


def batch_values(row: Kept) -> tuple[Any, ...] | None:
    """Return the values of `BATCH_IN` for a cycle that belongs to a batch, else None."""
    if row.cycle is None:
        return None
    cycle = dict(zip(CYCLE_COLUMNS[2:], row.cycle, strict=True))
    if cycle["batch"] is None:
        return None
    place = (cycle["batch"], cycle["loop"], cycle["recipe"], cycle["equipment"])
    return (*place, row.seq, row.seq, row.t_ms, row.t_ms)


class DayFiles(Store):
    """The files YYYY-MM-DD.sqlite of one folder. One process writes; any number may read."""

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        """Open nothing yet; `write` makes the folder."""
        self.folder = folder
        self._write = write
        self._open: dict[str, apsw.Connection] = {}
        self._archive: tuple[int, Mapping[str, Line]] = (0, {})
        self._loaded: dict[tuple[str, str], apsw.Connection] = {}
        self._tags: dict[str, dict[tuple[str, str], int]] = {}
        if write:
            folder.mkdir(parents=True, exist_ok=True)

    def days(self) -> list[str]:
        """Return the days that have a file here, oldest first."""
        return sorted(path.stem for path in self.folder.glob("????-??-??.sqlite"))

    def path(self, day: str) -> Path:
        """Return the file of a day."""
        return self.folder / f"{day}.sqlite"

    def mark(self) -> Mark:
        """Return the newest record that is here."""
        rows = (row for day in self.days() for row in self._ask_day(day, MARK, ()))
        archived = (mark_of(line) for line in self._archived().values())
        return max((*archived, *(Mark(*row) for row in rows)), default=Mark(0, ""))

    def batches(self) -> list[BatchSpan]:
        """Return where every batch passed through a loop, those of archived days as well."""
        here = self.days()
        gone = [line for day, line in self._archived().items() if day not in here]
        rows = (row for day in here for row in self._ask_day(day, BATCHES, ()))
        return joined([*(span for line in gone for span in batches_of(line)),
                       *(BatchSpan(*row) for row in rows)])  # fmt: skip

    def add(self, rows: Sequence[Kept]) -> None:
        """Keep `rows`; each stretch of one day is one transaction, in the records' order."""
        for day, group in groupby(rows, key=lambda row: day_of(row.t_ms)):
            try:
                self._put(day, list(group))
            except apsw.Error as error:
                raise HistoryError(
                    f"{self.path(day)} cannot be written: {error}. Next: ./rheostat doctor"
                ) from error

    def ask(
        self,
        statement: str,
        values: Sequence[object],
        from_ms: int | None,
        to_ms: int | None,
        tag: str = "",
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of one question, day by day."""
        first = day_of(from_ms) if from_ms is not None else ""
        last = day_of(to_ms) if to_ms is not None else "9999"
        for day in sorted({*self.days(), *self._archived()}):
            if first <= day <= last:
                yield from self._ask_day(day, statement, values, tag)

    def put_back(self, day: str, rows: Sequence[Kept]) -> None:
        """Make the file of a day that has none; raises HistoryError when it has."""
        if self.path(day).exists():
            raise HistoryError(f"{self.path(day)} is there already: nothing was put back")
        try:
            with tempfile.TemporaryDirectory(dir=self.folder) as place:
                made = DayFiles(Path(place), write=True)
                try:
                    made.add(rows)
                finally:
                    made.close()
                made.path(day).rename(self.path(day))
        except OSError as error:
            raise HistoryError(f"{self.path(day)} cannot be made: {error}") from error

    def drop(self, day: str) -> None:
        """Delete the file of a day."""
        if (connection := self._open.pop(day, None)) is not None:
            connection.close()
        try:
            self.path(day).unlink(missing_ok=True)
        except OSError as error:
            raise HistoryError(f"{self.path(day)} cannot be deleted: {error}") from error

    def close(self) -> None:
        """Close every file."""
        for connection in (*self._open.values(), *self._loaded.values()):
            connection.close()
        self._open.clear()
        self._loaded.clear()

    def _ask_day(
        self, day: str, statement: str, values: Sequence[object], tag: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection(day, tag).execute(statement, tuple(values))
        except apsw.Error as error:
            raise HistoryError(f"{self.path(day)} cannot be read: {error}") from error

    def _archived(self) -> Mapping[str, Line]:
        """Return the days of the archive beside these files; its manifest only ever grows."""
        archive = archive_of(self.folder)
        if (size := archive.size()) != self._archive[0]:
            self._archive = (size, archive.days())
        return self._archive[1]

    def _put(self, day: str, rows: Sequence[Kept]) -> None:
        if not self.path(day).exists() and (line := self._archived().get(day)):
            self.put_back(day, archive_of(self.folder).rows(line))  # a clock set back
        connection = self._connection(day, make=True)
        with connection:
            self._write_rows(day, connection, rows)

    def _write_rows(self, day: str, connection: apsw.Connection, rows: Sequence[Kept]) -> None:
        ids = self._ids(day, connection, rows)
        connection.executemany(
            SAMPLE_IN,
            ((ids[s.loop, s.tag], row.t_ms, row.seq, s.value, s.quality)
             for row in rows for s in row.samples),
        )  # fmt: skip
        put_rest(connection.execute, rows)

    def _ids(
        self, day: str, connection: apsw.Connection, rows: Iterable[Kept]
    ) -> dict[tuple[str, str], int]:
        known = self._tags.setdefault(day, {})
        wanted = {(s.loop, s.tag) for row in rows for s in row.samples}
        if wanted - known.keys():
            connection.executemany(
                "INSERT INTO tag (loop, name) VALUES (?, ?) ON CONFLICT DO NOTHING", sorted(wanted)
            )
            known.clear()
            for number, loop, name in connection.execute("SELECT id, loop, name FROM tag"):
                known[loop, name] = number
        return known

    def _connection(self, day: str, tag: str = "", *, make: bool = False) -> apsw.Connection:
        if self._write:
            self._close_but(day)
        if day not in self._open:
            if not make and not self.path(day).exists():
                return self._from_archive(day, tag)
            self._open[day] = self._opened(day)
        return self._open[day]

    def _close_but(self, day: str) -> None:
        """Close all but this day and the one used last."""
        for old in [name for name in self._open if name != day][:-1]:
            self._open.pop(old).close()
            self._tags.pop(old, None)

    def _opened(self, day: str) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READONLY
        if self._write:
            flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        connection = apsw.Connection(str(self.path(day)), flags=flags)
        connection.set_busy_timeout(_BUSY_MS)
        if self._write:
            connection.pragma("synchronous", "FULL")
            with connection:  # a day is there whole or not at all
                connection.execute(DAY_SCHEMA)
        return connection

    def _from_archive(self, day: str, tag: str) -> apsw.Connection:
        """Return a day that is in the archive only, in memory: whole, or the readings of `tag`."""
        from service.history.day_loaded import loaded

        if (day, tag) not in self._loaded:
            while len(self._loaded) >= (_TRENDS_KEPT if tag else 2):
                self._loaded.pop(next(iter(self._loaded))).close()
            self._loaded[day, tag] = loaded(archive_of(self.folder), self._archived()[day], tag)
        return self._loaded[day, tag]


def put_rest(execute: Any, rows: Sequence[Kept]) -> None:  # noqa: ANN401 - of either database
    """Write what is no sample of `rows`, and the mark, inside the caller's transaction."""
    put_cycles(execute, rows)
    for row in rows:
        if values := batch_values(row):
            execute(BATCH_IN, values)
    execute(MARK_IN, (rows[-1].seq, rows[-1].hash))


def put_cycles(execute: Any, rows: Sequence[Kept]) -> None:  # noqa: ANN401 - of either database
    """Write cycles and events of `rows` inside the caller's transaction."""
    for row in rows:
        if row.cycle is not None:
            execute(CYCLE_IN, (row.seq, row.t_ms, *row.cycle))
        if row.event is not None:
            execute(EVENT_IN, (row.seq, row.t_ms, *row.event))
