"""Change a record file as someone with the disk in hand would: past triggers and locks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw

from records.row import GENESIS, link_hash

_TRIGGERS = ("record_no_update", "record_no_delete", "record_in_line")


def tamper(path: Path, *statements: str) -> None:
    """Run SQL on a record file without its triggers."""
    connection = apsw.Connection(str(path))
    drops = [f"DROP TRIGGER IF EXISTS {name}" for name in _TRIGGERS]
    for statement in (*drops, *statements):
        connection.execute(statement).fetchall()
    connection.close()


def rechain(path: Path, seq: int, **columns: str) -> None:
    """Change columns of row `seq`, then make every hash from there to the end fit again."""
    tamper(path)
    connection = apsw.Connection(str(path))
    for name, value in columns.items():
        connection.execute(f"UPDATE record SET {name} = ? WHERE seq = ?", (value, seq)).fetchall()
    found = connection.execute("SELECT hash FROM record WHERE seq = ?", (seq - 1,)).fetchall()
    before = str(found[0][0]) if found else GENESIS
    rows: Any = connection.execute(
        "SELECT seq, kind, loop, utc, body FROM record WHERE seq >= ? ORDER BY seq", (seq,)
    ).fetchall()
    for number, kind, loop, utc, body in rows:
        sealed = link_hash(number, kind, loop, utc, before, body)
        connection.execute(
            "UPDATE record SET prev_hash = ?, hash = ? WHERE seq = ?", (before, sealed, number)
        ).fetchall()
        before = sealed
    connection.close()
    path.with_name(path.name + ".head").unlink(missing_ok=True)
