"""The archive of a line: closed days as Parquet, each file with its hash in the manifest.

    archive/manifest.jsonl
    archive/2026-11-28/readings.parquet, cycles.parquet, events.parquet

A day is closed when the store holds a later one. Where records of an archived day come late (a
clock was set back), the day is archived once more beside the old one (`2026-11-28.2`). Nothing here
deletes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.history.kept import Kept
from service.history.manifest import (
    ARCHIVED,
    LOCK,
    NAME,
    Line,
    ManifestError,
    append,
    archived,
    flush_folder,
    locked,
    read_manifest,
    standing,
)
from service.history.store import BatchSpan, HistoryError, Mark, Store

if TYPE_CHECKING:
    from pyarrow import Table

    from service.history.day_tables import Tables


class Archive:
    """The archived days of one line, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def size(self) -> int:
        """Return how long the manifest is [bytes]; 0 when there is none yet."""
        path = self.folder / NAME
        return path.stat().st_size if path.exists() else 0

    def lines(self) -> list[Line]:
        """Return the manifest; raises HistoryError when it is not whole."""
        try:
            return read_manifest(self.folder)
        except ManifestError as error:
            raise HistoryError(f"{error}. Next: ./rheostat history verify") from error

    def days(self) -> dict[str, Line]:
        """Return for every day that is here the line of the manifest that says what it holds."""
        return {line.day: line for line in standing(self.lines())}

    def due(self, store: Store, today: str) -> list[str]:
        """Return the closed days of `store` that are not here as they are there, oldest first."""
        here, known = self.days(), store.days()
        return [
            day for day in known[:-1]
            if day < today and (day not in here or mark_of(here[day]) != store.day_mark(day))
        ]  # fmt: skip

    def add(self, store: Store, day: str, sealed: Mapping[str, Any], utc: str) -> Line:
        """Archive one closed day; `sealed` tells line and units, `utc` is now.

        What was written is read back and compared before the manifest names it. Raises
        HistoryError when it differs, or the disk refuses.
        """
        from service.history import day_tables as form

        tables = form.tables_of(store, day)
        content, (first, last) = form.content_of(tables), form.ends_of(tables)
        about = form.about_file(sealed, day=day)
        try:
            with locked(self.folder):
                target = self._fresh(day)
                for name, table in tables.items():
                    form.write_table(target / f"{name}.parquet", table, about)
                if form.content_of(form.read_tables(target)) != content:
                    raise HistoryError(f"{target} does not read back as it was written")
                body = {
                    "format": form.FORMAT, "folder": target.name,
                    "files": {path.name: _about(path) for path in sorted(target.iterdir())},
                    "rows": {name: table.num_rows for name, table in tables.items()},
                    "content": content, "first_utc": first, "last_utc": last,
                    "last_record": list(store.day_mark(day)),
                    "batches": [list(astuple(span)) for span in form.spans_of(tables["cycles"])],
                }  # fmt: skip
                flush_folder(target)
                flush_folder(self.folder)
                return append(self.folder, ARCHIVED, day, utc, body)
        except ManifestError as error:
            raise HistoryError(str(error)) from error
        except OSError as error:
            raise HistoryError(f"{day} cannot be archived: {error}") from error

    def rows(self, line: Line) -> list[Kept]:
        """Return an archived day as a store takes it, compared with what was archived.

        Raises HistoryError when a file is missing or altered, or another day than was archived.
        """
        from service.history import day_tables as form

        tables = self.tables(line)
        if form.content_of(tables) != line.body["content"]:
            raise HistoryError(
                f"{line.body['folder']} does not hold what line {line.number} says. "
                "Next: ./rheostat history verify"
            )
        return form.rows_of(tables)

    def tables(self, line: Line) -> Tables:
        """Return the tables of an archived day, each file compared with its hash first.

        Raises HistoryError when a file is missing or altered.
        """
        from service.history.day_tables import read_tables

        return read_tables(self._checked(line))

    def readings(self, line: Line, tag: str) -> Table:
        """Return of an archived day the readings of one tag, and some of its neighbours.

        Checks and raises as `tables`.
        """
        from service.history.day_tables import read_readings

        return read_readings(self._checked(line), tag)

    def faults(self) -> list[str]:
        """Return everything that is not as the manifest says: altered, missing or extra files."""
        try:
            lines = read_manifest(self.folder)
        except ManifestError as error:
            return [str(error)]
        here = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*")}
        named = {NAME, LOCK, *(name for line in archived(lines) for name in _names(line))}
        found = [fault for line in standing(lines) for fault in _file_faults(self.folder, line)]
        extra = sorted(here - named)
        return found + [f"{name}: no line of the manifest names it" for name in extra]

    def clear(self) -> None:
        """Delete the files of days that the manifest says are deleted, inside `locked`."""
        lines = self.lines()
        here = {line.number for line in standing(lines)}
        for line in archived(lines):
            if line.number not in here:
                shutil.rmtree(self.folder / str(line.body["folder"]), ignore_errors=True)

    def _checked(self, line: Line) -> Path:
        """Return the folder of an archived day whose files are what the manifest says."""
        if faults := _file_faults(self.folder, line):
            raise HistoryError(f"{'; '.join(faults)}. Next: ./rheostat history verify")
        return self.folder / str(line.body["folder"])

    def _fresh(self, day: str) -> Path:
        """Return a new folder for a day; what a broken-off try left without a line goes first."""
        named = {str(line.body.get("folder")) for line in read_manifest(self.folder)}
        number, target = 1, self.folder / day
        while target.name in named:
            number += 1
            target = self.folder / f"{day}.{number}"
        if target.exists():
            shutil.rmtree(target)
        target.mkdir()
        return target


def archive_of(folder: Path) -> Archive:
    """Return the archive that belongs to the history in `folder`."""
    return Archive(folder / "archive")


def mark_of(line: Line) -> Mark:
    """Return the newest record that an archived day holds."""
    return Mark(*line.body["last_record"])


def batches_of(line: Line) -> list[BatchSpan]:
    """Return where batches passed through a loop on an archived day."""
    return [BatchSpan(*row) for row in line.body["batches"]]


def _names(line: Line) -> list[str]:
    folder = str(line.body["folder"])
    return [folder, *(f"{folder}/{name}" for name in line.body["files"])]


def _about(path: Path) -> dict[str, Any]:
    """Return hash and size of a file that is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(),
                "bytes": path.stat().st_size}  # fmt: skip


def _file_faults(folder: Path, line: Line) -> list[str]:
    found = []
    for name, about in line.body["files"].items():
        path = folder / str(line.body["folder"]) / name
        shown = path.relative_to(folder)
        try:
            if _about(path) != about:
                found.append(f"{shown}: altered, it is not what line {line.number} says")
        except OSError as error:
            found.append(f"{shown}: missing or unreadable ({error.strerror})")
    return found
