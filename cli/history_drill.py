"""`./rheostat history drill`: production in virtual time through the whole life of its history."""

from __future__ import annotations

import json as words
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag

if TYPE_CHECKING:
    from hil.history_drill import Drill

_TRENDS = 200
_COLD = 20
_ARCHIVED = 3  # days whose archive is timed and weighed


def drill(
    *,
    hours: float = 24.0,
    days: int = 0,
    out: Annotated[Path | None, Parameter(show_default=False)] = None,
    seed: int = 1,
    config: ConfigFile = DEFAULT_CONFIG,
    json: Flag = False,
) -> int:
    """Play hours of production, then follow, archive, prune and restore its history; judge each.

    Real cycles through the real recorder, in virtual time: a day takes some minutes. Exit code 1:
    a cycle is missing, or something did not come back equal. With --days that day is copied until
    so many are there, and trends of random days are opened.

    Parameters
    ----------
    hours
        Hours of production before midnight.
    days
        How many days of history to make from it, to look at size and speed.
    out
        New folder that keeps everything. Default: one that is thrown away.
    seed
        Which days are looked at.
    config
        The line's file. Default: config/line.yaml.
    json
        Print figures and checks as JSON.
    """
    if not 0.1 <= hours <= 24.0 or not 0 <= days <= 3660:
        raise RefusalError(
            "--hours goes from 0.1 to 24, --days to 3660",
            "the drill closes one day, and copies it",
            "./rheostat history drill --hours 24 --days 365",
            USAGE,
        )
    if out is not None and out.exists():
        raise RefusalError(
            f"{shown(out)} is there already", "a drill never mixes two histories", "name a new one"
        )
    sealed = sealed_or_refused(config)
    with tempfile.TemporaryDirectory(prefix="rheostat-drill-") as scratch:
        found = _drilled(out or Path(scratch) / "drill", sealed, hours, days, seed)
    if json:
        print(words.dumps({"ok": found.ok, "figures": found.figures, "checks": found.checks},
                          indent=2))  # fmt: skip
    else:
        for name, value in found.figures.items():
            print(f"{name:<28} {value}")
        for text, held in found.checks.items():
            print(f"{'ok ' if held else 'BAD'}  {text}")
    return OK if found.ok else FINDINGS


def _drilled(folder: Path, sealed: dict[str, Any], hours: float, days: int, seed: int) -> Drill:
    from hil.history_drill import DAY, Shift
    from hil.history_drill import drill as play

    say(f"{hours:g} hours of production in virtual time ...")
    found = play(folder, sealed, Shift(hours), say)
    if days and found.ok:
        one_day = folder / "line" / "history" / f"{DAY}.sqlite"
        found.figures |= _year(folder / "year" / "history", one_day, sealed, days, seed)
    return found


def _year(
    folder: Path, one_day: Path, sealed: dict[str, Any], days: int, seed: int
) -> dict[str, Any]:
    import time

    from hil.history_year import make_year, opened, opened_from_archive, tags_of
    from service.history.archive import archive_of

    store = make_year(one_day, folder, days, say)
    known = store.days()
    size_mb = sum((folder / f"{day}.sqlite").stat().st_size for day in known) / 1e6
    say("trends of random days ...")
    tags = tags_of(store, known[0])
    figures: dict[str, Any] = {
        "days": days, "tags": len(tags), "store_gb": round(size_mb / 1e3, 3),
        **opened(folder, known, tags, _TRENDS, seed),
    }  # fmt: skip
    archive, began_s = archive_of(folder), time.perf_counter()
    lines = [archive.add(store, day, sealed, "2026-01-01T00:00:00.000Z")
             for day in known[:_ARCHIVED]]  # fmt: skip
    spent_s = (time.perf_counter() - began_s) / len(lines)
    weights = [one["bytes"] for line in lines for one in line.body["files"].values()]
    per_day_mb = sum(weights) / len(lines) / 1e6
    for line in lines:
        store.drop(line.day)
    store.close()
    gone = [line.day for line in lines]
    return figures | opened_from_archive(folder, gone, tags, _COLD, seed) | {
        "archive_one_day_s": round(spent_s, 2), "archive_one_day_mb": round(per_day_mb, 2),
        "archive_gb_for_all_days": round(per_day_mb * days / 1e3, 3),
    }  # fmt: skip
