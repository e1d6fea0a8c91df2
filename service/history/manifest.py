"""The manifest of an archive: one line for each act, chained, so that none can be changed.

An act is a day that was archived, a day's readings taken out of the store, or a day of the archive
that was deleted by rule. A line holds the hash of the line before it and its own; it is on the disk
before anything is deleted.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.canonical import canonical_json, sha256_of

NAME, LOCK = "manifest.jsonl", ".lock"
ARCHIVED, STORE_PRUNED, ARCHIVE_PRUNED = "archived", "store-pruned", "archive-pruned"
_ACTS = (ARCHIVED, STORE_PRUNED, ARCHIVE_PRUNED)


class ManifestError(Exception):
    """The manifest is not whole; the text says where."""


@dataclass(frozen=True, slots=True)
class Line:
    """One act on one day; `body` says more about it."""

    number: int
    do: str
    day: str
    utc: str
    body: Mapping[str, Any]
    previous: str
    hash: str


def read_manifest(folder: Path) -> list[Line]:
    """Return every line; none when there is no archive yet.

    Raises ManifestError when a line is changed, missing or cut short.
    """
    try:
        texts = (folder / NAME).read_text("ascii").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ManifestError(f"{folder / NAME} cannot be read: {error}") from error
    found: list[Line] = []
    for number, text in enumerate(texts, start=1):
        line = _line(text)
        before = found[-1].hash if found else ""
        if line is None or (line.number, line.previous) != (number, before):
            raise ManifestError(
                f"line {number} of {folder / NAME} is not what was written: it was changed, "
                "a line before it is missing, or it was cut short"
            )
        found.append(line)
    return found


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep everybody else from changing this archive meanwhile; makes the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def append(folder: Path, do: str, day: str, utc: str, body: Mapping[str, Any]) -> Line:
    """Write one more line, inside `locked`; it is on the disk when this returns.

    Raises ManifestError when the manifest is not whole, OSError when it cannot be written.
    """
    before = read_manifest(folder)
    previous = before[-1].hash if before else ""
    plain = {
        "number": len(before) + 1, "do": do, "day": day, "utc": utc, "body": dict(body),
        "previous": previous,
    }  # fmt: skip
    chained = sha256_of(plain)
    text = canonical_json({**plain, "hash": chained}) + "\n"
    fresh = not (folder / NAME).exists()
    with (folder / NAME).open("a", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        flush_folder(folder)
    return Line(len(before) + 1, do, day, utc, body, previous, chained)


def archived(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of every day that was ever archived, deleted since or not."""
    return [line for line in lines if line.do == ARCHIVED]


def standing(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of the days that are in the archive; a day's newest comes last."""
    gone = {line.day: line.number for line in lines if line.do == ARCHIVE_PRUNED}
    return [line for line in archived(lines) if line.number > gone.get(line.day, 0)]


def flush_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(text: str) -> Line | None:
    """Return a line that is what its hash says, else None."""
    try:
        found = json.loads(text)
        chained = found.pop("hash")
        if not text.endswith("\n") or sha256_of(found) != chained or found["do"] not in _ACTS:
            return None
        return Line(**found, hash=chained)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
