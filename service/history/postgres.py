"""History in PostgreSQL: one schema per line, samples partitioned by month, written with COPY.

For where one machine is outgrown. The tables and the questions are those of the day files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from service.history.day_files import SAMPLE_COLUMNS, TABLES, put_cycles, put_rest
from service.history.kept import Kept, day_of, day_span
from service.history.store import MARK, HistoryError, Mark, Store

SCHEMA = "rheostat_"
"""What the schema of a line begins with; its name follows."""


class Postgres(Store):
    """One line's history on a PostgreSQL server."""

    def __init__(self, url: str, line: str) -> None:
        """Connect to `url` and make the schema of `line`; raises HistoryError when it cannot."""
        self._tags: dict[tuple[str, str], int] = {}
        self._months: set[str] = set()
        try:
            self._connection = psycopg.connect(url, connect_timeout=10)
            with self._connection.transaction(), self._connection.cursor() as cursor:
                schema = sql.Identifier(f"{SCHEMA}{line}")
                cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
                cursor.execute(sql.SQL("SET search_path TO {}").format(schema))
                cursor.execute(_TABLES.encode())
            self._connection.commit()
        except psycopg.Error as error:
            raise HistoryError(
                f"the history server cannot be used: {error}. Next: look at RHEOSTAT_HISTORY_URL"
            ) from error

    def mark(self) -> Mark:
        """Return the newest record that is here."""
        rows = self.ask(MARK, (), None, None)
        return max((Mark(*row) for row in rows), default=Mark(0, ""))

    def add(self, rows: Sequence[Kept]) -> None:
        """Keep `rows` in one transaction."""
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                self._copy(cursor, rows)
                put_rest(lambda text, values: cursor.execute(_ours(text), values), rows)
            self._connection.commit()
            self._months |= {_month(row.t_ms) for row in rows}
        except psycopg.Error as error:
            self._tags.clear()
            raise HistoryError(f"the history server refused rows: {error}") from error

    def ask(
        self,
        statement: str,
        values: Sequence[object],
        from_ms: int | None,
        to_ms: int | None,
        tag: str = "",
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of one question; the server finds the partitions itself."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_ours(statement), tuple(values))
                found = cursor.fetchall()
            self._connection.commit()
        except psycopg.Error as error:
            raise HistoryError(f"the history server did not answer: {error}") from error
        yield from found

    def days(self) -> list[str]:
        """Return the UTC days that have rows here, oldest first."""
        return [day_of(number * 86_400_000) for (number,) in self.ask(_DAYS, (), None, None)]

    def put_back(self, day: str, rows: Sequence[Kept]) -> None:
        """Keep the rows of a day that has none; raises HistoryError when it has."""
        if self.day_mark(day).seq:
            raise HistoryError(f"{day} is on the history server already: nothing was put back")
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                self._copy(cursor, rows)
                put_cycles(lambda text, values: cursor.execute(_ours(text), values), rows)
            self._connection.commit()
        except psycopg.Error as error:
            self._tags.clear()
            raise HistoryError(f"the history server refused rows: {error}") from error

    def drop(self, day: str) -> None:
        """Delete the rows of one day; where batches passed through a loop stays known."""
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                for table in ("sample", "cycle", "event"):
                    text = f"DELETE FROM {table} WHERE t_ms >= %s AND t_ms < %s"
                    cursor.execute(text.encode(), day_span(day))
            self._connection.commit()
        except psycopg.Error as error:
            raise HistoryError(f"the history server deleted nothing of {day}: {error}") from error

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _copy(self, cursor: psycopg.Cursor[Any], rows: Sequence[Kept]) -> None:
        """Write the readings of `rows` with COPY, into the partitions of their months."""
        months = {_month(row.t_ms) for row in rows}
        for month in sorted(months - self._months):
            cursor.execute(_partition(month))
        ids = self._ids(cursor, rows)
        with cursor.copy("COPY sample FROM STDIN") as copy:
            for row in rows:
                for s in row.samples:
                    key = (ids[s.loop, s.tag], row.t_ms, row.seq)
                    copy.write_row((*key, s.value, s.quality))

    def _ids(self, cursor: psycopg.Cursor[Any], rows: Sequence[Kept]) -> dict[tuple[str, str], int]:
        wanted = {(s.loop, s.tag) for row in rows for s in row.samples}
        if wanted - self._tags.keys():
            text = "INSERT INTO tag (loop, name) VALUES (%s, %s) ON CONFLICT DO NOTHING"
            cursor.executemany(text, sorted(wanted))
            cursor.execute("SELECT id, loop, name FROM tag")
            self._tags = {(loop, name): number for number, loop, name in cursor.fetchall()}
        return self._tags


_TABLES = (
    TABLES.replace("id INTEGER PRIMARY KEY", "id SERIAL PRIMARY KEY")
    + f"CREATE TABLE IF NOT EXISTS sample ({SAMPLE_COLUMNS}) PARTITION BY RANGE (t_ms);"
    "CREATE INDEX IF NOT EXISTS cycle_by_time ON cycle (t_ms);"
    "CREATE INDEX IF NOT EXISTS event_by_time ON event (t_ms);"
)
_DAYS = """
SELECT t_ms / 86400000 FROM cycle UNION SELECT t_ms / 86400000 FROM event ORDER BY 1"""


def _ours(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _month(t_ms: int) -> str:
    return datetime.fromtimestamp(t_ms / 1000, UTC).strftime("%Y-%m")


def _partition(month: str) -> sql.Composed:
    first = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    ends = [sql.Literal(round(end.timestamp() * 1000)) for end in (first, after)]
    name = sql.Identifier(f"sample_{month.replace('-', '_')}")
    return sql.SQL(
        "CREATE TABLE IF NOT EXISTS {} PARTITION OF sample FOR VALUES FROM ({}) TO ({})"
    ).format(name, *ends)
