"""A day that is in the archive only, as a database in memory: every question works there too.

Apart, because pyarrow is slow to import and most who ask need no archived day.
"""

from __future__ import annotations

import apsw
from pyarrow import Table

from service.history.archive import Archive
from service.history.day_files import CYCLE_IN, DAY_SCHEMA, EVENT_IN, SAMPLE_IN
from service.history.day_tables import lines_of
from service.history.manifest import Line


def loaded(archive: Archive, line: Line, tag: str) -> apsw.Connection:
    """Return the archived day of `line` in memory, or nothing of it but the readings of `tag`.

    Raises HistoryError when a file is not what the manifest says.
    """
    tables = {"readings": archive.readings(line, tag)} if tag else archive.tables(line)
    connection = apsw.Connection(":memory:")
    connection.execute(DAY_SCHEMA)
    with connection:
        _put_readings(connection, tables["readings"], tag)
        for name, statement in (("cycles", CYCLE_IN), ("events", EVENT_IN)):
            if name in tables:
                connection.executemany(statement, lines_of(tables[name]))
    return connection


def _put_readings(connection: apsw.Connection, readings: Table, tag: str) -> None:
    rows = readings.select(["loop", "tag", "utc", "record", "value_si", "quality"])
    numbers: dict[tuple[str, str], int] = {}
    connection.executemany(
        SAMPLE_IN,
        ((numbers.setdefault((loop, name), len(numbers) + 1), *rest)
         for loop, name, *rest in lines_of(rows) if tag in ("", name)),
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO tag VALUES (?, ?, ?)", ((number, *key) for key, number in numbers.items())
    )
