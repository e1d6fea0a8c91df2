"""`page/accounts.sqlite` of a state folder: accounts, sessions, and what is to be reported.

It belongs to the page's user alone (mode 600). No password, code, session name or private key
stands in it in clear. The engine never opens it: it believes signatures, not this file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

_BUSY_MS = 5000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, state TEXT NOT NULL,
  made_s REAL NOT NULL, hash TEXT NOT NULL, box TEXT NOT NULL, public TEXT NOT NULL,
  code TEXT NOT NULL, code_until_s REAL NOT NULL, failures INTEGER NOT NULL,
  wait_until_s REAL NOT NULL, subject TEXT UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS session (
  token TEXT PRIMARY KEY, person TEXT NOT NULL, made_s REAL NOT NULL, seen_s REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS report (
  number INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL
) STRICT;
"""


class PeopleStore:
    """One connection to the file, used by one thread at a time."""

    def __init__(self, state_dir: Path) -> None:
        """Open or make the file."""
        self.path = state_dir / "page" / "accounts.sqlite"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = apsw.Connection(str(self.path))
        self._connection.set_busy_timeout(_BUSY_MS)
        self._lock = threading.RLock()
        self.run("PRAGMA journal_mode = WAL")
        self.run("PRAGMA synchronous = FULL")
        self.run(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Make what happens inside one transaction, alone in the file from its beginning."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with self._lock:
            return list(self._connection.execute(sql, values))

    def changed(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        with self._lock:
            self._connection.execute(sql, values)
            return int(self._connection.changes())
