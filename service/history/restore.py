"""Archived days back into a store, each compared by hash with what was archived."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from service.history.archive import Archive
from service.history.day_files import DayFiles
from service.history.store import HistoryError, Store


def put_back(store: Store, archive: Archive, day: str) -> None:
    """Put one archived day into a store that has nothing of it.

    Raises HistoryError when it is not archived, is in the store, or does not come back equal.
    """
    from service.history.day_tables import content_of, tables_of

    line = archive.days().get(day)
    if line is None:
        raise HistoryError(f"{day} is not in the archive. Next: ./rheostat history status")
    store.put_back(day, archive.rows(line))
    if content_of(tables_of(store, day)) != line.body["content"]:
        store.drop(day)
        raise HistoryError(f"{day} does not come back as it was archived; it was taken out again")


def drill(archive: Archive, days: Iterable[str]) -> None:
    """Restore days into a folder that is thrown away; raises HistoryError as `put_back` does."""
    for day in days:
        with tempfile.TemporaryDirectory(prefix="rheostat-drill-") as place:
            store = DayFiles(Path(place), write=True)
            try:
                put_back(store, archive, day)
            finally:
                store.close()
