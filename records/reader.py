"""Reading the records beside the running engine: by sequence, or the last cycles of a loop.

The page, the exports and the command line look through this window. It opens the file read-only,
so no reader can disturb the writer or the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from records.chain import RecordError, open_read_only

_ACTS = ("start", "seal", "request", "entry", "event", "signature", "stop")
_LARGEST = 2**63 - 1
_COLUMNS = "SELECT seq, kind, loop, utc, body, hash FROM record"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record, its body opened."""

    seq: int
    kind: str
    loop: str
    utc: str
    hash: str
    body: dict[str, Any]


class RecordReader:
    """A read-only view of one record file."""

    def __init__(self, path: Path) -> None:
        """Open `path`; raises RecordError when there is no file or it cannot be read."""
        self.path = path
        try:
            self._connection = open_read_only(path)
        except apsw.Error as error:
            raise RecordError(f"the record file {path} cannot be read: {error}") from error

    def since(self, seq: int, limit: int = 1000) -> Sequence[Entry]:
        """Return up to `limit` records after number `seq`, oldest first."""
        return self._ask(f"{_COLUMNS} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))

    def last_cycles(self, loop: str, count: int) -> Sequence[Entry]:
        """Return the last `count` cycles of `loop`, oldest first."""
        where = "WHERE loop = ? AND kind = 'cycle' ORDER BY seq DESC LIMIT ?"
        return self._ask(f"{_COLUMNS} {where}", (loop, count))[::-1]

    def last_of_kind(self, kind: str, count: int, loop: str | None = None) -> Sequence[Entry]:
        """Return the last `count` records of one kind, oldest first.

        Of all loops, or of one ('' for the engine's own): then the index finds them, however many
        other records there are.
        """
        order = "ORDER BY seq DESC LIMIT ?"
        if loop is None:
            return self._ask(f"{_COLUMNS} WHERE kind = ? {order}", (kind, count))[::-1]
        where = f"{_COLUMNS} WHERE loop = ? AND kind = ? {order}"
        return self._ask(where, (loop, kind, count))[::-1]

    def seals(self) -> Sequence[Entry]:
        """Return every sealed version of the configuration that was in force, oldest first."""
        return self._ask(f"{_COLUMNS} WHERE loop = '' AND kind = 'seal' ORDER BY seq", ())

    def acts(self, loops: Sequence[str], before: int, limit: int) -> Sequence[Entry]:
        """Return the last `limit` records before number `before` of what people and engine did.

        That is everything but cycles, intents and roots, of these loops ('' for the engine's own),
        newest first. Each pair is found by the index, however many cycles lie between.
        """
        where = "WHERE loop = ? AND kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        found = [
            entry
            for loop in loops
            for kind in _ACTS
            for entry in self._ask(f"{_COLUMNS} {where}", (loop, kind, before, limit))
        ]
        return sorted(found, key=lambda entry: -entry.seq)[:limit]

    def before(self, seq: int, loop: str, kind: str) -> Entry | None:
        """Return the newest record of one loop and kind before number `seq`, or None."""
        where = "WHERE loop = ? AND kind = ? AND seq < ? ORDER BY seq DESC LIMIT 1"
        found = self._ask(f"{_COLUMNS} {where}", (loop, kind, seq))
        return found[0] if found else None

    def after(self, seq: int, loop: str, kind: str) -> Entry | None:
        """Return the oldest record of one loop and kind after number `seq`, or None."""
        where = "WHERE loop = ? AND kind = ? AND seq > ? ORDER BY seq LIMIT 1"
        found = self._ask(f"{_COLUMNS} {where}", (loop, kind, seq))
        return found[0] if found else None

    def one(self, seq: int) -> Entry | None:
        """Return record number `seq`, or None."""
        found = self._ask(f"{_COLUMNS} WHERE seq = ?", (seq,))
        return found[0] if found else None

    def last_seq(self) -> int:
        """Return the number of the newest record, 0 when there is none."""
        found = self._ask(f"{_COLUMNS} ORDER BY seq DESC LIMIT 1", ())
        return found[0].seq if found else 0

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _ask(self, statement: str, values: tuple[object, ...]) -> list[Entry]:
        fitting = [_fitting(value) for value in values]
        try:
            return [
                Entry(seq, kind, loop, utc, chained, json.loads(body))
                for seq, kind, loop, utc, body, chained in self._connection.execute(
                    statement, fitting
                )
            ]
        except (apsw.Error, ValueError) as error:
            raise RecordError(f"the record file {self.path} cannot be read: {error}") from error


def _fitting(value: object) -> object:
    """Return a number as SQLite can hold it; no record has a number beyond."""
    return max(-_LARGEST, min(value, _LARGEST)) if isinstance(value, int) else value
