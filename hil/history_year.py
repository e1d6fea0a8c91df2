"""A year of history for one line, made from one recorded day, and how long its trends take to open.

The readings of a real day are copied to every other day with their times and numbers moved on, so
size and index are those of a year of production; only the values repeat.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import apsw

from service.history.day_files import DAY_SCHEMA, DayFiles
from service.history.kept import day_span

_DAY_MS = 86_400_000
_COPIES = (
    "INSERT INTO tag SELECT * FROM day1.tag",
    "INSERT INTO sample SELECT tag, t_ms + :ms, seq + :seq, value, quality FROM day1.sample "
    "ORDER BY tag, t_ms, seq",
    "INSERT INTO cycle SELECT seq + :seq, t_ms + :ms, loop, mode, requested, action, limiting, "
    "outcome, late, total_ms, solve_ms, recipe, batch + :batch, phase, equipment, config, hash "
    "FROM day1.cycle ORDER BY seq",
    "INSERT INTO event SELECT seq + :seq, t_ms + :ms, loop, kind, what, body, hash FROM day1.event",
    "INSERT INTO batch SELECT batch + :batch, loop, recipe, equipment, first_seq + :seq, "
    "last_seq + :seq, first_ms + :ms, last_ms + :ms, cycles FROM day1.batch",
    "INSERT INTO day SELECT one, last_seq + :seq, last_hash FROM day1.day",
)


def make_year(one_day: Path, folder: Path, days: int, say: Callable[[str], None]) -> DayFiles:
    """Make `days` days of history in `folder` from the file of one day; return its reader."""
    folder.mkdir(parents=True)
    first = date.fromisoformat(one_day.stem)
    connection = apsw.Connection(str(one_day), flags=apsw.SQLITE_OPEN_READONLY)
    [(rows,)] = connection.execute("SELECT last_seq FROM day")
    [(batches,)] = connection.execute("SELECT coalesce(max(batch), 0) FROM batch")
    connection.close()
    for number in range(days):
        day = (first + timedelta(days=number)).isoformat()
        moved = {"ms": number * _DAY_MS, "seq": number * rows, "batch": number * batches}
        _copy(one_day, folder / f"{day}.sqlite", moved)
        if number % 50 == 49:
            say(f"{number + 1} of {days} days made")
    return DayFiles(folder)


def opened(
    folder: Path, days: Sequence[str], tags: Sequence[str], times: int, seed: int
) -> dict[str, float]:
    """Return how long a trend of one random day takes to open [s], cold and warm.

    Cold: nothing of that day is in the page cache. Each time the store is opened anew, as the page
    does for every request.
    """
    draw = random.Random(seed)
    cold, warm = [], []
    for _ in range(times):
        day, tag = draw.choice(days), draw.choice(tags)
        _forget(folder / f"{day}.sqlite")
        cold.append(_time_of(folder, day, tag))
        warm.append(_time_of(folder, day, tag))
    return {f"{name}_{kind}_s": round(value, 4) for kind, found in (("cold", cold), ("warm", warm))
            for name, value in _spread(found).items()}  # fmt: skip


def opened_from_archive(
    folder: Path, days: Sequence[str], tags: Sequence[str], times: int, seed: int
) -> dict[str, float]:
    """Return the CPU time of opening a trend of one random day that is in the archive only [s].

    Each by a new process, imports and all.
    """
    draw = random.Random(seed)
    spent = []
    for _ in range(times):
        words = ["-m", "hil.history_year", str(folder), draw.choice(days), draw.choice(tags)]
        done = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True)
        spent.append(float(done.stdout))
    return {f"archived_{name}_cpu_s": round(value, 4) for name, value in _spread(spent).items()}


def tags_of(store: DayFiles, day: str) -> list[str]:
    """Return the tags that have readings on a day."""
    begin, end = day_span(day)
    return [name for (name,) in store.ask("SELECT name FROM tag ORDER BY name", (), begin, end - 1)]


def _copy(one_day: Path, target: Path, moved: dict[str, Any]) -> None:
    connection = apsw.Connection(str(target))
    try:
        for pragma in ("journal_mode = OFF", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute(DAY_SCHEMA)
        connection.execute("ATTACH ? AS day1", (str(one_day),))
        with connection:
            for statement in _COPIES:
                used = {key: value for key, value in moved.items() if f":{key}" in statement}
                connection.execute(statement, used)
    finally:
        connection.close()


def _time_of(folder: Path, day: str, tag: str) -> float:
    begin, end = day_span(day)
    began_s = time.perf_counter()
    store = DayFiles(folder)
    found = store.trend(tag, begin, end, 1000)
    store.close()
    spent_s = time.perf_counter() - began_s
    if not found:
        raise RuntimeError(f"there is no trend of {tag} on {day}")
    return spent_s


def _forget(path: Path) -> None:
    """Take a file out of the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "first": values[0], "median": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], "most": ordered[-1],
    }  # fmt: skip


if __name__ == "__main__":  # one trend in a process of its own: prints its CPU time [s]
    _time_of(Path(sys.argv[1]), *sys.argv[2:])
    sys.stdout.write(f"{time.process_time()}\n")
