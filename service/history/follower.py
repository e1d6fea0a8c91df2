"""Follows the records into a store: every record once, whenever either process ends."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from records.chain import RecordError
from records.reader import RecordReader
from service.history.day_files import DayFiles
from service.history.kept import kept
from service.history.store import HistoryError, Store

URL = "RHEOSTAT_HISTORY_URL"
"""Environment variable: where history goes instead of the day files (postgresql://...)."""

AT_ONCE = 500  # records in one transaction


def history_folder(state_dir: Path) -> Path:
    """Return where the history of a line stands."""
    return state_dir / "history"


def open_store(state_dir: Path, line: str, *, write: bool = False) -> Store:
    """Return the line's history: day files, or the server that `RHEOSTAT_HISTORY_URL` names."""
    if url := os.environ.get(URL, ""):
        from service.history.postgres import Postgres

        return Postgres(url, line)
    return DayFiles(history_folder(state_dir), write=write)


def carry_all(state_dir: Path, store: Store) -> None:
    """Carry everything over that the records of `state_dir` hold by now; raises as `Follower`."""
    follower = Follower(state_dir, store)
    try:
        while follower.catch_up():
            pass
    finally:
        follower.close()


class Follower:
    """Carries records from one file into one store."""

    def __init__(self, state_dir: Path, store: Store) -> None:
        """Find where to go on.

        Raises RecordError when there are no records to read, HistoryError when the store holds the
        history of others.
        """
        self._store = store
        self._reader = RecordReader(state_dir / "records.sqlite")
        mark = store.mark()
        here = self._reader.one(mark.seq) if mark.seq else None
        if mark.seq and (here is None or here.hash != mark.hash):
            self._reader.close()
            raise HistoryError(
                f"the history ends with record {mark.seq}, which is not in these records: two "
                "lines' histories must not mix. Next: move the history folder away; it will be "
                "made anew from the records"
            )
        self.seen = mark.seq
        self._sealed = in_force(state_dir, self._reader, mark.seq)

    def catch_up(self) -> int:
        """Keep the next records; return how many (0: everything is here)."""
        entries = self._reader.since(self.seen, AT_ONCE)
        rows = []
        for entry in entries:
            if entry.kind == "seal":
                self._sealed = entry.body["proposal"]["config"]
            elif entry.kind == "start" and "sealed" in entry.body:
                self._sealed = entry.body["sealed"]
            rows.append(kept(entry, self._sealed))
        if rows:
            self._store.add(rows)
            self.seen = rows[-1].seq
        return len(rows)

    def behind(self) -> int:
        """Return how many records are not in the history yet."""
        return self._reader.last_seq() - self.seen

    def close(self) -> None:
        """Close the records; the store is its owner's."""
        self._reader.close()


def in_force(state_dir: Path, reader: RecordReader, seq: int) -> Mapping[str, Any]:
    """Return the configuration in force after record `seq`.

    Raises RecordError when nothing says it.
    """
    before = [seal for seal in reader.seals() if seal.seq <= seq]
    if before:
        found: Mapping[str, Any] = before[-1].body["proposal"]["config"]
        return found
    try:
        sealed: Mapping[str, Any] = json.loads((state_dir / "sealed.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{state_dir / 'sealed.json'} cannot be read: {error}") from error
    return sealed
